/**
 * Where retention stands with each tenant. The row is written first in every step, so that steps of one tenant never overlap; the
 * hold on it only spares processes from waiting for each other.
 */
import { first, type Sql, type Tx } from '../platform/database.ts';

export interface Progress {
  /** The last message whose content was looked at. */
  bodiesTo: string;
  /** The last message that was looked at for removal. */
  messagesTo: string;
}

/** A process that does not come back loses its tenants after this long. */
const heldMs = 60_000;

/** Gives every tenant its row; a new one has nothing that could be old. */
export async function enrolTenants(tx: Tx, now: number): Promise<void> {
  await tx.all(
    `insert into retention (tenant_id, due_at, held_until, bodies_to, messages_to)
     select id, cast($1 as bigint), 0, '', '' from tenants where true on conflict do nothing`,
    [now],
  );
}

/** Tenants nobody is at and whose turn has come, the longest waiting first. */
export async function dueTenants(sql: Sql, now: number): Promise<string[]> {
  const rows = await sql.all<{ tenant_id: string }>(
    'select tenant_id from retention where due_at <= $1 and held_until <= $1 order by due_at limit 100',
    [now],
  );
  return rows.map(row => row.tenant_id);
}

/** Takes or keeps the tenant for `holder`, for this transaction exclusively; undefined while another process has it. */
export async function hold(
  tx: Tx,
  tenantId: string,
  holder: string,
  now: number,
): Promise<Progress | undefined> {
  const row = await first<{ bodies_to: string; messages_to: string }>(
    tx,
    `update retention set held_by = $2, held_until = $3
     where tenant_id = $1 and (held_until <= $4 or held_by = $2)
     returning bodies_to, messages_to`,
    [tenantId, holder, now + heldMs, now],
  );
  return row && { bodiesTo: row.bodies_to, messagesTo: row.messages_to };
}

export async function saveProgress(tx: Tx, tenantId: string, progress: Progress): Promise<void> {
  await tx.all('update retention set bodies_to = $2, messages_to = $3 where tenant_id = $1', [
    tenantId,
    progress.bodiesTo,
    progress.messagesTo,
  ]);
}

/** Lets the tenant go until `dueAt`. */
export async function letGo(tx: Tx, tenantId: string, holder: string, dueAt: number): Promise<void> {
  await tx.all(
    `update retention set held_by = null, held_until = 0, due_at = $3 where tenant_id = $1 and held_by = $2`,
    [tenantId, holder, dueAt],
  );
}

/** Something is wrong with the tenant: others have their turn first. */
export async function postpone(tx: Tx, tenantId: string, dueAt: number): Promise<void> {
  await tx.all('update retention set due_at = $2 where tenant_id = $1', [tenantId, dueAt]);
}

/** Makes the tenant due now. */
export async function callFor(tx: Tx, tenantId: string, now: number): Promise<void> {
  await tx.all(
    `insert into retention (tenant_id, due_at, held_until, bodies_to, messages_to) values ($1, $2, 0, '', '')
     on conflict (tenant_id) do update set due_at = excluded.due_at where retention.due_at > excluded.due_at`,
    [tenantId, now],
  );
}
