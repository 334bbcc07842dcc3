/**
 * How a broadcast moves on: launched, paused, resumed, canceled, ended. Each move locks the broadcast first and then, where its waiting
 * messages are touched, the lanes of its numbers: so none of them is claimed, and none is made, behind a move that was answered.
 */
import { lockLane, markDue } from '../messages/pace.ts';
import { first, type Tx } from '../platform/database.ts';
import type { Broadcast, BroadcastKey, Reason } from './broadcast.ts';
import { momentOf } from './schedule.ts';
import { lockBroadcast } from './table.ts';

/** Why a move cannot be made, as a sentence; or the broadcast as it is now. */
export type Moved = { broadcast: Broadcast; canceled: string[] } | { cannot: string } | undefined;

/** Where the day begins first: a start by the clock on the wall comes there before anywhere else. */
const firstZone = 'Pacific/Kiritimati';

/**
 * A draft is launched: from now on its audience is written down, and then it is sent when its time has come. `keyId`: of who launches it,
 * whoever made it; its caps hold for what is sent.
 */
export async function launchBroadcast(
  tx: Tx,
  { tenantId, broadcastId }: BroadcastKey,
  keyId: string,
  takeMost: number | null,
  now: number,
): Promise<Moved> {
  const broadcast = await lockBroadcast(tx, tenantId, broadcastId);
  if (broadcast === undefined) return undefined;
  if (broadcast.state !== 'draft') return { cannot: `It is ${broadcast.state} already.` };
  const { localStart, ttlMs } = broadcast.options;
  const startAt = localStart === null ? broadcast.startAt : momentOf(localStart, firstZone);
  const isLater = startAt !== null && startAt > now;
  const endsAt = ttlMs === null ? null : Math.max(now, startAt ?? now) + ttlMs;
  await tx.all(
    `update broadcasts set state = $3, start_at = $4, ends_at = $5, take_most = $6, freezing = $7, launched_at = $8, updated_at = $8,
       due_at = $8, key_id = $9
     where tenant_id = $1 and id = $2`,
    [
      ...[tenantId, broadcastId, isLater ? 'scheduled' : 'running', startAt, endsAt, takeMost],
      ...[JSON.stringify({ source: 0, after: '' }), now, keyId],
    ],
  );
  return moved(tx, broadcast);
}

/** Whose pause holds back what is queued already. Where nothing more can be paid for, what is paid for goes out. */
const holding: Reason[] = ['asked', 'spam', 'refused'];

/** Nothing more of it is sent until somebody resumes it. */
export async function pauseBroadcast(
  tx: Tx,
  { tenantId, broadcastId }: BroadcastKey,
  reason: Reason,
  detail: string | null,
  now: number,
): Promise<Moved> {
  const broadcast = await lockBroadcast(tx, tenantId, broadcastId);
  if (broadcast === undefined) return undefined;
  if (broadcast.state === 'paused') return { broadcast, canceled: [] };
  if (broadcast.state !== 'running' && broadcast.state !== 'scheduled')
    return { cannot: `It is ${broadcast.state}.` };
  await tx.all(
    `update broadcasts set state = 'paused', reason = $3, detail = $4, updated_at = $5, due_at = $5
     where tenant_id = $1 and id = $2`,
    [tenantId, broadcastId, reason, detail, now],
  );
  await holdRest(tx, { ...broadcast, reason });
  return moved(tx, broadcast);
}

/** Goes on where it was. `takeMost`: undefined leaves it, unless that is why it paused: then there is none any more. */
export async function resumeBroadcast(
  tx: Tx,
  { tenantId, broadcastId }: BroadcastKey,
  takeMost: number | null | undefined,
  now: number,
): Promise<Moved> {
  const broadcast = await lockBroadcast(tx, tenantId, broadcastId);
  if (broadcast === undefined) return undefined;
  if (broadcast.state === 'running' || broadcast.state === 'scheduled') return { broadcast, canceled: [] };
  if (broadcast.state !== 'paused') return { cannot: `It is ${broadcast.state}.` };
  const { startAt, reason, taken } = broadcast;
  const most = takeMost ?? (reason === 'limit' || takeMost === null ? null : broadcast.takeMost);
  if (most !== null && most <= taken)
    return { cannot: `${taken} are taken already; a limit must be more than that.` };
  const state = startAt !== null && startAt > now ? 'scheduled' : 'running';
  await tx.all(
    `update broadcasts set state = $3, reason = null, detail = null, take_most = $4, updated_at = $5, due_at = $5
     where tenant_id = $1 and id = $2`,
    [tenantId, broadcastId, state, most, now],
  );
  await lockLanes(tx, broadcast);
  const freed = await tx.all<{ number_id: number }>(
    `update messages set status = 'queued'
     where tenant_id = $1 and broadcast_id = $2 and status = 'held' and rank = 0 returning number_id`,
    [tenantId, broadcastId],
  );
  for (const numberId of ascending(freed.map(row => row.number_id)))
    await markDue(tx, { tenantId, numberId }, now);
  return moved(tx, broadcast);
}

