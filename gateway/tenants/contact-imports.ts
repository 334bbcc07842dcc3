/** Imports of contacts: how far each is committed, so that the same file, sent again, goes on from there. */
import { isObject, parseJson } from '../canonical/json.ts';
import { first, type Row, type Sql, type Tx } from '../platform/database.ts';

export const importCounts = [
  ...(['created', 'updated', 'unchanged', 'skipped', 'failed', 'tagged'] as const),
];
export type ImportCounts = Record<(typeof importCounts)[number], number>;

export interface ContactImport {
  id: string;
  /** The id of the API key. */
  requestedBy: string;
  /** What the file was imported with; another way of importing it is another import. */
  options: string;
  /** Rows that are committed, good or bad. */
  rowsRead: number;
  /** Line in which the last of them begins. */
  lastLine: number;
  /** Over all of them. */
  digest: string;
  counts: ImportCounts;
  startedAt: number;
  updatedAt: number;
  finishedAt: number | null;
}

export type ImportError = {
  line: number;
  field: string;
  message: string;
};

const columns = `id, requested_by, options, rows_read, last_line, digest, counts, started_at, updated_at, finished_at`;

/** An older import and its errors are forgotten when another one begins. */
const keptMs = 30 * 86_400_000;
const forgottenAtOnce = 2;

/** Begins it unless it was begun already. */
export async function beginImport(
  tx: Tx,
  tenantId: string,
  { id, requestedBy, options, digest, startedAt }: Omit<ContactImport, 'rowsRead'>,
): Promise<ContactImport> {
  await tx.all(
    `insert into contact_imports (tenant_id, id, requested_by, options, rows_read, last_line, digest, counts, started_at, updated_at)
     values ($1, $2, $3, $4, 0, 0, $5, '{}', $6, $6) on conflict do nothing`,
    [tenantId, id, requestedBy, options, digest, startedAt],
  );
  return (await findImport(tx, tenantId, id))!;
}

/**
 * Moves it on from `before.rowsRead`; false, and nothing is to be committed, when it is no longer there: another request with the same
 * file has gone on meanwhile.
 */
export async function moveImport(
  tx: Tx,
  tenantId: string,
  before: ContactImport,
  after: ContactImport,
): Promise<boolean> {
  const moved = await tx.all(
    `update contact_imports set rows_read = $4, last_line = $5, digest = $6, counts = $7, updated_at = $8, finished_at = $9
     where tenant_id = $1 and id = $2 and rows_read = $3 and finished_at is null returning id`,
    [
      ...[tenantId, before.id, before.rowsRead, after.rowsRead, after.lastLine, after.digest],
      ...[JSON.stringify(after.counts), after.updatedAt, after.finishedAt],
    ],
  );
  return moved.length > 0;
}

export async function insertImportErrors(
  tx: Tx,
  tenantId: string,
  importId: string,
  errors: ImportError[],
): Promise<void> {
  if (errors.length === 0) return;
  await tx.all(
    `insert into contact_import_errors (tenant_id, import_id, line, field, message)
     select $1, $2, cast(value ->> 'line' as bigint), value ->> 'field', value ->> 'message' from json_rows($3)`,
    [tenantId, importId, JSON.stringify(errors)],
  );
}

export async function findImport(sql: Sql, tenantId: string, id: string): Promise<ContactImport | undefined> {
  const row = await first(sql, `select ${columns} from contact_imports where tenant_id = $1 and id = $2`, [
    tenantId,
    id,
  ]);
  return row && importOf(row);
}

/** By line, those after `after`. */
export async function listImportErrors(
  sql: Sql,
  tenantId: string,
  importId: string,
  after: number,
  limit: number,
): Promise<ImportError[]> {
  return sql.all<ImportError>(
    `select line, field, message from contact_import_errors
     where tenant_id = $1 and import_id = $2 and line > $3 order by line limit $4`,
    [tenantId, importId, after, limit],
  );
}

/** Forgets some that are older than 30 days, with their errors. */
export async function forgetImports(tx: Tx, tenantId: string, now: number): Promise<void> {
  const old = await tx.all<{ id: string }>(
    'select id from contact_imports where tenant_id = $1 and updated_at < $2 limit $3',
    [tenantId, now - keptMs, forgottenAtOnce],
  );
  if (old.length === 0) return;
  const values = [tenantId, JSON.stringify(old)];
  await tx.all(
    `delete from contact_import_errors where tenant_id = $1 and one_of(import_id, select value ->> 'id' from json_rows($2))`,
    values,
  );
  await tx.all(
    `delete from contact_imports where tenant_id = $1 and one_of(id, select value ->> 'id' from json_rows($2))`,
    values,
  );
}

function importOf(row: Row): ContactImport {
  const counts = parseJson(String(row.counts));
  return {
    id: String(row.id),
    requestedBy: String(row.requested_by),
    options: String(row.options),
    rowsRead: Number(row.rows_read),
    lastLine: Number(row.last_line),
    digest: String(row.digest),
    counts: Object.fromEntries(
      importCounts.map(name => [name, isObject(counts) ? Number(counts[name] ?? 0) : 0]),
    ) as ImportCounts,
    startedAt: Number(row.started_at),
    updatedAt: Number(row.updated_at),
    finishedAt: row.finished_at as number | null,
  };
}
