/** The message table as a queue: insert, claim, release, expire. Everything here runs inside the caller's transaction. */
import { charge } from '../billing/charge.ts';
import { statusRank } from '../canonical/status.ts';
import { storable, type Tx } from '../platform/database.ts';
import { sendName } from './journal.ts';
import { type ClaimedMessage, type NewMessage, priorities } from './message.ts';
import type { LaneKey } from './pace.ts';
import type { DeadProcess } from './presence.ts';

/** Who holds a claim, and until when it counts. Both together name one claim: no process makes two that end in the same ms. */
export interface Claim {
  by: string;
  until: number;
}

export interface InsertRow {
  message: NewMessage;
  /** Set when the message is sent at once by the process that takes it: it is stored as already claimed. */
  claim: Claim | null;
}

/** Stores messages of one tenant. */
export async function insertMessages(tx: Tx, tenantId: string, rows: InsertRow[]): Promise<void> {
  const values = rows.map(({ message, claim }) => ({
    id: message.id,
    number: message.numberId,
    key: message.keyId,
    dialect: message.dialect,
    type: message.type,
    kind: message.recipientKind,
    recipient: storable(message.recipient),
    endpoint: message.endpoint,
    body: message.body,
    callback: message.callbackData && storable(message.callbackData),
    campaign: message.campaign && storable(message.campaign),
    broadcast: message.broadcastId,
    priority: message.priority,
    fake: message.fake ? 1 : 0,
    status: claim ? 'sending' : message.status,
    rank: claim ? statusRank.sending : message.status === 'scheduled' ? 0 : statusRank[message.status],
    due: message.dueAt,
    expires: message.expiresAt,
    by: claim?.by ?? null,
    until: claim?.until ?? null,
    tries: claim ? 1 : 0,
    wamid: message.wamid,
    created: message.createdAt,
    sending: claim ? message.createdAt : null,
    accepted: message.status === 'accepted' ? message.createdAt : null,
    ended: message.status === 'failed' ? message.createdAt : null,
    error: message.reason === null ? null : JSON.stringify({ reason: message.reason, meta: null }),
    market: message.cost?.market ?? null,
    category: message.cost?.category ?? null,
    fee: message.cost?.fee ?? null,
    price: message.cost?.price ?? null,
    money: message.cost === null ? null : 'held',
  }));
  await tx.all(
    `insert into messages (tenant_id, id, number_id, key_id, dialect, type, recipient_kind, recipient, endpoint, body,
       callback_data, campaign, priority, fake, status, rank, due_at, expires_at, claimed_by, claimed_until, tries, wamid,
       created_at, sending_at, accepted_at, ended_at, error, market, category, fee, fee_state, price, price_state, broadcast_id)
     select $1, value ->> 'id', cast(value ->> 'number' as bigint), value ->> 'key', value ->> 'dialect', value ->> 'type',
       value ->> 'kind', value ->> 'recipient', value ->> 'endpoint', value ->> 'body', value ->> 'callback',
       value ->> 'campaign', cast(value ->> 'priority' as integer), cast(value ->> 'fake' as integer), value ->> 'status',
       cast(value ->> 'rank' as integer), cast(value ->> 'due' as bigint), cast(value ->> 'expires' as bigint),
       value ->> 'by', cast(value ->> 'until' as bigint), cast(value ->> 'tries' as integer), value ->> 'wamid',
       cast(value ->> 'created' as bigint), cast(value ->> 'sending' as bigint), cast(value ->> 'accepted' as bigint),
       cast(value ->> 'ended' as bigint), value ->> 'error', value ->> 'market', value ->> 'category',
       cast(value ->> 'fee' as bigint), value ->> 'money', cast(value ->> 'price' as bigint), value ->> 'money', value ->> 'broadcast'
     from json_rows($2)`,
    [tenantId, JSON.stringify(values)],
  );
}

/** What a claim asks of a number: so many of its due messages, bulk only where it may go out. */
export interface Ask {
  numberId: number;
  limit: number;
  bulk: boolean;
}

