/**
 * PostgreSQL remembers the tenants that were largest when it last looked, and takes every other for one with next to nothing: of a tenant
 * that is new, or grows, it would read all rows rather than look up a few keys. Without statistics about the column all tenants count the
 * same to it, a two-hundredth of the table as large as it is by now, and keys are looked up.
 */
import type { Sql } from './database.ts';

/**
 * Read by key, and by few others. Not `messages`, `events` and `attempts`, which are analyzed in time instead (statistics.ts): while a table
 * has some thousand rows in all PostgreSQL would rather read what its only tenant has.
 */
const names = ['contacts', 'contact_tags', 'former_phones', 'windows'];

/** Those whose tenants PostgreSQL still tells apart, and that are ours to alter: a gateway may run under another role than its migrations. */
export async function unlevelTables(sql: Sql): Promise<string[]> {
  const rows = await sql.all<{ name: string }>(
    `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace and c.relname in (${names.map(name => `'${name}'`)})
       and pg_has_role(c.relowner, 'usage') and a.attname = 'tenant_id' and not a.attisdropped and coalesce(a.attstattarget, -1) <> 0
     order by c.relname`,
  );
  return rows.map(({ name }) => name);
}

/** Locks no reader and no writer out. */
export async function levelTenants(sql: Sql, tables: string[]): Promise<void> {
  for (const table of tables) await sql.all(`alter table ${table} alter column tenant_id set statistics 0`);
}
