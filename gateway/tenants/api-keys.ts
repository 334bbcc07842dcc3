/**
 * API keys: 32 random characters after `pk_`, stored hashed, shown once, revocable, expiring, bound to a tenant and perhaps a number.
 * A key has one id and up to two secrets: after a rotation the former one works until the overlap ends. Limits, powers and what was
 * used up belong to the id.
 */
import { newId, randomText } from '../canonical/ids.ts';
import { first, type Sql, type SqlValue, type Tx } from '../platform/database.ts';
import { keyHash } from '../platform/seal.ts';
import { everyPower, type KeyPowers, readPowers, writePowers } from './key-powers.ts';

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
  /** null: the tenant's, then the installation's, then the dialect's. */
  perSecond: number | null;
  perMinute: number | null;
  /** undefined when what is stored cannot be read. */
  powers: KeyPowers | undefined;
  /** The secret before the last rotation. */
  former: { hint: string; until: number } | null;
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
  per_second: number | null;
  per_minute: number | null;
  powers: string | null;
  former_hint: string | null;
  former_until: number | null;
}

const columnNames = [
  ...['tenant_id', 'id', 'name', 'hint', 'number_id', 'created_at', 'expires_at', 'revoked_at'],
  ...['per_second', 'per_minute', 'powers', 'former_hint', 'former_until'],
];
const columns = columnNames.join(', ');

const fromRow = (row: ApiKeyRow): ApiKey => ({
  tenantId: row.tenant_id,
  id: row.id,
  name: row.name,
  hint: row.hint,
  numberId: row.number_id,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at,
  perSecond: row.per_second,
  perMinute: row.per_minute,
  powers: readPowers(row.powers),
  former: row.former_until === null ? null : { hint: row.former_hint ?? '', until: row.former_until },
});

export const newApiKeyText = () => `pk_${randomText(32)}`;

const hintOf = (key: string) => key.slice(-4);

export interface NewApiKey {
  tenantId: string;
  name: string;
  numberId: number | null;
  expiresAt: number | null;
  createdAt: number;
  perSecond?: number | null;
  perMinute?: number | null;
  powers?: KeyPowers;
}

export async function insertApiKey(tx: Tx, key: string, fields: NewApiKey): Promise<ApiKey> {
  const { perSecond = null, perMinute = null, powers = everyPower, ...rest } = fields;
  const made: ApiKey = {
    ...{ ...rest, perSecond, perMinute, powers },
    ...{ id: newId(), hint: hintOf(key), revokedAt: null, former: null },
  };
  await tx.all(
    `insert into api_keys (hash, ${columns}) values ($1, $2, $3, $4, $5, $6, $7, $8, null, $9, $10, $11, null, null)`,
    [
      ...[keyHash(key), made.tenantId, made.id, made.name, made.hint, made.numberId, made.createdAt],
      ...[made.expiresAt, perSecond, perMinute, writePowers(powers)],
    ],
  );
  return made;
}

/** What opens with a secret: its key, whether that is the former secret, and what the tenant gives all its keys. */
export interface FoundKey {
  key: ApiKey;
  isFormer: boolean;
  /** null when the tenant is not there. */
  tenant: { perSecond: number | null; perMinute: number | null; billing: string } | null;
}

type FoundRow = ApiKeyRow & {
  hash: string;
  tenant_per_second: number | null;
  tenant_per_minute: number | null;
  billing: string | null;
};

/** By the hash alone, since a key is what tells the tenant. Answers revoked and expired keys too. */
export async function findApiKey(sql: Sql, key: string): Promise<FoundKey | undefined> {
  const hash = keyHash(key);
  const row = await first<FoundRow>(
    sql,
    `select k.hash, ${columnNames.map(name => `k.${name}`).join(', ')},
       t.per_second as tenant_per_second, t.per_minute as tenant_per_minute, t.billing
     from api_keys k left join tenants t on t.id = k.tenant_id where k.hash = $1 or k.former_hash = $1`,
    [hash],
  );
  if (row === undefined) return undefined;
  const { billing, tenant_per_second: perSecond, tenant_per_minute: perMinute } = row;
  return {
    key: fromRow(row),
    isFormer: row.hash !== hash,
    tenant: billing === null ? null : { perSecond, perMinute, billing },
  };
}

export async function findApiKeyById(sql: Sql, tenantId: string, id: string): Promise<ApiKey | undefined> {
  const row = await first<ApiKeyRow>(
    sql,
    `select ${columns} from api_keys where tenant_id = $1 and id = $2`,
    [tenantId, id],
  );
  return row && fromRow(row);
}

export async function listApiKeys(sql: Sql, tenantId: string): Promise<ApiKey[]> {
  const rows = await sql.all<ApiKeyRow>(
    `select ${columns} from api_keys where tenant_id = $1 order by created_at, id limit 1000`,
    [tenantId],
  );
  return rows.map(fromRow);
}

export interface ApiKeyChange {
  name?: string;
  expiresAt?: number | null;
  perSecond?: number | null;
  perMinute?: number | null;
  /** In place of all it had. */
  powers?: KeyPowers;
}

/** Changes what is named and nothing else; undefined when the tenant has no such key that is not revoked. */
export async function updateApiKey(
  tx: Tx,
  tenantId: string,
  id: string,
  change: ApiKeyChange,
): Promise<ApiKey | undefined> {
  const { name, expiresAt, perSecond, perMinute, powers } = change;
  const given: [string, SqlValue | undefined][] = [
    ['name', name],
    ['expires_at', expiresAt],
    ['per_second', perSecond],
    ['per_minute', perMinute],
    ['powers', powers && writePowers(powers)],
  ];
  const sets = given.filter((one): one is [string, SqlValue] => one[1] !== undefined);
  const text = ['id = id', ...sets.map(([column], i) => `${column} = $${i + 3}`)].join(', ');
  const row = await first<ApiKeyRow>(
    tx,
    `update api_keys set ${text} where tenant_id = $1 and id = $2 and revoked_at is null returning ${columns}`,
    [tenantId, id, ...sets.map(([, value]) => value)],
  );
  return row && fromRow(row);
}

/**
 * Gives the key a new secret. The one it had works until `formerUntil`, null: no longer; a still older one ends now. undefined when
 * the tenant has no such key that is not revoked.
 */
export async function rotateApiKey(
  tx: Tx,
  tenantId: string,
  id: string,
  key: string,
  formerUntil: number | null,
): Promise<ApiKey | undefined> {
  const former =
    formerUntil === null
      ? 'former_hash = null, former_hint = null, former_until = null'
      : 'former_hash = hash, former_hint = hint, former_until = $5';
  const row = await first<ApiKeyRow>(
    tx,
    `update api_keys set ${former}, hash = $3, hint = $4
     where tenant_id = $1 and id = $2 and revoked_at is null returning ${columns}`,
    [tenantId, id, keyHash(key), hintOf(key), ...(formerUntil === null ? [] : [formerUntil])],
  );
  return row && fromRow(row);
}

/** False when the tenant has no such key. Revoking twice keeps the first time. */
export async function revokeApiKey(tx: Tx, tenantId: string, id: string, now: number): Promise<boolean> {
  const rows = await tx.all(
    'update api_keys set revoked_at = coalesce(revoked_at, $3) where tenant_id = $1 and id = $2 returning id',
    [tenantId, id, now],
  );
  return rows.length > 0;
}
