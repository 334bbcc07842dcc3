/** Operator keys manage tenants, numbers and keys. One may come by setting; others are made by the CLI, shown once, stored hashed. */
import { randomText } from '../canonical/ids.ts';
import { first, type Sql, type Tx } from '../platform/database.ts';
import { keyHash } from '../platform/seal.ts';

export const newOperatorKeyText = () => `op_${randomText(32)}`;

export interface OperatorKey {
  /** Of its hash the first characters: keys of earlier versions have no id of their own, and none can be got back from these. */
  id: string;
  name: string;
  /** The last four characters; null for a key of an earlier version. */
  hint: string | null;
  createdAt: number;
}

/** The id in SQL. */
const id = 'substr(hash, 1, 16)';

export async function insertOperatorKey(tx: Tx, key: string, name: string, now: number): Promise<void> {
  await tx.all(
    'insert into operator_keys (hash, name, hint, created_at) values ($1, $2, $3, $4) on conflict do nothing',
    [keyHash(key), name, key.slice(-4), now],
  );
}

export async function isOperatorKey(sql: Sql, key: string): Promise<boolean> {
  return (await first(sql, 'select name from operator_keys where hash = $1', [keyHash(key)])) !== undefined;
}

export async function listOperatorKeys(sql: Sql): Promise<OperatorKey[]> {
  const rows = await sql.all<{ id: string; name: string; hint: string | null; created_at: number }>(
    `select ${id} as id, name, hint, created_at from operator_keys order by created_at, hash limit 1000`,
  );
  return rows.map(({ created_at, ...key }) => ({ ...key, createdAt: created_at }));
}

/** Removes the key, so that a process of an earlier version refuses it too. Its name; undefined when there is none. */
export async function revokeOperatorKey(tx: Tx, keyId: string): Promise<string | undefined> {
  const row = await first<{ name: string }>(tx, `delete from operator_keys where ${id} = $1 returning name`, [
    keyId,
  ]);
  return row?.name;
}