/** Nobody who waits gets a message any more; what is queued is canceled, and its money is to be released (`charge`). */
export async function cancelBroadcast(
  tx: Tx,
  { tenantId, broadcastId }: BroadcastKey,
  detail: string | null,
  now: number,
): Promise<Moved> {
  const broadcast = await lockBroadcast(tx, tenantId, broadcastId);
  if (broadcast === undefined) return undefined;
  if (broadcast.state === 'canceled') return { broadcast, canceled: [] };
  if (broadcast.state === 'completed' || broadcast.state === 'draft')
    return { cannot: `It is ${broadcast.state === 'draft' ? 'a draft' : broadcast.state}.` };
  await endBroadcast(tx, broadcast, 'canceled', null, detail, now);
  const { canceled } = await cancelRest(tx, broadcast, now);
  return { ...(await moved(tx, broadcast)), canceled };
}

/** For who holds its lock. It is looked after once more, for what is on its way just now and comes back. */
export async function endBroadcast(
  tx: Tx,
  { tenantId, id }: Broadcast,
  state: 'completed' | 'canceled',
  reason: Reason | null,
  detail: string | null,
  now: number,
): Promise<void> {
  await tx.all(
    `update broadcasts set state = $3, reason = $4, detail = $5, due_at = $6, freezing = null, ended_at = $6, updated_at = $6
     where tenant_id = $1 and id = $2`,
    [tenantId, id, state, reason, detail, now],
  );
}

/** A draft goes with all that was written of its audience; true when it is gone. Some thousand rows a step, for who calls again. */
export async function removeDraftStep(
  tx: Tx,
  { tenantId, broadcastId }: BroadcastKey,
): Promise<'more' | 'removed' | 'no draft' | 'not there'> {
  const broadcast = await lockBroadcast(tx, tenantId, broadcastId);
  if (broadcast === undefined) return 'not there';
  if (broadcast.state !== 'draft') return 'no draft';
  const gone = await tx.all(
    `delete from broadcast_recipients where tenant_id = $1 and broadcast_id = $2 and person in (
       select person from broadcast_recipients where tenant_id = $1 and broadcast_id = $2 order by person limit ${stepRows})
     returning person`,
    [tenantId, broadcastId],
  );
  if (gone.length === stepRows) return 'more';
  await tx.all('delete from broadcasts where tenant_id = $1 and id = $2', [tenantId, broadcastId]);
  return 'removed';
}

const stepRows = 5_000;

async function moved(
  tx: Tx,
  { tenantId, id }: Broadcast,
): Promise<{ broadcast: Broadcast; canceled: string[] }> {
  return { broadcast: (await lockBroadcast(tx, tenantId, id))!, canceled: [] };
}

const ascending = (ids: number[]) => [...new Set(ids)].sort((a, b) => a - b);

/** In the order in which everybody locks them. */
async function lockLanes(tx: Tx, { tenantId, numberIds }: Broadcast): Promise<void> {
  for (const numberId of ascending(numberIds)) await lockLane(tx, { tenantId, numberId });
}

/** Of what was on its way when it was paused, holds what came back; true when nothing is on its way any more. For who holds its lock. */
export async function holdRest(tx: Tx, broadcast: Broadcast): Promise<boolean> {
  if (!holding.includes(broadcast.reason!)) return true;
  await lockLanes(tx, broadcast);
  await tx.all(
    `update messages set status = 'held'
     where tenant_id = $1 and broadcast_id = $2 and status = 'queued' and rank = 0`,
    [broadcast.tenantId, broadcast.id],
  );
  return !(await isSending(tx, broadcast));
}

/** The same of one that has ended: what came back is canceled. */
export async function cancelRest(
  tx: Tx,
  broadcast: Broadcast,
  now: number,
): Promise<{ canceled: string[]; isOver: boolean }> {
  await lockLanes(tx, broadcast);
  const rows = await tx.all<{ id: string }>(
    `update messages set status = 'canceled', rank = 90, ended_at = $3
     where tenant_id = $1 and broadcast_id = $2 and status in ('queued', 'held') and rank = 0 returning id`,
    [broadcast.tenantId, broadcast.id, now],
  );
  return { canceled: rows.map(({ id }) => id), isOver: !(await isSending(tx, broadcast)) };
}

/**
 * Some of its canceled messages on which money is held still, because whoever canceled them ended before it released that. For who calls
 * `charge` with them, and again until there are none.
 */
export async function unreleased(tx: Tx, { tenantId, id }: Broadcast): Promise<string[]> {
  const rows = await tx.all<{ id: string }>(
    `select id from messages
     where tenant_id = $1 and broadcast_id = $2 and status = 'canceled' and fee_state = 'held' limit 500`,
    [tenantId, id],
  );
  return rows.map(row => row.id);
}

async function isSending(tx: Tx, { tenantId, id }: Broadcast): Promise<boolean> {
  const sending = await first(
    tx,
    `select id from messages where tenant_id = $1 and broadcast_id = $2 and status = 'sending' limit 1`,
    [tenantId, id],
  );
  return sending !== undefined;
}
