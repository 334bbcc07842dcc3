/**
 * Settlement: Meta's verdict on a send becomes the message's new state. All verdicts that arrive within one turn share a
 * transaction.
 */
import {
  billedColumns,
  billedIds,
  charge,
  chargesFee,
  type MaybeBilled,
  movedByFees,
} from '../billing/charge.ts';
import type { MessageStatus } from '../canonical/status.ts';
import type { Verdict } from '../meta/verdict.ts';
import { type Tx, together } from '../platform/database.ts';
import type { Change } from './feed.ts';
import { type ClaimedMessage, type Settlement, waIdOf } from './message.ts';
import { type LaneKey, markDue, markSweep, pauseLane } from './pace.ts';
import { queuedAgain } from './queue.ts';

export interface SendResult {
  message: ClaimedMessage;
  verdict: Verdict;
  claimedBy: string;
  at: number;
}

/**
 * Writes the results of one batch, of any tenants: the messages, then their money, then what it means for their lanes. Returns what
 * became of messages, once each also when a settlement is repeated.
 */
export async function settle(tx: Tx, results: SendResult[], uncertainMs: number): Promise<Change[]> {
  const byTenant = [...Map.groupBy(results, ({ message }) => message.tenantId)];
  const billed = await together(
    byTenant.map(async ([tenantId, ofTenant]) => {
      const others = ofTenant.filter(({ verdict }) => verdict.kind !== 'sent');
      const sent = await settleSent(tx, tenantId, ofTenant);
      const rest = await settleOthers(tx, tenantId, others);
      for (const result of others) await pausePair(tx, result);
      const settled = new Set([...sent.filter(({ news }) => (news & 1) !== 0), ...rest].map(({ id }) => id));
      const paid = sent.filter(({ fee }) => fee !== null);
      return {
        ...{ tenantId, ids: billedIds(rest), ...(paid.length === 0 ? {} : { moved: movedByFees(paid) }) },
        changes: ofTenant.filter(({ message }) => settled.has(message.id)).map(changeOf),
      };
    }),
  );
  await charge(tx, billed, Math.max(...results.map(({ at }) => at)));
  await together(
    byTenant.map(async ([, ofTenant]) => {
      for (const result of ofTenant) await pause(tx, result, uncertainMs);
    }),
  );
  return billed.flatMap(({ changes }) => changes);
}

const statusAfter = { sent: 'accepted', later: 'queued', rejected: 'failed', unknown: 'uncertain' } as const;

/** What a result means for its message, unless a status of Meta's came before. */
export function changeOf({ message, verdict, at }: SendResult): Change {
  return {
    ...{ tenantId: message.tenantId, id: message.id, status: statusAfter[verdict.kind], at },
    ...(verdict.kind === 'sent' ? {} : { reason: reasonOf(verdict) }),
  };
}

async function settleSent(
  tx: Tx,
  tenantId: string,
  results: SendResult[],
): Promise<{ id: string; news: number; fee: number | null }[]> {
  const rows = results.flatMap(({ message, verdict, at }) =>
    verdict.kind === 'sent'
      ? [{ id: message.id, wamid: verdict.wamid, wa_id: waIdOf(verdict.answer), at }]
      : [],
  );
  if (rows.length === 0) return [];
  // A status may have overtaken this answer: then its higher rank stands and only what it lacks is filled in.
  return tx.all(
    `with s as materialized (
       select value ->> 'id' as id, value ->> 'wamid' as wamid, value ->> 'wa_id' as wa_id, cast(value ->> 'at' as bigint) as at
       from json_rows($2))
     update messages set news = case when rank < 30 then 1 else 0 end + ${chargesFee.was}, ${chargesFee.set},
       wamid = case when recipient_kind = 'erased' then null else s.wamid end,
       wa_id = case when recipient_kind = 'erased' then null else s.wa_id end, accepted_at = s.at, claimed_by = null, claimed_until = null,
       status = case when rank < 30 then 'accepted' else status end,
       rank = case when rank < 30 then 30 else rank end,
       ended_at = case when rank < 30 then null else ended_at end,
       error = case when rank < 30 then null else error end
     from s where messages.tenant_id = $1 and messages.id = s.id and one_of(messages.id, select id from s)
     returning messages.id, news, fee`,
    [tenantId, JSON.stringify(rows)],
  );
}

async function settleOthers(tx: Tx, tenantId: string, others: SendResult[]): Promise<MaybeBilled[]> {
  if (others.length === 0) return [];
  const rows = others.map(result => ({
    id: result.message.id,
    by: result.claimedBy,
    tries: result.message.tries,
    ...nextState(result),
  }));
  // Only while the claim is ours, also when others took us for dead meanwhile; a status that came has the last word. And only
  // of this try: a settlement that is repeated because its commit was not heard of may come when the next try is under way.
  const settled = await tx.all<MaybeBilled>(
    `with s as materialized (
       select value ->> 'id' as id, value ->> 'by' as claimed_by,
         cast(value ->> 'tries' as integer) as tries, value ->> 'status' as status,
         cast(value ->> 'rank' as integer) as rank, cast(value ->> 'due_at' as bigint) as due_at,
         cast(value ->> 'ended_at' as bigint) as ended_at, value ->> 'error' as error
       from json_rows($2))
     update messages set status = case when s.status = 'queued' then ${queuedAgain} else s.status end, rank = s.rank, due_at = coalesce(s.due_at, messages.due_at),
       ended_at = s.ended_at, error = s.error, claimed_by = null, claimed_until = null
     from s where messages.tenant_id = $1 and messages.id = s.id and one_of(messages.id, select id from s)
       and messages.status in ('sending', 'uncertain')
       and messages.claimed_by = s.claimed_by and messages.tries = s.tries
     returning ${billedColumns}`,
    [tenantId, JSON.stringify(rows)],
  );
  await insertTries(tx, tenantId, others);
  return settled;
}

