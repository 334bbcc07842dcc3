/** What phones wrote to us, and what else Meta tells without our interpreting it: stored once each. */
import { createHash } from 'node:crypto';
import { isObject, type JsonObject, parseJson } from '../canonical/json.ts';
import { first, type Sql, storable, type Tx } from '../platform/database.ts';
import type { Fact, IncomingFact, KeptFact } from './facts.ts';

export type IncomingMessage = Pick<IncomingFact, 'wamid' | 'sender' | 'type' | 'at' | 'payload'> & {
  numberId: number;
};

/**
 * Stores messages of one tenant; a wamid that is already there, or was before it was made anonymous, is a replay and changes
 * nothing. Returns those that were new.
 */
export async function insertIncoming<M extends IncomingMessage>(
  tx: Tx,
  tenantId: string,
  messages: M[],
  now: number,
): Promise<M[]> {
  const once = new Map(messages.toReversed().map(message => [keyOf(message), message]));
  // In one order, so that no two processes wait for each other.
  const rows = [...once]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, message]) => ({
      number: message.numberId,
      wamid: storable(message.wamid),
      anonymous: anonymous(storable(message.wamid)),
      sender: storable(message.sender),
      type: storable(message.type),
      payload: JSON.stringify(message.payload),
      at: message.at,
    }));
  const inserted = await tx.all<{ number_id: number; wamid: string }>(
    `insert into incoming (tenant_id, number_id, wamid, sender, type, payload, at, received_at)
     select $1, cast(value ->> 'number' as bigint), value ->> 'wamid', value ->> 'sender', value ->> 'type',
       value ->> 'payload', cast(value ->> 'at' as bigint), cast($3 as bigint)
     from json_rows($2) where not exists (
       select 1 from incoming as known where known.tenant_id = $1
         and known.number_id = cast(value ->> 'number' as bigint) and known.wamid = value ->> 'anonymous')
     on conflict do nothing
     returning number_id, wamid`,
    [tenantId, JSON.stringify(rows), now],
  );
  const fresh = new Set(inserted.map(row => `${row.number_id} ${row.wamid}`));
  return messages.filter(message => fresh.has(keyOf(message)) && once.get(keyOf(message)) === message);
}

const keyOf = ({ numberId, wamid }: { numberId: number; wamid: string }) => `${numberId} ${storable(wamid)}`;

/** A wamid spells out a phone number, but its random end makes the hash tell nothing. */
const anonymous = (wamid: string) => `sha256:${createHash('sha256').update(wamid).digest('base64url')}`;

/**
 * Leaves of these messages only that they came: enough to know a replay, not to know the person. The sign before s.number_id is
 * there for the same reason as in messages/advance.ts.
 */
export async function anonymizeIncoming(
  tx: Tx,
  tenantId: string,
  messages: { number_id: number; wamid: string }[],
): Promise<void> {
  const rows = messages.map(row => ({
    number: row.number_id,
    wamid: row.wamid,
    anonymous: anonymous(row.wamid),
  }));
  const values = [tenantId, JSON.stringify(rows)];
  const s = `s as materialized (
    select cast(value ->> 'number' as bigint) as number_id, value ->> 'wamid' as wamid, value ->> 'anonymous' as anonymous
    from json_rows($2))`;
  // A process of an older version may have taken a replay in once more.
  await tx.all(
    `with ${s} delete from incoming where tenant_id = $1 and (number_id, wamid) in (
       select s.number_id, s.wamid from s join incoming as known
         on known.tenant_id = $1 and known.number_id = +s.number_id and known.wamid = s.anonymous
           and one_of(known.wamid, select anonymous from s))`,
    values,
  );
  await tx.all(
    `with ${s} update incoming set wamid = s.anonymous, sender = '', payload = '' from s
     where incoming.tenant_id = $1 and incoming.number_id = +s.number_id and incoming.wamid = s.wamid
       and one_of(incoming.wamid, select wamid from s)`,
    values,
  );
}

/** What a change is known by when it comes again: who told what of whom, and when, as far as Meta gives a time. */
export type Keepable = Pick<KeptFact, 'wabaId' | 'phoneNumberId' | 'field' | 'payload'> & {
  kind: Fact['kind'];
  change: Pick<KeptFact['change'], 'time'>;
};

/**
 * Keeps what we do not interpret, and what may only take effect the first time it comes, once each. Returns those that were new. The
 * same words with another time of Meta's are another change: a template may be approved twice.
 */
export async function keepChanges<F extends Keepable>(
  tx: Tx,
  tenantId: string,
  facts: F[],
  now: number,
): Promise<F[]> {
  const once = new Map<string, { fact: F; row: JsonObject }>();
  for (const fact of facts) {
    const json = JSON.stringify(fact.payload);
    const digest = createHash('sha256').update(identityOf(fact, json)).digest('hex');
    if (once.has(digest)) continue;
    once.set(digest, { fact, row: { digest, field: storable(fact.field), payload: json } });
  }
  // In one order, so that no two processes wait for each other.
  const rows = [...once].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { row }]) => row);
  const inserted = await tx.all<{ digest: string }>(
    `insert into kept_changes (tenant_id, digest, field, payload, received_at)
     select $1, value ->> 'digest', value ->> 'field', value ->> 'payload', cast($3 as bigint)
     from json_rows($2) where true
     on conflict do nothing returning digest`,
    [tenantId, JSON.stringify(rows), now],
  );
  const fresh = new Set(inserted.map(({ digest }) => digest));
  return [...once].flatMap(([digest, { fact }]) => (fresh.has(digest) ? fact : []));
}

/** A preference has a time of its own, and rows of it are known by these words since before the others had theirs. */
function identityOf({ kind, wabaId, phoneNumberId, field, change }: Keepable, json: string): string {
  const words = kind === 'preference' ? [field] : [wabaId, phoneNumberId ?? '', change.time ?? '', field];
  return [...words, json].join('\n');
}

/** Whether a number received this message, which it must have before it can mark it as read. */
export async function hasIncoming(
  sql: Sql,
  tenantId: string,
  numberId: number,
  wamid: string,
): Promise<boolean> {
  const row = await first(
    sql,
    'select wamid from incoming where tenant_id = $1 and number_id = $2 and wamid = $3',
    [tenantId, numberId, wamid],
  );
  return row !== undefined;
}

export interface StoredIncoming {
  wamid: string;
  number: number;
  type: string;
  at: number;
  message: JsonObject;
}

/** What one person wrote, newest first. */
export async function listIncoming(
  sql: Sql,
  tenantId: string,
  sender: string,
  limit: number,
): Promise<StoredIncoming[]> {
  const rows = await sql.all<{ number_id: number; wamid: string; type: string; at: number; payload: string }>(
    `select number_id, wamid, type, at, payload from incoming where tenant_id = $1 and sender = $2
     order by at desc, wamid limit ${limit}`,
    [tenantId, sender],
  );
  return rows.map(({ number_id, payload, ...row }) => {
    const stored = parseJson(payload);
    const message = isObject(stored) && isObject(stored.message) ? stored.message : {};
    return { ...row, number: number_id, message };
  });
}
