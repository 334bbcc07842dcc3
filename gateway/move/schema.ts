/** What there is to move, read from the catalogues: a table of a later migration moves without a line being written here. */
import type { DatabaseSync } from 'node:sqlite';
import type { Database } from '../platform/database.ts';
import { recordTables } from './record.ts';

export interface Column {
  name: string;
  type: string;
}

export interface Table {
  name: string;
  columns: Column[];
  /** Columns of the primary key, in its order. */
  key: string[];
}

/** Tables that stay behind, and why. */
export const notMoved: ReadonlyMap<string, string> = new Map([
  ['processes', 'the processes of the old place have ended; each new one enters itself'],
  ['schema_versions', 'written by the migrations of the new database'],
]);

/** Types that are the same in both engines and in JSON. */
const knownTypes = new Set(['text', 'bigint', 'integer']);

/** Tables to move, in the order in which migrations made them. */
export function sourceTables(source: DatabaseSync): Table[] {
  const names = source
    .prepare(
      `select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\' order by rowid`,
    )
    .all() as { name: string }[];
  return names
    .map(({ name }) => name)
    .filter(name => !notMoved.has(name))
    .map(name => sourceTable(source, name));
}

function sourceTable(source: DatabaseSync, name: string): Table {
  const columns = source
    .prepare('select name, lower(type) as type, pk from pragma_table_info(?) order by cid')
    .all(name) as { name: string; type: string; pk: number }[];
  const unknown = columns.find(({ type }) => !knownTypes.has(type));
  if (unknown !== undefined)
    throw new Error(`${name}.${unknown.name} is of type ${unknown.type}, which a move does not know`);
  const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
  if (key.length === 0) throw new Error(`table ${name} has no primary key to go on from`);
  return {
    name,
    columns: columns.map(column => ({ name: column.name, type: column.type })),
    key: key.map(column => column.name),
  };
}

/** Tables of the target's schema, those of extensions and of the move left out. */
export async function targetTables(target: Database): Promise<Map<string, Column[]>> {
  const rows = await target.all<{ table_name: string; column_name: string; type: string }>(
    `select c.relname::text as table_name, a.attname::text as column_name, format_type(a.atttypid, a.atttypmod) as type
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relnamespace = to_regnamespace(current_schema()::text) and c.relkind in ('r', 'p')
       and not exists (select 1 from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
     order by c.relname, a.attnum`,
  );
  const tables = new Map<string, Column[]>();
  for (const row of rows) {
    if (recordTables.includes(row.table_name)) continue;
    const columns = tables.get(row.table_name) ?? [];
    columns.push({ name: row.column_name, type: row.type });
    tables.set(row.table_name, columns);
  }
  return tables;
}

/** One sentence for each table that is not the same on both sides. */
export function schemaDifferences(tables: Table[], target: Map<string, Column[]>): string[] {
  const text = (columns: Column[]) =>
    columns
      .map(({ name, type }) => `${name} ${type}`)
      .sort()
      .join(', ');
  return tables.flatMap(table => {
    const there = target.get(table.name);
    if (there === undefined) return [`there is no table ${table.name}`];
    return text(there) === text(table.columns) ? [] : [`table ${table.name} has other columns`];
  });
}

/** Names come from our own migrations; some, like "rank", are words of SQL. */
export const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