export interface Taken {
  claimed: Omit<ClaimedMessage, 'slotUs'>[];
  /** What waited past its time to live ends instead. */
  expired: string[];
  /** When the first of those that stay is due; null when none does. */
  nextDueAt: number | null;
}

/**
 * Claims due messages of a tenant's numbers, of each the single ones first, oldest first. The lanes must be open (pace.ts), which keeps
 * two processes from claiming the same rows. The rank is looked at again when the rows are written, since a cancellation may have come
 * first; the sign before it keeps PostgreSQL from finding them by the queue instead of by their key.
 */
export async function claimMessages(
  tx: Tx,
  tenantId: string,
  asks: Ask[],
  now: number,
  claim: Claim,
): Promise<Map<number, Taken>> {
  const heads = await headsOfQueues(tx, tenantId, asks);
  const picked = new Map(
    asks.map(({ numberId, limit, bulk }) => {
      const { single, bulk: ofBulk } = heads.get(numberId)!;
      const due = [...single, ...(bulk ? ofBulk : [])].filter(({ dueAt }) => dueAt <= now).slice(0, limit);
      return [numberId, { due, waiting: [...single, ...ofBulk].filter(one => !due.includes(one)) }];
    }),
  );
  const places = new Map([...picked.values()].flatMap(({ due }) => due.map(({ id }, place) => [id, place])));
  const rows = places.size === 0 ? [] : await takeRows(tx, tenantId, [...places.keys()], now, claim);
  // RETURNING promises no order.
  rows.sort((a, b) => places.get(a.id)! - places.get(b.id)!);
  const byNumber = Map.groupBy(rows, row => row.number_id);
  return new Map(
    [...picked].map(([numberId, { waiting }]) => {
      const ofNumber = byNumber.get(numberId) ?? [];
      return [
        numberId,
        {
          claimed: ofNumber
            .filter(({ status }) => status === 'sending')
            .map(({ created_at, number_id: _, status: __, ...row }) => ({
              ...{ tenantId, numberId, createdAt: created_at },
              ...row,
            })),
          expired: ofNumber.filter(({ status }) => status === 'expired').map(({ id }) => id),
          nextDueAt: waiting.length === 0 ? null : Math.min(...waiting.map(({ dueAt }) => dueAt)),
        },
      ];
    }),
  );
}

interface Queued {
  id: string;
  dueAt: number;
}

/** The first of each queue, one more than asked for. One seek of messages_queue per priority: both at once would read the whole queue. */
async function headsOfQueues(
  tx: Tx,
  tenantId: string,
  asks: Ask[],
): Promise<Map<number, { single: Queued[]; bulk: Queued[] }>> {
  const head = (priority: number) =>
    `(select string_agg(id || ' ' || due_at, ',') from (
       select id, due_at from messages
       where tenant_id = $1 and number_id = asked.number_id and priority = ${priority} and rank = 0 and status <> 'held'
       order by due_at, id limit $3) as head)`;
  const rows = await tx.all<{ number_id: number; single: string | null; bulk: string | null }>(
    `select number_id, ${head(priorities.single)} as single, ${head(priorities.bulk)} as bulk
     from (select cast(value ->> 'number' as bigint) as number_id from json_rows($2)) as asked`,
    [
      tenantId,
      JSON.stringify(asks.map(({ numberId }) => ({ number: numberId }))),
      Math.max(...asks.map(({ limit }) => limit)) + 1,
    ],
  );
  return new Map(
    rows.map(({ number_id, single, bulk }) => [
      number_id,
      { single: readHead(single), bulk: readHead(bulk) },
    ]),
  );
}

/** What is put together in one text has no order of its own. */
function readHead(text: string | null): Queued[] {
  const queued = (text?.split(',') ?? []).map(one => {
    const [id, dueAt] = one.split(' ') as [string, string];
    return { id, dueAt: Number(dueAt) };
  });
  return queued.sort((a, b) => a.dueAt - b.dueAt || (a.id < b.id ? -1 : 1));
}

