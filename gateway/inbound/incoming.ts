/** What phones wrote to us: stored once each, opening the 24-hour window of their sender. */
import { createHash } from 'node:crypto';
import { first, type Sql, storable, type Tx } from '../platform/database.ts';
import type { IncomingFact, KeptFact } from './read-payload.ts';

const windowMs = 24 * 3_600_000;

export interface IncomingMessage extends Omit<IncomingFact, 'kind' | 'phoneNumberId'> {
  numberId: number;
}

/** Stores messages of one tenant; a wamid that is already there is a replay and changes nothing. Returns how many were new. */
export async function insertIncoming(
  tx: Tx,
  tenantId: string,
  messages: IncomingMessage[],
  now: number,
): Promise<number> {
  const rows = messages.map(message => ({
    number: message.numberId,
    wamid: storable(message.wamid),
    sender: storable(message.sender),
    type: storable(message.type),
    payload: JSON.stringify(message.payload),
    at: message.at,
  }));
  const inserted = await tx.all(
    `insert into incoming (tenant_id, number_id, wamid, sender, type, payload, at, received_at)
     select $1, cast(value ->> 'number' as bigint), value ->> 'wamid', value ->> 'sender', value ->> 'type',
       value ->> 'payload', cast(value ->> 'at' as bigint), cast($3 as bigint)
     from json_rows($2) where true
     on conflict do nothing
     returning wamid`,
    [tenantId, JSON.stringify(rows), now],
  );
  return inserted.length;
}

/** Opens or extends windows of one tenant by Meta's time of the latest message; a late replay never shortens one. */
export async function openWindows(
  tx: Tx,
  tenantId: string,
  openings: { numberId: number; recipient: string; at: number }[],
): Promise<void> {
  const latest = new Map<string, { number: number; recipient: string; at: number }>();
  for (const { numberId, recipient, at } of openings) {
    const key = `${numberId} ${recipient}`;
    const known = latest.get(key);
    if (known === undefined || known.at < at)
      latest.set(key, { number: numberId, recipient: storable(recipient), at });
  }
  await tx.all(
    `insert into windows (tenant_id, number_id, recipient, opened_at, closes_at)
     select $1, cast(value ->> 'number' as bigint), value ->> 'recipient', cast(value ->> 'at' as bigint),
       cast(value ->> 'at' as bigint) + ${windowMs}
     from json_rows($2) where true
     on conflict (tenant_id, number_id, recipient) do update set opened_at = excluded.opened_at, closes_at = excluded.closes_at
       where windows.opened_at < excluded.opened_at`,
    [tenantId, JSON.stringify([...latest.values()])],
  );
}

/** Keeps what we do not interpret, once each. */
export async function keepChanges(tx: Tx, tenantId: string, facts: KeptFact[], now: number): Promise<void> {
  const rows = facts.map(({ field, payload }) => {
    const json = JSON.stringify(payload);
    return {
      digest: createHash('sha256').update(`${field}\n${json}`).digest('hex'),
      field: storable(field),
      payload: json,
    };
  });
  await tx.all(
    `insert into kept_changes (tenant_id, digest, field, payload, received_at)
     select $1, value ->> 'digest', value ->> 'field', value ->> 'payload', cast($3 as bigint)
     from json_rows($2) where true
     on conflict do nothing`,
    [tenantId, JSON.stringify(rows), now],
  );
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

/** Until when the window of a recipient is open, Unix ms; undefined when it never was. */
export async function windowClosesAt(sql: Sql, tenantId: string, numberId: number, recipient: string) {
  const row = await first<{ closes_at: number }>(
    sql,
    'select closes_at from windows where tenant_id = $1 and number_id = $2 and recipient = $3',
    [tenantId, numberId, recipient],
  );
  return row?.closes_at;
}
