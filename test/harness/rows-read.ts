/** What tests of PostgreSQL's plans count, and for whom: decision 0017. */
import type { Database, Tx } from '../../gateway/platform/database.ts';

/** How many rows PostgreSQL reads of a table, those of its indexes included: each that is found by a key counts twice. */
export async function rowsReadOf(
  database: Database,
  table: string,
  work: (tx: Tx) => Promise<unknown>,
): Promise<number> {
  const count = async (tx: Tx) =>
    (
      await tx.all<{ rows: number }>(
        `select cast(sum(pg_stat_get_xact_tuples_returned(oid)) as bigint) as rows from pg_class
         where oid = '${table}'::regclass or oid in (select indexrelid from pg_index where indrelid = '${table}'::regclass)`,
      )
    )[0]!.rows;
  return database.transact(async tx => {
    const before = await count(tx);
    await work(tx);
    return (await count(tx)) - before;
  });
}

export const planTenants = ['known', 'new'] as const;

/** Fills the tables for one tenant that PostgreSQL then looks at, and for one that it does not know. */
export async function fillPlanTenants(
  database: Database,
  tables: string,
  fill: (tenantId: (typeof planTenants)[number]) => Promise<unknown>,
): Promise<void> {
  await fill('known');
  await database.all(`analyze ${tables}`);
  await fill('new');
}