interface TakenRow extends Omit<ClaimedMessage, 'tenantId' | 'numberId' | 'createdAt' | 'slotUs'> {
  number_id: number;
  status: 'sending' | 'expired';
  created_at: number;
}

function takeRows(tx: Tx, tenantId: string, ids: string[], now: number, claim: Claim): Promise<TakenRow[]> {
  return tx.all(
    `with picked as materialized (select value ->> 'id' as id from json_rows($2))
     update messages set
       status = case when expires_at <= $3 then 'expired' else 'sending' end,
       rank = case when expires_at <= $3 then 90 else 10 end,
       ended_at = case when expires_at <= $3 then $3 else ended_at end,
       claimed_by = $4, claimed_until = $5, tries = tries + 1, sending_at = $3
     from picked
     where messages.tenant_id = $1 and messages.id = picked.id and one_of(messages.id, select id from picked) and +rank = 0
     returning number_id, messages.id, status, type, dialect, priority, recipient, endpoint, body, tries, created_at`,
    [tenantId, JSON.stringify(ids.map(id => ({ id }))), now, claim.by, claim.until],
  );
}

/** In the very words of the index messages_unsettled: from less SQLite does not see that it serves, and reads the whole tenant. */
const isUnsettled = "status in ('sending', 'uncertain')";

/** What a message is again that was not sent: held where its broadcast holds back what is queued, or has ended (broadcasts/states.ts). */
export const queuedAgain = `case when messages.broadcast_id is not null and exists (
    select 1 from broadcasts b where b.tenant_id = $1 and b.id = messages.broadcast_id
      and (b.state in ('canceled', 'completed') or (b.state = 'paused' and b.reason in ('asked', 'spam', 'refused'))))
  then 'held' else 'queued' end`;

/** Gives back claims whose sends were never written. */
export async function releaseClaims(tx: Tx, lane: LaneKey, ids: string[], claimedBy: string): Promise<void> {
  await tx.all(
    `update messages set status = ${queuedAgain}, rank = 0, claimed_by = null, claimed_until = null, tries = tries - 1
     where tenant_id = $1 and claimed_by = $2 and rank = 10
       and one_of(id, select value ->> 'id' from json_rows($3))`,
    [lane.tenantId, claimedBy, JSON.stringify(ids.map(id => ({ id })))],
  );
}

/** Gives back all that one claim took, when its commit was not heard of and nobody sends what it holds; returns the ids. */
export async function releaseWholeClaim(tx: Tx, lane: LaneKey, claim: Claim): Promise<string[]> {
  const rows = await tx.all<{ id: string }>(
    `update messages set status = ${queuedAgain}, rank = 0, claimed_by = null, claimed_until = null, tries = tries - 1
     where tenant_id = $1 and number_id = $2 and ${isUnsettled} and status = 'sending' and claimed_by = $3 and claimed_until = $4
     returning id`,
    [lane.tenantId, lane.numberId, claim.by, claim.until],
  );
  return rows.map(({ id }) => id);
}

/** Ends queued messages of a number that waited past their time to live; returns their ids. */
export async function expireMessages(tx: Tx, lane: LaneKey, now: number, limit: number): Promise<string[]> {
  const rows = await tx.all<{ id: string }>(
    `with late as materialized (
       select id from messages
       where tenant_id = $1 and number_id = $2 and rank = 0 and expires_at > 0 and expires_at <= $3 limit $4)
     update messages set status = 'expired', rank = 90, ended_at = $3
     from late where messages.tenant_id = $1 and messages.id = late.id and one_of(messages.id, select id from late)
     returning messages.id`,
    [lane.tenantId, lane.numberId, now, limit],
  );
  return rows.map(({ id }) => id);
}

/** Else the row would tell the reason of an earlier try, or none. */
const senderGone = '{"reason":"its sender is gone"}';

