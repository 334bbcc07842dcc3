/** Operator keys manage tenants, numbers and keys. One may come by setting; others are made by the CLI, shown once, stored hashed. */
import { randomText } from '../canonical/ids.ts';
import { first, type Sql, type Tx } from '../platform/database.ts';
import { keyHash } from '../platform/seal.ts';

export const newOperatorKeyText = () => `op_${randomText(32)}`;

export async function insertOperatorKey(tx: Tx, key: string, name: string, now: number): Promise<void> {
  await tx.all(
    'insert into operator_keys (hash, name, created_at) values ($1, $2, $3) on conflict do nothing',
    [keyHash(key), name, now],
  );
}

export async function isOperatorKey(sql: Sql, key: string): Promise<boolean> {
  return (await first(sql, 'select name from operator_keys where hash = $1', [keyHash(key)])) !== undefined;
}
