/** What somebody asks for with events that were posted, or wait: again, or not at all. Both in steps, for there may be millions. */
import type { Tx } from '../platform/database.ts';

export type Replayed =
  | { eventId: string }
  /** From one event to another, both included, or after one; without ends, from the first or to the last. */
  | { fromId?: string; afterId?: string; toId?: string; state: 'any' | 'given_up' };

/**
 * Makes a new attempt, due at once and with the whole schedule before it, of up to `limit` events. One that is pending is repeated by
 * itself. `lastId` is the last event that was looked at: the next step has it as `afterId`; null: nothing is left.
 */
export async function replayAttempts(
  tx: Tx,
  tenantId: string,
  endpointId: string,
  which: Replayed,
  now: number,
  limit: number,
): Promise<{ replayed: number; lastId: string | null }> {
  const range: Exclude<Replayed, { eventId: string }> =
    'eventId' in which ? { fromId: which.eventId, toId: which.eventId, state: 'any' } : which;
  // What ids are made of sorts before a tilde.
  const values = [tenantId, endpointId, range.fromId ?? '', range.toId ?? '~', range.afterId ?? '', limit];
  const events = await tx.all<{ event_id: string }>(
    `select distinct event_id from attempts
     where tenant_id = $1 and endpoint_id = $2 and event_id >= $3 and event_id <= $4 and event_id > $5
       ${range.state === 'given_up' ? `and state = 'given_up'` : ''}
     order by event_id limit $6`,
    values,
  );
  if (events.length === 0) return { replayed: 0, lastId: null };
  // The last attempt of each says whether it is over, and whether it was given up or has come through since.
  const rows = await tx.all(
    `with s as materialized (select value ->> 'event_id' as event_id from json_rows($3)),
     latest as materialized (
       select event_id, max(n) as n from attempts
       where tenant_id = $1 and endpoint_id = $2 and one_of(event_id, select event_id from s) group by event_id)
     insert into attempts (tenant_id, endpoint_id, event_id, n, conversation, state, due_at)
     select $1, $2, a.event_id, a.n + 1, a.conversation, 'pending', cast($4 as bigint)
     from latest join attempts a on a.tenant_id = $1 and a.endpoint_id = $2 and a.event_id = latest.event_id and a.n = latest.n
     where a.state <> 'pending' ${range.state === 'given_up' ? `and a.state = 'given_up'` : ''}
     on conflict do nothing returning event_id`,
    [tenantId, endpointId, JSON.stringify(events), now],
  );
  const lastId = events.length < limit ? null : events.at(-1)!.event_id;
  return { replayed: rows.length, lastId };
}

/** Gives up waiting for up to `limit` attempts; returns how many. What is being posted at this moment may still arrive. */
export async function skipPending(
  tx: Tx,
  tenantId: string,
  endpointId: string,
  limit: number,
): Promise<number> {
  const rows = await tx.all(
    `with waiting as materialized (
       select event_id, n from attempts where tenant_id = $1 and endpoint_id = $2 and state = 'pending'
       order by due_at, event_id limit $3)
     update attempts set state = 'skipped', problem = 'skipped' from waiting
     where attempts.tenant_id = $1 and attempts.endpoint_id = $2 and attempts.event_id = waiting.event_id
       and attempts.n = waiting.n and one_of(attempts.event_id, select event_id from waiting) and attempts.state || '' = 'pending'
     returning attempts.n`,
    [tenantId, endpointId, limit],
  );
  return rows.length;
}
