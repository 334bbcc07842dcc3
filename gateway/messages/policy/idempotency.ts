/**
 * Idempotency-Key: the first outcome of a send under a key of the caller's own stands for 24 hours. What is kept are the ids of its
 * messages, so that a repeat is told how they stand now, whatever happened in between.
 */
import { isObject, parseJson } from '../../canonical/json.ts';
import type { Tx } from '../../platform/database.ts';
import type { ToldWindow } from './people.ts';

const keptMs = 24 * 3_600_000;

export interface IdempotencyEntry {
  key: string;
  /** Of everything the caller said: a repeat must say the same. */
  fingerprint: string;
  messageIds: string[];
}

/** An entry as it stands, with what its first answer said of the windows, by message id. */
export interface Holder extends IdempotencyEntry {
  windows: Record<string, ToldWindow>;
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
): Promise<Map<string, Holder>> {
  const rows = entries
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ key, fingerprint, messageIds }) => ({ key, fingerprint, ids: JSON.stringify(messageIds) }));
  const kept = (column: string) =>
    `${column} = case when idempotency_keys.created_at <= $4 then excluded.${column} else idempotency_keys.${column} end`;
  const holders = await tx.all<{
    key: string;
    fingerprint: string;
    message_ids: string;
    windows: string | null;
  }>(
    `insert into idempotency_keys (tenant_id, key, fingerprint, message_ids, created_at)
     select $1, value ->> 'key', value ->> 'fingerprint', value ->> 'ids', cast($3 as bigint) from json_rows($2) where true
     on conflict (tenant_id, key) do update set ${['fingerprint', 'message_ids', 'created_at'].map(kept).join(', ')}
     returning key, fingerprint, message_ids, windows`,
    [tenantId, JSON.stringify(rows), now, now - keptMs],
  );
  return new Map(
    holders.map(({ key, fingerprint, message_ids, windows }) => [
      key,
      { key, fingerprint, messageIds: JSON.parse(message_ids) as string[], windows: readTold(windows) },
    ]),
  );
}

/** By id, because what an earlier use of the key had said may still stand there. */
function readTold(text: string | null): Record<string, ToldWindow> {
  const told = text === null ? undefined : parseJson(text);
  return isObject(told) ? (told as unknown as Record<string, ToldWindow>) : {};
}

/** Keeps what the answers say of the windows, for their repeats. */
export async function noteWindows(
  tx: Tx,
  tenantId: string,
  notes: { key: string; windows: Record<string, ToldWindow> }[],
): Promise<void> {
  if (notes.length === 0) return;
  const rows = notes.map(({ key, windows }) => ({ key, windows: JSON.stringify(windows) }));
  await tx.all(
    `with s as materialized (select value ->> 'key' as key, value ->> 'windows' as windows from json_rows($2))
     update idempotency_keys set windows = s.windows from s
     where idempotency_keys.tenant_id = $1 and idempotency_keys.key = s.key
       and one_of(idempotency_keys.key, select key from s)`,
    [tenantId, JSON.stringify(rows)],
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
