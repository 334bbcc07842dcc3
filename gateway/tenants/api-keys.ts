/** API keys: 32 random characters after `pk_`, stored hashed, shown once, revocable, expiring, bound to a tenant and perhaps a number. */
import { newId, randomText } from '../canonical/ids.ts';
import { first, type Sql, type Tx } from '../platform/database.ts';
import { keyHash } from '../platform/seal.ts';

export interface ApiKey {
  tenantId: string;
  id: string;
  name: string;
  /** The last four characters, so that a person can tell keys apart. */
  hint: string;
  numberId: number | null;
  createdAt: number;
  expiresAt: number | null;
  revokedAt: number | null;
}

interface ApiKeyRow {
  tenant_id: string;
  id: string;
  name: string;
  hint: string;
  number_id: number | null;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
}

const columns = 'tenant_id, id, name, hint, number_id, created_at, expires_at, revoked_at';

const fromRow = (row: ApiKeyRow): ApiKey => ({
  tenantId: row.tenant_id,
  id: row.id,
  name: row.name,
  hint: row.hint,
  numberId: row.number_id,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at,
});

export const newApiKeyText = () => `pk_${randomText(32)}`;

export interface NewApiKey {
  tenantId: string;
  name: string;
  numberId: number | null;
  expiresAt: number | null;
  createdAt: number;
}

export async function insertApiKey(tx: Tx, key: string, fields: NewApiKey): Promise<ApiKey> {
  const id = newId();
  const hint = key.slice(-4);
  await tx.all(`insert into api_keys (hash, ${columns}) values ($1, $2, $3, $4, $5, $6, $7, $8, null)`, [
    keyHash(key),
    fields.tenantId,
    id,
    fields.name,
    hint,
    fields.numberId,
    fields.createdAt,
    fields.expiresAt,
  ]);
  return { ...fields, id, hint, revokedAt: null };
}

/** By the hash alone, since a key is what tells the tenant. Answers revoked and expired keys too. */
export async function findApiKey(sql: Sql, key: string): Promise<ApiKey | undefined> {
  const row = await first<ApiKeyRow>(sql, `select ${columns} from api_keys where hash = $1`, [keyHash(key)]);
  return row && fromRow(row);
}

export async function listApiKeys(sql: Sql, tenantId: string): Promise<ApiKey[]> {
  const rows = await sql.all<ApiKeyRow>(
    `select ${columns} from api_keys where tenant_id = $1 order by created_at, id limit 1000`,
    [tenantId],
  );
  return rows.map(fromRow);
}

/** False when the tenant has no such key. Revoking twice keeps the first time. */
export async function revokeApiKey(tx: Tx, tenantId: string, id: string, now: number): Promise<boolean> {
  const rows = await tx.all(
    'update api_keys set revoked_at = coalesce(revoked_at, $3) where tenant_id = $1 and id = $2 returning id',
    [tenantId, id, now],
  );
  return rows.length > 0;
}
