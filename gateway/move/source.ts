/** Reading the embedded database row by row, so that memory stays small however large a table or a row is. */
import { DatabaseSync } from 'node:sqlite';
import type { SqlValue } from '../platform/database.ts';
import { quoted, type Table } from './schema.ts';

export type Source = DatabaseSync;

export function openSource(path: string): Source {
  return new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
}

export function countRows(source: Source, table: Table): number {
  const row = source.prepare(`select count(*) as n from ${quoted(table.name)}`).get() as { n: number };
  return row.n;
}

/** Rows in the order of the primary key, after `after`; the values in the order of the table's columns. */
export function* readRows(source: Source, table: Table, after: SqlValue[] | null): Generator<SqlValue[]> {
  const key = table.key.map(quoted).join(', ');
  const from = after === null ? '' : ` where (${key}) > (${after.map(() => '?').join(', ')})`;
  const statement = source.prepare(
    `select ${table.columns.map(({ name }) => quoted(name)).join(', ')} from ${quoted(table.name)}${from} order by ${key}`,
  );
  statement.setReturnArrays(true);
  yield* statement.iterate(...(after ?? [])) as Iterable<unknown> as Iterable<SqlValue[]>;
}

/**
 * A row as JSON: what travels, and what is summed up on both sides. PostgreSQL takes no NUL in a text; columns of their own are
 * made storable when they are written (database.ts), a row from before that is made so here.
 */
export function rowJson(row: SqlValue[]): string {
  const json = JSON.stringify(row);
  if (!json.includes('\\u0000')) return json;
  return JSON.stringify(
    row.map(value => (typeof value === 'string' ? value.replaceAll('\0', '\uFFFD') : value)),
  );
}
