/** The ledger of a broadcast: one row per person under a unique key, so that nobody is in it twice, whatever is written again. */
import { phoneNames } from '../canonical/phone-names.ts';
import { boundsOf, first, type Row, type Sql, storable, type Tx } from '../platform/database.ts';
import type { BroadcastKey } from './broadcast.ts';
import type { Variables } from './variables.ts';

export type RecipientState = 'waiting' | 'taken' | 'skipped';

export interface NewRecipient {
  /** Digits with country code. */
  phone: string;
  contactId: number | null;
  variables: Variables | null;
  /** null where no time of the day matters. */
  timeZone: string | null;
  /** Unix ms; 0: as soon as it is its turn. */
  dueAt: number;
  /** Why it gets no message; null: it gets one. */
  reason: string | null;
}

/** Digits that are the same for every way of writing a phone. */
export const personOf = (phone: string): string => phoneNames(phone).toSorted()[0]!;

/** Returns how many are new, and how many of these are skipped. Who is there already stays as it is. */
export async function insertRecipients(
  tx: Tx,
  { tenantId, broadcastId }: BroadcastKey,
  recipients: NewRecipient[],
): Promise<{ made: number; skipped: number }> {
  if (recipients.length === 0) return { made: 0, skipped: 0 };
  const rows = recipients.map(({ phone, contactId, variables, timeZone, dueAt, reason }) => {
    const person = personOf(phone);
    // What is undefined is not sent: a million recipients are a third fewer bytes to read.
    return {
      ...{ r: person, p: person === phone ? undefined : phone, d: dueAt },
      ...{ c: contactId ?? undefined, z: timeZone ?? undefined },
      v: variables === null || isEmpty(variables) ? undefined : storable(JSON.stringify(variables)),
      ...{ s: reason === null ? 'waiting' : 'skipped', w: reason === null ? undefined : storable(reason) },
    };
  });
  const made = await tx.all<{ state: RecipientState }>(
    `insert into broadcast_recipients (tenant_id, broadcast_id, person, phone, contact_id, variables, time_zone, state, reason, due_at)
     select $1, $2, value ->> 'r', value ->> 'p', cast(value ->> 'c' as bigint), value ->> 'v', value ->> 'z', value ->> 's', value ->> 'w',
       cast(value ->> 'd' as bigint)
     from json_rows($3) where true on conflict do nothing returning state`,
    [tenantId, broadcastId, JSON.stringify(rows)],
  );
  return { made: made.length, skipped: made.filter(({ state }) => state === 'skipped').length };
}

const isEmpty = (object: object) => Object.keys(object).length === 0;

/** Who waits for a message. */
export interface Waiting {
  person: string;
  phone: string;
  contactId: number | null;
  variables: Variables;
  timeZone: string | null;
}

/** The next whose time has come, in the order in which it came. */
export async function waitingRecipients(
  sql: Sql,
  { tenantId, broadcastId }: BroadcastKey,
  now: number,
  limit: number,
): Promise<Waiting[]> {
  const rows = await sql.all(
    `select person, phone, contact_id, variables, time_zone from broadcast_recipients
     where tenant_id = $1 and broadcast_id = $2 and state = 'waiting' and due_at <= $3 order by due_at, person limit $4`,
    [tenantId, broadcastId, now, limit],
  );
  return rows.map(waitingOf);
}

/** All who wait, whenever they are due, in the order of their digits. */
export async function walkWaiting(
  sql: Sql,
  { tenantId, broadcastId }: BroadcastKey,
  after: string,
  limit: number,
): Promise<Waiting[]> {
  const rows = await sql.all(
    `select person, phone, contact_id, variables, time_zone from broadcast_recipients
     where tenant_id = $1 and broadcast_id = $2 and person > $3 and state || '' = 'waiting' order by person limit $4`,
    [tenantId, broadcastId, after, limit],
  );
  return rows.map(waitingOf);
}

/** Those of the persons who are in the ledger. */
export async function knownPersons(
  sql: Sql,
  { tenantId, broadcastId }: BroadcastKey,
  persons: string[],
): Promise<Set<string>> {
  if (persons.length === 0) return new Set();
  const rows = await sql.all<{ person: string }>(
    `select person from broadcast_recipients
     where tenant_id = $1 and broadcast_id = $2 and one_of(person, select value ->> 'p' from json_rows($3))
       and person >= $4 and person <= $5`,
    [tenantId, broadcastId, JSON.stringify(persons.map(p => ({ p }))), ...boundsOf(persons)],
  );
  return new Set(rows.map(({ person }) => person));
}

export function waitingOf(row: Row): Waiting {
  return {
    person: String(row.person),
    phone: String(row.phone ?? row.person),
    contactId: row.contact_id as number | null,
    variables: row.variables === null ? {} : (JSON.parse(String(row.variables)) as Variables),
    timeZone: row.time_zone as string | null,
  };
}

/** When the next that waits may be taken; undefined when none waits. */
export async function nextDueAt(
  sql: Sql,
  { tenantId, broadcastId }: BroadcastKey,
): Promise<number | undefined> {
  const row = await first<{ due_at: number }>(
    sql,
    `select due_at from broadcast_recipients where tenant_id = $1 and broadcast_id = $2 and state = 'waiting' order by due_at limit 1`,
    [tenantId, broadcastId],
  );
  return row?.due_at;
}

/** What becomes of one who waited: a message, none for a reason, or a later time. */
export type Move = { person: string } & ({ messageId: string } | { reason: string } | { dueAt: number });

/** To be called under the lock of the broadcast. */
export async function moveRecipients(
  tx: Tx,
  { tenantId, broadcastId }: BroadcastKey,
  moves: Move[],
): Promise<void> {
  if (moves.length === 0) return;
  const rows = moves.map(move => ({
    p: move.person,
    s: 'messageId' in move ? 'taken' : 'reason' in move ? 'skipped' : 'waiting',
    m: 'messageId' in move ? move.messageId : null,
    w: 'reason' in move ? storable(move.reason) : null,
    d: 'dueAt' in move ? move.dueAt : null,
  }));
  await tx.all(
    `with s as materialized (
       select value ->> 'p' as person, value ->> 's' as state, value ->> 'm' as message_id, value ->> 'w' as reason,
         cast(value ->> 'd' as bigint) as due_at
       from json_rows($3))
     update broadcast_recipients set state = s.state, message_id = s.message_id, reason = s.reason,
       due_at = coalesce(s.due_at, broadcast_recipients.due_at)
     from s where broadcast_recipients.tenant_id = $1 and broadcast_recipients.broadcast_id = $2
       and broadcast_recipients.person = s.person and one_of(broadcast_recipients.person, select person from s)
       and broadcast_recipients.person >= $4 and broadcast_recipients.person <= $5
       and broadcast_recipients.state || '' = 'waiting'`,
    [tenantId, broadcastId, JSON.stringify(rows), ...boundsOf(moves.map(({ person }) => person))],
  );
}
