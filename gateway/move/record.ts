/**
 * The record of a move in the database it goes to: whose it is, how far each table is, and whether a gateway may work there. The
 * two tables are made by the move alone; a database that was never moved into has none.
 */
import { type Database, first, type SqlValue, type Tx } from '../platform/database.ts';

export interface MoveRecord {
  id: string;
  /** Machine and folder it came from. */
  source: string;
  startedAt: number;
  finishedAt: number | null;
  undoneAt: number | null;
}

export const recordTables = ['moves', 'move_tables'];

interface RecordRow {
  id: string;
  source: string;
  started_at: number;
  finished_at: number | null;
  undone_at: number | null;
}

export async function readRecord(target: Database): Promise<MoveRecord | undefined> {
  const found = await first<{ name: string | null }>(target, `select to_regclass('moves')::text as name`);
  if (found === undefined || found.name === null) return undefined;
  const row = await first<RecordRow>(
    target,
    'select id, source, started_at, finished_at, undone_at from moves order by started_at desc limit 1',
  );
  return (
    row && {
      id: row.id,
      source: row.source,
      startedAt: row.started_at,
      finishedAt: row.finished_at,
      undoneAt: row.undone_at,
    }
  );
}

/** Fails when another move into the same database was faster. */
export async function beginRecord(tx: Tx, id: string, source: string, now: number): Promise<void> {
  await tx.all(
    'create table moves (id text primary key, source text not null, started_at bigint not null, finished_at bigint, undone_at bigint)',
  );
  await tx.all(
    'create table move_tables (name text primary key, last_key text not null, row_count bigint not null)',
  );
  await tx.all('insert into moves (id, source, started_at) values ($1, $2, $3)', [id, source, now]);
}

export async function finishRecord(target: Database, id: string, now: number): Promise<void> {
  await target.transact(tx => tx.all('update moves set finished_at = $2 where id = $1', [id, now]));
}

export async function undoRecord(target: Database, id: string, now: number): Promise<void> {
  await target.transact(tx => tx.all('update moves set undone_at = $2 where id = $1', [id, now]));
}

/** How far a table is: the key of the last row that was copied. */
export interface TableProgress {
  lastKey: SqlValue[] | null;
  rows: number;
}

export async function readProgress(target: Database, table: string): Promise<TableProgress> {
  const row = await first<{ last_key: string; row_count: number }>(
    target,
    'select last_key, row_count from move_tables where name = $1',
    [table],
  );
  return row === undefined
    ? { lastKey: null, rows: 0 }
    : { lastKey: JSON.parse(row.last_key) as SqlValue[], rows: row.row_count };
}

/** In the transaction that stores the rows it counts. */
export async function writeProgress(
  tx: Tx,
  table: string,
  lastKey: SqlValue[],
  rowsMore: number,
): Promise<void> {
  await tx.all(
    `insert into move_tables (name, last_key, row_count) values ($1, $2, $3)
     on conflict (name) do update set last_key = excluded.last_key, row_count = move_tables.row_count + excluded.row_count`,
    [table, JSON.stringify(lastKey), rowsMore],
  );
}

/** Throws when a move into this database has not finished or was undone: the embedded database it came from is the one in use. */
export async function refuseUnfinished(database: Database): Promise<void> {
  if (database.engine !== 'postgres') return;
  const record = await readRecord(database);
  if (record === undefined) return;
  if (record.undoneAt !== null)
    throw new Error(
      `it is the rest of a move from ${record.source} that was undone; name another database, or make this one anew`,
    );
  if (record.finishedAt === null)
    throw new Error(
      `a move into it from ${record.source} has not finished; repeat wagate move there, with the same --to`,
    );
}