interface NextState {
  status: MessageStatus;
  rank: number;
  due_at: number | null;
  ended_at: number | null;
  error: string | null;
}

function nextState({ verdict, at }: SendResult): NextState {
  switch (verdict.kind) {
    case 'sent':
      throw new Error('a sent message is settled on its own');
    case 'later':
      return {
        status: 'queued',
        rank: 0,
        due_at: at + verdict.delayMs,
        ended_at: null,
        error: errorText(verdict),
      };
    case 'rejected':
      return { status: 'failed', rank: 45, due_at: null, ended_at: at, error: errorText(verdict) };
    case 'unknown':
      return { status: 'uncertain', rank: 20, due_at: null, ended_at: null, error: errorText(verdict) };
  }
}

/** What is kept of a refusal: `{reason}` of ours, `{meta: MetaError}` of Meta's, or both. */
function errorText(verdict: Exclude<Verdict, { kind: 'sent' }>): string {
  const reason = 'reason' in verdict ? verdict.reason : `${verdict.error.code} ${verdict.error.title}`;
  return JSON.stringify({ reason, meta: 'error' in verdict ? verdict.error : null });
}

async function insertTries(tx: Tx, tenantId: string, results: SendResult[]): Promise<void> {
  const rows = results.map(({ message, verdict, at }) => ({
    id: message.id,
    n: message.tries,
    at,
    verdict: verdict.kind,
    code: 'error' in verdict ? (verdict.error?.code ?? null) : null,
    reason: reasonOf(verdict),
    next_at: verdict.kind === 'later' ? at + verdict.delayMs : null,
  }));
  await tx.all(
    `insert into tries (tenant_id, message_id, n, at, verdict, code, reason, next_at)
     select $1, value ->> 'id', cast(value ->> 'n' as integer), cast(value ->> 'at' as bigint), value ->> 'verdict',
       cast(value ->> 'code' as integer),
       case when exists (select 1 from messages where messages.tenant_id = $1 and messages.id = value ->> 'id'
         and messages.recipient_kind = 'erased') then 'erased' else value ->> 'reason' end,
       cast(value ->> 'next_at' as bigint)
     from json_rows($2) where true
     on conflict do nothing`,
    [tenantId, JSON.stringify(rows)],
  );
}

export function reasonOf(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'sent':
      return 'accepted';
    case 'later':
    case 'unknown':
      return verdict.reason;
    case 'rejected':
      return `${verdict.error.code} ${verdict.error.title}${verdict.error.details ? `: ${verdict.error.details}` : ''}`;
  }
}

async function pausePair(tx: Tx, { message, verdict, at }: SendResult): Promise<void> {
  if (verdict.kind !== 'later' || verdict.pause !== 'pair') return;
  await tx.all(
    `update messages set due_at = $4
     where tenant_id = $1 and number_id = $2 and recipient = $3 and rank = 0 and due_at < $4`,
    [message.tenantId, message.numberId, message.recipient, at + verdict.delayMs],
  );
}

async function pause(tx: Tx, { message, verdict, at }: SendResult, uncertainMs: number): Promise<void> {
  const lane: LaneKey = message;
  if (verdict.kind === 'unknown') await markSweep(tx, lane, at + uncertainMs);
  if (verdict.kind !== 'later') return;
  const until = at + verdict.delayMs;
  if (verdict.pause === 'lane' || verdict.pause === 'bulk') await pauseLane(tx, lane, verdict.pause, until);
  await markDue(tx, lane, until);
}

/** How a result looks to a waiting caller; undefined while the message goes on by itself. */
export function settlementOf({ message, verdict }: SendResult): Settlement | undefined {
  const { tenantId, id } = message;
  const base = { tenantId, id, wamid: null, answer: null, waId: null, error: null, reason: null };
  switch (verdict.kind) {
    case 'sent':
      return {
        ...base,
        status: 'accepted',
        wamid: verdict.wamid,
        answer: verdict.answer,
        waId: waIdOf(verdict.answer),
      };
    case 'rejected':
      return { ...base, status: 'failed', error: verdict.error, reason: reasonOf(verdict) };
    case 'unknown':
    case 'later':
      return undefined;
  }
}

/** How the end of a message that nobody sent in time looks to a waiting caller. */
export function expiredSettlement(tenantId: string, id: string): Settlement {
  return {
    tenantId,
    id,
    status: 'expired',
    wamid: null,
    answer: null,
    waId: null,
    error: null,
    reason: 'it waited past its time to live',
  };
}
