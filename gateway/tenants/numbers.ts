/** The table of numbers (WhatsApp senders) and the directory that finds a number's tenant. Secrets stay sealed here. */
import { first, type Row, type Sql, type Tx } from '../platform/database.ts';

export interface StoredNumber {
  tenantId: string;
  /** AutoKonnect's "WABA channel id": a small whole number, unique in this installation. */
  id: number;
  phoneNumberId: string;
  wabaId: string;
  /** Digits. */
  displayNumber: string;
  verifiedName: string;
  status: 'connected' | 'disconnected';
  statusReason: string | null;
  perSecond: number;
  /** GREEN, YELLOW, RED, UNKNOWN; null when Meta never said. */
  quality: string | null;
  /** How many people it may write to in 24 hours outside of windows: TIER_2K, TIER_UNLIMITED, …; null when Meta never said. */
  messagingLimit: string | null;
  /** meta: free-form sends go out whatever we know of the recipient's 24-hour window. */
  windowPolicy: 'check' | 'meta';
  /** When Meta's first webhook about messages came; before it nobody here can know a window. */
  listeningSince: number | null;
  createdAt: number;
  updatedAt: number;
  sealed: SealedSecrets;
}

/** What a webhook of Meta's says of a number; what it does not say stays. */
export type NumberWord = Partial<{ quality: string; messagingLimit: string; verifiedName: string }>;

/** A number as events name it. */
export const numberNames = ({ id, phoneNumberId, displayNumber, wabaId }: NumberNames) => ({
  ...{ id, phoneNumberId, displayNumber, wabaId },
});

export type NumberNames = Pick<StoredNumber, 'id' | 'phoneNumberId' | 'displayNumber' | 'wabaId'>;

export interface SealedSecrets {
  accessToken: string;
  appSecret: string;
  verifyToken: string;
}

interface NumberRow extends Row {
  tenant_id: string;
  id: number;
  phone_number_id: string;
  waba_id: string;
  display_number: string;
  verified_name: string;
  access_token: string;
  app_secret: string;
  verify_token: string;
  status: string;
  status_reason: string | null;
  per_second: number;
  quality: string | null;
  messaging_limit: string | null;
  window_policy: string;
  listening_since: number | null;
  created_at: number;
  updated_at: number;
}

const selectOfTenant = `select n.tenant_id, n.id, n.phone_number_id, n.waba_id, n.display_number, n.verified_name, n.access_token,
    n.app_secret, n.verify_token, n.status, n.status_reason, n.quality, n.messaging_limit, n.window_policy, n.listening_since, n.created_at,
    n.updated_at, l.per_second
  from numbers n
  join lanes l on l.number_id = n.id and l.tenant_id = n.tenant_id where n.tenant_id = $1`;

const fromRow = (row: NumberRow): StoredNumber => ({
  tenantId: row.tenant_id,
  id: row.id,
  phoneNumberId: row.phone_number_id,
  wabaId: row.waba_id,
  displayNumber: row.display_number,
  verifiedName: row.verified_name,
  status: row.status === 'connected' ? 'connected' : 'disconnected',
  statusReason: row.status_reason,
  perSecond: row.per_second,
  quality: row.quality,
  messagingLimit: row.messaging_limit,
  windowPolicy: row.window_policy === 'meta' ? 'meta' : 'check',
  listeningSince: row.listening_since,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  sealed: { accessToken: row.access_token, appSecret: row.app_secret, verifyToken: row.verify_token },
});

export interface DirectoryEntry {
  numberId: number;
  tenantId: string;
}

export async function nextNumberId(tx: Tx): Promise<number> {
  const row = await first<{ id: number | null }>(tx, 'select max(number_id) as id from number_directory');
  return (row?.id ?? 0) + 1;
}

