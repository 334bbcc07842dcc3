/** Requests to erase a person, and the receipts that remain of them. A receipt names nobody: it holds a keyed hash of the name. */
import { isObject, parseJson } from '../canonical/json.ts';
import { first, type Row, type Sql, type SqlValue, type Tx } from '../platform/database.ts';
import type { Seal } from '../platform/seal.ts';
import { erasureHash } from '../tenants/erased.ts';

export const countNames = [
  'canceled',
  'messages',
  'tries',
  'incoming',
  'windows',
  'contacts',
  'keptChanges',
  'recipients',
] as const;

export type Counts = Record<(typeof countNames)[number], number>;

export interface Erasure {
  tenantId: string;
  id: string;
  recipientHash: string;
  /** The key that asked, or "operator". */
  requestedBy: string;
  requestedAt: number;
  finishedAt: number | null;
  counts: Counts;
  /** Once finished: a keyed digest over all of the above. */
  digest: string | null;
}

/** An erasure under way, with what has to be known to go on. */
export interface RunningErasure extends Erasure {
  /** Digits and user ids by which the person is known, the one that was asked for first. */
  names: string[];
  /** The last kept change that was looked at. */
  changesTo: string;
}

export async function insertErasure(
  tx: Tx,
  seal: Seal,
  request: { tenantId: string; id: string; name: string; requestedBy: string; requestedAt: number },
): Promise<void> {
  const { tenantId, id, name, requestedBy, requestedAt } = request;
  await tx.all(
    `insert into erasures (tenant_id, id, recipient_hash, names, changes_to, counts, requested_by, requested_at)
     values ($1, $2, $3, $4, '', '{}', $5, $6)`,
    [
      ...[tenantId, id, erasureHash(seal, tenantId, name), sealNames(seal, tenantId, id, [name])],
      ...[requestedBy, requestedAt],
    ],
  );
}

/** Writes how far an erasure has come. */
export async function saveErasure(tx: Tx, seal: Seal, erasure: RunningErasure): Promise<void> {
  const { tenantId, id, names, changesTo, counts } = erasure;
  await tx.all(
    'update erasures set names = $3, changes_to = $4, counts = $5 where tenant_id = $1 and id = $2 and finished_at is null',
    [tenantId, id, sealNames(seal, tenantId, id, names), changesTo, JSON.stringify(counts)],
  );
}

/** The erasure has nothing left to do: its names go, its receipt stays. */
export async function finishErasure(
  tx: Tx,
  seal: Seal,
  erasure: RunningErasure,
  finishedAt: number,
): Promise<void> {
  const { tenantId, id, counts } = erasure;
  await tx.all(
    `update erasures set names = null, changes_to = '', counts = $3, finished_at = $4, digest = $5
     where tenant_id = $1 and id = $2 and finished_at is null`,
    [tenantId, id, JSON.stringify(counts), finishedAt, receiptDigest(seal, { ...erasure, finishedAt })],
  );
}

/** Whether a finished receipt says what it said when it was written. */
export function isIntact(seal: Seal, erasure: Erasure): boolean {
  return erasure.digest === receiptDigest(seal, erasure);
}

function receiptDigest(seal: Seal, erasure: Erasure): string {
  const { tenantId, id, requestedBy, requestedAt, finishedAt, counts } = erasure;
  const facts = [tenantId, id, erasure.recipientHash, requestedBy, requestedAt, finishedAt];
  // Receipts from before there were broadcasts know nothing of them.
  const told = countNames.filter(name => name !== 'recipients' || counts.recipients > 0);
  return seal.digest(JSON.stringify([...facts, ...told.map(name => counts[name])]), 'receipt');
}

const columns = `tenant_id, id, recipient_hash, names, changes_to, counts, requested_by, requested_at, finished_at, digest`;

export async function findErasure(sql: Sql, tenantId: string, id: string): Promise<Erasure | undefined> {
  const row = await first(sql, `select ${columns} from erasures where tenant_id = $1 and id = $2`, [
    tenantId,
    id,
  ]);
  return row && fromRow(row);
}

/** Newest first; `before` is the id that ended the page before. */
export async function listErasures(
  sql: Sql,
  tenantId: string,
  recipientHash: string | undefined,
  before: string | undefined,
  limit: number,
): Promise<Erasure[]> {
  const values: SqlValue[] = [tenantId];
  let conditions = '';
  for (const [column, value] of [
    ['recipient_hash =', recipientHash],
    ['id <', before],
  ] as const) {
    if (value !== undefined) conditions += ` and ${column} $${values.push(value)}`;
  }
  const rows = await sql.all(
    `select ${columns} from erasures where tenant_id = $1${conditions} order by id desc limit ${limit}`,
    values,
  );
  return rows.map(fromRow);
}

/** The erasures of a tenant that still have something to do, oldest first. */
export async function runningErasures(sql: Sql, tenantId: string): Promise<string[]> {
  const rows = await sql.all<{ id: string }>(
    'select id from erasures where tenant_id = $1 and finished_at is null order by id limit 1000',
    [tenantId],
  );
  return rows.map(({ id }) => id);
}

export async function findRunning(
  tx: Tx,
  seal: Seal,
  tenantId: string,
  id: string,
): Promise<RunningErasure | undefined> {
  const row = await first(
    tx,
    `select ${columns} from erasures where tenant_id = $1 and id = $2 and finished_at is null`,
    [tenantId, id],
  );
  if (row === undefined) return undefined;
  const erasure = fromRow(row);
  const names = parseJson(seal.open(String(row.names), contextOf(tenantId, id)));
  return { ...erasure, names: names as string[], changesTo: String(row.changes_to) };
}

function fromRow(row: Row): Erasure {
  const counts = parseJson(String(row.counts));
  return {
    tenantId: String(row.tenant_id),
    id: String(row.id),
    recipientHash: String(row.recipient_hash),
    requestedBy: String(row.requested_by),
    requestedAt: Number(row.requested_at),
    finishedAt: row.finished_at as number | null,
    counts: Object.fromEntries(
      countNames.map(name => [name, isObject(counts) ? Number(counts[name] ?? 0) : 0]),
    ) as Counts,
    digest: row.digest as string | null,
  };
}

const contextOf = (tenantId: string, id: string) => `erasure:${tenantId}:${id}:names`;

function sealNames(seal: Seal, tenantId: string, id: string, names: string[]): string {
  return seal.seal(JSON.stringify(names), contextOf(tenantId, id));
}
