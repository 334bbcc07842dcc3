/**
 * Beyond one primary: where the Citus extension is installed and has workers, the schema is spread over them by tenant. What goes
 * where follows from the schema itself, so that a table of a later migration needs no line here:
 *
 * - a key that starts with tenant_id: distributed by tenant, all tables of a tenant on the same machine;
 * - a tenant_id that the key does not start with: read before the tenant is known, so a reference table, whole on every machine;
 * - no tenant_id: the installation's own bookkeeping, which stays on the coordinator.
 */
import { first, type Sql, type Tx } from './database.ts';

export interface Placement {
  table: string;
  place: 'distributed' | 'reference' | 'coordinator';
}

interface TableKeys {
  name: string;
  has_tenant: boolean;
  /** Of the primary key, in order, with commas. */
  primary_key: string | null;
  /** Unique indexes without tenant_id, which Citus cannot enforce across machines. */
  untenanted: string | null;
}

/** Where each table belongs by its keys. PostgreSQL only. Throws when a table of a tenant has a unique key that goes across tenants. */
export async function plannedPlacements(sql: Sql): Promise<Placement[]> {
  const tables = await sql.all<TableKeys>(
    `with keys as (
       select i.indrelid as of_table, i.indisprimary as is_primary, i.indexrelid::regclass::text as name,
         (select string_agg(coalesce(a.attname, '(expression)'), ',' order by n.place)
          from unnest(i.indkey) with ordinality as n (column_number, place)
          left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = n.column_number and n.column_number > 0) as columns
       from pg_index i where i.indisunique)
     select c.relname as name,
       exists (select 1 from pg_attribute a
         where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped) as has_tenant,
       (select k.columns from keys k where k.of_table = c.oid and k.is_primary) as primary_key,
       (select string_agg(k.name, ', ') from keys k
         where k.of_table = c.oid and ',' || k.columns || ',' not like '%,tenant_id,%') as untenanted
     from pg_class c
     where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace
     order by c.relname`,
  );
  return tables.map(table => ({ table: table.name, place: placeOf(table) }));
}

function placeOf({ name, has_tenant, primary_key, untenanted }: TableKeys): Placement['place'] {
  if (!has_tenant) return 'coordinator';
  if (primary_key === null || !`${primary_key},`.startsWith('tenant_id,')) return 'reference';
  if (untenanted === null) return 'distributed';
  throw new Error(
    `${name} cannot be distributed by tenant: ${untenanted} is unique without tenant_id. Give that index the tenant_id, in a migration.`,
  );
}

/** Citus is installed and has at least one machine to put tenants on. */
export async function hasCitus(sql: Sql): Promise<boolean> {
  const installed = await first(sql, `select 1 as one from pg_extension where extname = 'citus'`);
  if (installed === undefined) return false;
  return (
    (await first(sql, 'select 1 as one from pg_dist_node where isactive and shouldhaveshards limit 1')) !==
    undefined
  );
}

/** Where each table is now. Only where `hasCitus`. */
export async function placements(sql: Sql): Promise<Placement[]> {
  const placed = await sql.all<{ name: string; type: string }>(
    'select table_name::text as name, citus_table_type as type from citus_tables',
  );
  const typeOf = new Map(placed.map(({ name, type }) => [name, type]));
  return (await plannedPlacements(sql)).map(({ table }) => {
    const type = typeOf.get(table);
    return { table, place: type === 'distributed' || type === 'reference' ? type : 'coordinator' };
  });
}

/**
 * Spreads what is not spread yet, and returns it; nothing without Citus. To be called under the migration lock. Rows that are there
 * already are moved, and the table takes no writes meanwhile.
 */
export async function distribute(tx: Tx): Promise<Placement[]> {
  if (!(await hasCitus(tx))) return [];
  const now = new Map((await placements(tx)).map(({ table, place }) => [table, place]));
  const planned = await plannedPlacements(tx);
  const missing = planned.filter(({ table, place }) => place !== now.get(table) && place !== 'coordinator');
  if (missing.length === 0) return [];
  // One connection per machine: two that run in parallel would not see what the other has not committed.
  await tx.all(`set local citus.multi_shard_modify_mode to 'sequential'`);
  for (const { table } of missing.filter(({ place }) => place === 'reference'))
    await tx.all('select create_reference_table(cast(cast($1 as text) as regclass))', [table]);
  // All in one co-location group, so that what belongs to a tenant is joined and committed on one machine.
  let group = planned.find(({ table, place }) => place === 'distributed' && now.get(table) === place)?.table;
  for (const { table } of missing.filter(({ place }) => place === 'distributed')) {
    await tx.all(
      `select create_distributed_table(cast(cast($1 as text) as regclass), 'tenant_id', colocate_with => cast($2 as text))`,
      [table, group ?? 'none'],
    );
    group ??= table;
  }
  return missing;
}