/**
 * Claims of a process that is gone. Those it never began to write go back to the queue. Of the others nobody knows whether
 * Meta read them, so they become uncertain and are settled by Meta's statuses; they are never sent again.
 * The claimant's name stays on them: if it was only stalled, it may still write what it knows.
 */
export async function takeOverClaims(
  tx: Tx,
  lane: LaneKey,
  dead: DeadProcess,
): Promise<{ released: string[]; uncertain: string[] }> {
  const claims = await tx.all<{ id: string; tries: number }>(
    `select id, tries from messages where tenant_id = $1 and number_id = $2 and ${isUnsettled} and status = 'sending' and claimed_by = $3`,
    [lane.tenantId, lane.numberId, dead.id],
  );
  const neverWritten = ({ id, tries }: (typeof claims)[number]) =>
    dead.written?.has(sendName(id, tries)) === false;
  const released = claims.filter(claim => neverWritten(claim)).map(({ id }) => id);
  const written = claims.filter(claim => !neverWritten(claim)).map(({ id }) => ({ id }));
  if (released.length > 0) await releaseClaims(tx, lane, released, dead.id);
  if (written.length === 0) return { released, uncertain: [] };
  const uncertain = await tx.all<{ id: string }>(
    `update messages set status = 'uncertain', rank = 20, claimed_until = null, error = '${senderGone}'
     where tenant_id = $1 and rank = 10 and claimed_by = $3 and one_of(id, select value ->> 'id' from json_rows($2))
     returning id`,
    [lane.tenantId, JSON.stringify(written), dead.id],
  );
  return { released, uncertain: uncertain.map(({ id }) => id) };
}

/** Claims that outlived their time without anyone to settle them: nobody can still be sending, so they are uncertain. */
export async function abandonClaims(tx: Tx, lane: LaneKey, now: number): Promise<string[]> {
  const rows = await tx.all<{ id: string }>(
    `update messages set status = 'uncertain', rank = 20, claimed_until = null, error = '${senderGone}'
     where tenant_id = $1 and number_id = $2 and ${isUnsettled} and status = 'sending' and claimed_until <= $3
     returning id`,
    [lane.tenantId, lane.numberId, now],
  );
  return rows.map(({ id }) => id);
}

/** Uncertain messages of which Meta said nothing for long end as failed: visible, and still open to Meta's word. */
export async function giveUpUncertain(
  tx: Tx,
  lane: LaneKey,
  sentBefore: number,
  now: number,
): Promise<string[]> {
  const rows = await tx.all<{ id: string }>(
    `update messages set status = 'failed', rank = 25, ended_at = $4,
       error = '{"reason":"the request to Meta was written, no answer came and no status followed"}'
     where tenant_id = $1 and number_id = $2 and ${isUnsettled} and status = 'uncertain' and sending_at <= $3
     returning id`,
    [lane.tenantId, lane.numberId, sentBefore, now],
  );
  return rows.map(({ id }) => id);
}

/** When the lane's unsettled messages next want looking after; null when there are none. */
export async function nextSweep(tx: Tx, lane: LaneKey, uncertainMs: number): Promise<number | null> {
  const rows = await tx.all<{ at: number | null }>(
    `select min(case when status = 'sending' then claimed_until else sending_at + $3 end) as at from messages
     where tenant_id = $1 and number_id = $2 and status in ('sending', 'uncertain')`,
    [lane.tenantId, lane.numberId, uncertainMs],
  );
  return rows[0]?.at ?? null;
}

/** Ends a message that nobody has begun to send; false when it is not, or no longer, waiting. */
export async function cancelMessage(tx: Tx, tenantId: string, id: string, now: number): Promise<boolean> {
  const rows = await tx.all(
    `update messages set status = 'canceled', rank = 90, ended_at = $3
     where tenant_id = $1 and id = $2 and rank = 0 returning id`,
    [tenantId, id, now],
  );
  if (rows.length > 0) await charge(tx, [{ tenantId, ids: [id] }], now);
  return rows.length > 0;
}
