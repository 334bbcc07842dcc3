/** What ages out, one bounded step at a time. Only messages that have ended are touched; nothing here is ever undone. */
import { forgetMoney, type RemovedMoney, removedColumns } from '../billing/charge.ts';
import { firstIdAt } from '../canonical/ids.ts';
import { statusRank } from '../canonical/status.ts';
import { anonymizeIncoming } from '../inbound/incoming.ts';
import type { Tx } from '../platform/database.ts';
import { storedNames } from '../tenants/opt-outs.ts';

/** bodies: the content of messages and their tries. messages: the rows themselves. */
export type Kind = 'bodies' | 'messages';

/** Above it nobody sends or will send the message: Meta has it, or it has ended. */
const unsettled = statusRank.uncertain;

export interface Passed {
  rows: number;
  /** The last message that was looked at. */
  to: string;
}

/**
 * Looks at the next messages after `after` that were made before `before`. Those that have not ended by then (scheduled for far
 * ahead, repeated, in doubt) are noted for `ageLate`.
 */
export async function ageMessages(
  tx: Tx,
  tenantId: string,
  kind: Kind,
  after: string,
  before: number,
  limit: number,
  at: number,
): Promise<Passed> {
  const rows = await tx.all<{ id: string; rank: number; due_at: number }>(
    'select id, rank, due_at from messages where tenant_id = $1 and id > $2 and id < $3 order by id limit $4',
    [tenantId, after, firstIdAt(before), limit],
  );
  const over = rows.filter(({ rank, due_at }) => rank > unsettled && due_at < before);
  await age(tx, tenantId, kind, over, at);
  const late = rows.filter(row => !over.includes(row)).map(({ id }) => ({ id }));
  if (late.length > 0) {
    await tx.all(
      `insert into retention_late (tenant_id, kind, message_id)
       select $1, $3, value ->> 'id' from json_rows($2) where true on conflict do nothing`,
      [tenantId, JSON.stringify(late), kind],
    );
  }
  return { rows: rows.length, to: rows.at(-1)?.id ?? after };
}

/** Messages that were passed too early and have ended since. Returns how many. */
export async function ageLate(
  tx: Tx,
  tenantId: string,
  kind: Kind,
  before: number,
  limit: number,
  at: number,
): Promise<number> {
  const rows = await tx.all<{ id: string }>(
    `select messages.id from retention_late
     join messages on messages.tenant_id = retention_late.tenant_id and messages.id = retention_late.message_id
     where retention_late.tenant_id = $1 and retention_late.kind = $2 and messages.rank > ${unsettled}
       and messages.due_at < $3 limit $4`,
    [tenantId, kind, before, limit],
  );
  if (rows.length === 0) return 0;
  await age(tx, tenantId, kind, rows, at);
  await tx.all(
    `delete from retention_late
     where tenant_id = $1 and kind = $3 and one_of(message_id, select value ->> 'id' from json_rows($2))`,
    [tenantId, JSON.stringify(rows), kind],
  );
  return rows.length;
}

async function age(
  tx: Tx,
  tenantId: string,
  kind: Kind,
  messages: { id: string }[],
  at: number,
): Promise<void> {
  if (messages.length === 0) return;
  const values = [tenantId, JSON.stringify(messages.map(({ id }) => ({ id })))];
  await tx.all(
    `delete from tries where tenant_id = $1 and one_of(message_id, select value ->> 'id' from json_rows($2))`,
    values,
  );
  if (kind === 'bodies') {
    await tx.all(
      `update messages set body = ''
       where tenant_id = $1 and one_of(id, select value ->> 'id' from json_rows($2)) and body <> ''`,
      values,
    );
    return;
  }
  const removed = await tx.all<RemovedMoney>(
    `delete from messages where tenant_id = $1 and one_of(id, select value ->> 'id' from json_rows($2))
     returning ${removedColumns}`,
    values,
  );
  await tx.all(
    `delete from retention_late where tenant_id = $1 and one_of(message_id, select value ->> 'id' from json_rows($2))`,
    values,
  );
  await forgetMoney(tx, tenantId, removed, at);
}

/** What people wrote, and the closed windows of those people. Returns how many messages. */
export async function ageIncoming(tx: Tx, tenantId: string, before: number, limit: number): Promise<number> {
  const rows = await tx.all<{ number_id: number; wamid: string; sender: string }>(
    `select number_id, wamid, sender from incoming where tenant_id = $1 and payload <> '' and received_at < $2
     order by received_at limit $3`,
    [tenantId, before, limit],
  );
  if (rows.length === 0) return 0;
  await anonymizeIncoming(tx, tenantId, rows);
  const closed = await ageWindows(tx, tenantId, new Set(rows.map(({ sender }) => sender)), before);
  await ageWindows(tx, tenantId, new Set(closed.flatMap(storedNames)), before);
  return rows.length;
}

/** Closed windows under these names; returns what other names they stand under. */
async function ageWindows(
  tx: Tx,
  tenantId: string,
  names: Set<string>,
  before: number,
): Promise<(string | null)[]> {
  if (names.size === 0) return [];
  const rows = await tx.all<{ names: string | null }>(
    `delete from windows
     where tenant_id = $1 and recipient in (select value ->> 'name' from json_rows($2)) and closes_at < $3 returning names`,
    [tenantId, JSON.stringify([...names].map(name => ({ name }))), before],
  );
  return rows.map(row => row.names);
}

/** Webhook changes that were kept without being understood. The row stays, so that a repeat is still known. */
export async function ageChanges(tx: Tx, tenantId: string, before: number, limit: number): Promise<number> {
  const rows = await tx.all(
    `with old as materialized (
       select digest from kept_changes where tenant_id = $1 and payload <> '' and received_at < $2
       order by received_at limit $3)
     update kept_changes set payload = '' from old
     where kept_changes.tenant_id = $1 and kept_changes.digest = old.digest returning kept_changes.digest`,
    [tenantId, before, limit],
  );
  return rows.length;
}
