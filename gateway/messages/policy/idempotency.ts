/**
 * Idempotency-Key: the first outcome of a send under a key of the caller's own stands for 24 hours. What is kept are the ids of its
 * messages, so that a repeat is told how they stand now, whatever happened in between.
 */
import type { Tx } from '../../platform/database.ts';

const keptMs = 24 * 3_600_000;

export interface IdempotencyEntry {
  key: string;
  /** Of everything the caller said: a repeat must say the same. */
  fingerprint: string;
  messageIds: string[];
}

/**
 * Takes the keys for one tenant's sends, each key once; returns who holds each now: this send, or the one that was first. Another
 * process with the same key waits here until this transaction has ended.
 */
export async function takeKeys(
  tx: Tx,
  tenantId: string,
  entries: IdempotencyEntry[],
  now: number,
): Promise<Map<string, IdempotencyEntry>> {
  const rows = entries
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ key, fingerprint, messageIds }) => ({ key, fingerprint, ids: JSON.stringify(messageIds) }));
  const kept = (column: string) =>
    `${column} = case when idempotency_keys.created_at <= $4 then excluded.${column} else idempotency_keys.${column} end`;
  const holders = await tx.all<{ key: string; fingerprint: string; message_ids: string }>(
    `insert into idempotency_keys (tenant_id, key, fingerprint, message_ids, created_at)
     select $1, value ->> 'key', value ->> 'fingerprint', value ->> 'ids', cast($3 as bigint) from json_rows($2) where true
     on conflict (tenant_id, key) do update set ${['fingerprint', 'message_ids', 'created_at'].map(kept).join(', ')}
     returning key, fingerprint, message_ids`,
    [tenantId, JSON.stringify(rows), now, now - keptMs],
  );
  return new Map(
    holders.map(({ key, fingerprint, message_ids }) => [
      key,
      { key, fingerprint, messageIds: JSON.parse(message_ids) as string[] },
    ]),
  );
}

/** Gives back keys of sends that were refused: what changed nothing is not kept. */
export async function giveKeysBack(tx: Tx, tenantId: string, keys: string[]): Promise<void> {
  await tx.all(
    `delete from idempotency_keys where tenant_id = $1 and one_of(key, select value ->> 'key' from json_rows($2))`,
    [tenantId, JSON.stringify(keys.map(key => ({ key })))],
  );
}

/** Forgets keys past their time; returns how many. */
export async function forgetKeys(tx: Tx, tenantId: string, now: number, limit: number): Promise<number> {
  const rows = await tx.all(
    `delete from idempotency_keys where tenant_id = $1 and one_of(key,
       select key from idempotency_keys where tenant_id = $1 and created_at <= $2 limit $3)
     returning key`,
    [tenantId, now - keptMs, limit],
  );
  return rows.length;
}
