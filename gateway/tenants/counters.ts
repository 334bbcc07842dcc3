/** Ids that a tenant counts for itself: 1, 2, 3, … */
import { first, type Tx } from '../platform/database.ts';

/** Each with the table whose ids it counts. */
export type Counter = 'contacts' | 'tags';

/**
 * The next id, whose row is locked until the transaction ends. Whoever writes contacts, tags or what belongs to them locks 'contacts'
 * first, so that within a tenant one comes after the other and nobody waits in a circle.
 */
export async function lockCounter(tx: Tx, tenantId: string, name: Counter): Promise<number> {
  const text = 'select next from counters where tenant_id = $1 and name = $2 for update';
  const known = await first<{ next: number }>(tx, text, [tenantId, name]);
  if (known !== undefined) return known.next;
  // Rows may be older than the counter.
  await tx.all(
    `insert into counters (tenant_id, name, next)
     select $1, $2, coalesce(max(id), 0) + 1 from ${name} where tenant_id = $1 on conflict do nothing`,
    [tenantId, name],
  );
  return (await first<{ next: number }>(tx, text, [tenantId, name]))!.next;
}

/** `next` is above every id that was given away. */
export async function setCounter(tx: Tx, tenantId: string, name: Counter, next: number): Promise<void> {
  await tx.all('update counters set next = $3 where tenant_id = $1 and name = $2', [tenantId, name, next]);
}
