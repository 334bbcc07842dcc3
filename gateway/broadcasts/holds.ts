/** Which process looks after a broadcast: one at a time, until it lets go or is no more (platform/holders.ts). */
import { type Database, first, type Sql, type Tx } from '../platform/database.ts';
import { isLiving, isNobodys } from '../platform/holders.ts';
import type { Broadcast, BroadcastKey } from './broadcast.ts';
import { broadcastColumns, broadcastOf } from './table.ts';

/** True when it is this process' now. */
export async function takeBroadcast(
  database: Database,
  processId: string,
  { tenantId, broadcastId }: BroadcastKey,
): Promise<boolean> {
  const rows = await database.transact(tx =>
    tx.all(
      `update broadcasts set held_by = $3
       where tenant_id = $1 and id = $2 and due_at is not null and (held_by = $3 or ${isNobodys('held_by')})
         and ${isLiving('$3')}
       returning id`,
      [tenantId, broadcastId, processId],
    ),
  );
  return rows.length > 0;
}

/** Nobody looks after it before `dueAt`, unless somebody moved it since it was seen; null: before somebody does. */
export async function releaseBroadcast(
  tx: Tx,
  processId: string,
  { tenantId, id, state, updatedAt }: Broadcast,
  dueAt: number | null,
): Promise<void> {
  await tx.all(
    `update broadcasts set held_by = null,
       due_at = case when state = $4 and updated_at = $5 then cast($6 as bigint) else due_at end
     where tenant_id = $1 and id = $2 and held_by = $3`,
    [tenantId, id, processId, state, updatedAt, dueAt],
  );
}

/** It is as due as before, for whoever takes it next. */
export async function leaveBroadcast(
  tx: Tx,
  processId: string,
  { tenantId, broadcastId }: BroadcastKey,
): Promise<void> {
  await tx.all('update broadcasts set held_by = null where tenant_id = $1 and id = $2 and held_by = $3', [
    ...[tenantId, broadcastId, processId],
  ]);
}

/** The broadcast, locked; undefined when it is not this process' any more. */
export async function lockHeld(
  tx: Tx,
  processId: string,
  { tenantId, broadcastId }: BroadcastKey,
): Promise<Broadcast | undefined> {
  const row = await first(
    tx,
    `select ${broadcastColumns} from broadcasts where tenant_id = $1 and id = $2 and held_by = $3 for update`,
    [tenantId, broadcastId, processId],
  );
  return row && broadcastOf(tenantId, row);
}

/** Those that are due and nobody's, whoever owns them; the longest waiting first. */
export async function dueBroadcasts(
  sql: Sql,
  processId: string,
  now: number,
  limit: number,
): Promise<BroadcastKey[]> {
  const rows = await sql.all<{ tenant_id: string; id: string }>(
    `select tenant_id, id from broadcasts
     where due_at is not null and due_at <= $1 and (held_by = $2 or ${isNobodys('held_by')})
     order by due_at limit $3`,
    [now, processId, limit],
  );
  return rows.map(row => ({ tenantId: row.tenant_id, broadcastId: row.id }));
}