export async function insertNumber(tx: Tx, number: Omit<StoredNumber, 'perSecond'>): Promise<void> {
  await tx.all(
    'insert into number_directory (number_id, tenant_id, phone_number_id, waba_id) values ($1, $2, $3, $4)',
    [number.id, number.tenantId, number.phoneNumberId, number.wabaId],
  );
  await tx.all(
    `insert into numbers (tenant_id, id, phone_number_id, waba_id, display_number, verified_name, access_token, app_secret,
       verify_token, status, status_reason, window_policy, listening_since, created_at, updated_at, quality, messaging_limit)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
    [
      number.tenantId,
      number.id,
      number.phoneNumberId,
      number.wabaId,
      number.displayNumber,
      number.verifiedName,
      number.sealed.accessToken,
      number.sealed.appSecret,
      number.sealed.verifyToken,
      number.status,
      number.statusReason,
      number.windowPolicy,
      number.listeningSince,
      number.createdAt,
      number.updatedAt,
      number.quality,
      number.messagingLimit,
    ],
  );
}

export async function directoryEntry(sql: Sql, numberId: number): Promise<DirectoryEntry | undefined> {
  const row = await first<{ number_id: number; tenant_id: string }>(
    sql,
    'select number_id, tenant_id from number_directory where number_id = $1',
    [numberId],
  );
  return row && { numberId: row.number_id, tenantId: row.tenant_id };
}

export async function directoryByPhoneNumberId(
  sql: Sql,
  phoneNumberId: string,
): Promise<DirectoryEntry | undefined> {
  const row = await first<{ number_id: number; tenant_id: string }>(
    sql,
    'select number_id, tenant_id from number_directory where phone_number_id = $1',
    [phoneNumberId],
  );
  return row && { numberId: row.number_id, tenantId: row.tenant_id };
}

/** Numbers of one WhatsApp Business Account; they may belong to several tenants. */
export async function directoryByWaba(sql: Sql, wabaId: string): Promise<DirectoryEntry[]> {
  const rows = await sql.all<{ number_id: number; tenant_id: string }>(
    'select number_id, tenant_id from number_directory where waba_id = $1 order by number_id limit 1000',
    [wabaId],
  );
  return rows.map(row => ({ numberId: row.number_id, tenantId: row.tenant_id }));
}

export async function allNumbers(sql: Sql): Promise<DirectoryEntry[]> {
  const rows = await sql.all<{ number_id: number; tenant_id: string }>(
    'select number_id, tenant_id from number_directory order by number_id limit 100000',
  );
  return rows.map(row => ({ numberId: row.number_id, tenantId: row.tenant_id }));
}

export async function findNumber(sql: Sql, tenantId: string, id: number): Promise<StoredNumber | undefined> {
  const row = await first<NumberRow>(sql, `${selectOfTenant} and n.id = $2`, [tenantId, id]);
  return row && fromRow(row);
}

export async function findNumbers(sql: Sql, tenantId: string, ids: number[]): Promise<StoredNumber[]> {
  const asked = "select cast(value ->> 'id' as bigint) from json_rows($2)";
  const rows = await sql.all<NumberRow>(
    `${selectOfTenant} and one_of(n.id, ${asked}) and one_of(l.number_id, ${asked})`,
    [tenantId, JSON.stringify(ids.map(id => ({ id })))],
  );
  return rows.map(fromRow);
}

/** The one connected first. */
export async function firstNumber(sql: Sql, tenantId: string): Promise<StoredNumber | undefined> {
  const row = await first<NumberRow>(sql, `${selectOfTenant} order by n.id limit 1`, [tenantId]);
  return row && fromRow(row);
}

export async function findByDisplayNumber(
  sql: Sql,
  tenantId: string,
  digits: string,
): Promise<StoredNumber | undefined> {
  const row = await first<NumberRow>(
    sql,
    `${selectOfTenant} and n.display_number = $2 order by n.id limit 1`,
    [tenantId, digits],
  );
  return row && fromRow(row);
}

export async function listNumbers(sql: Sql, tenantId: string): Promise<StoredNumber[]> {
  const rows = await sql.all<NumberRow>(`${selectOfTenant} order by n.id limit 10000`, [tenantId]);
  return rows.map(fromRow);
}

export async function setNumberStatus(
  tx: Tx,
  tenantId: string,
  id: number,
  status: StoredNumber['status'],
  reason: string | null,
  now: number,
): Promise<void> {
  await tx.all(
    'update numbers set status = $3, status_reason = $4, updated_at = $5 where tenant_id = $1 and id = $2',
    [tenantId, id, status, reason, now],
  );
}

/** From when on webhooks have come; the earliest moment stands. */
export async function setListeningSince(
  tx: Tx,
  tenantId: string,
  ids: number[],
  since: number,
): Promise<void> {
  const rows = ids.toSorted((a, b) => a - b).map(id => ({ id }));
  await tx.all(
    `update numbers set listening_since = $3
     where tenant_id = $1 and one_of(id, select cast(value ->> 'id' as bigint) from json_rows($2))
       and (listening_since is null or listening_since > $3)`,
    [tenantId, JSON.stringify(rows), since],
  );
}

export interface NumberChange {
  windowPolicy: StoredNumber['windowPolicy'];
  displayNumber: string;
  verifiedName: string;
  /** null leaves it as it is. */
  quality: string | null;
  sealed: SealedSecrets;
}

/** New credentials or facts: the number counts as connected again. */
export async function updateNumber(
  tx: Tx,
  tenantId: string,
  id: number,
  change: NumberChange,
  now: number,
): Promise<void> {
  await tx.all(
    `update numbers set display_number = $3, verified_name = $4, access_token = $5, app_secret = $6, verify_token = $7,
       status = 'connected', status_reason = null, updated_at = $8, window_policy = $9,
       quality = coalesce($10, quality)
     where tenant_id = $1 and id = $2`,
    [
      tenantId,
      id,
      change.displayNumber,
      change.verifiedName,
      change.sealed.accessToken,
      change.sealed.appSecret,
      change.sealed.verifyToken,
      now,
      change.windowPolicy,
      change.quality,
    ],
  );
}

export async function tellNumber(
  tx: Tx,
  tenantId: string,
  id: number,
  { quality, messagingLimit, verifiedName }: NumberWord,
  now: number,
): Promise<void> {
  await tx.all(
    `update numbers set quality = coalesce($3, quality), messaging_limit = coalesce($4, messaging_limit),
       verified_name = coalesce($5, verified_name), updated_at = $6
     where tenant_id = $1 and id = $2`,
    [tenantId, id, quality ?? null, messagingLimit ?? null, verifiedName ?? null, now],
  );
}
