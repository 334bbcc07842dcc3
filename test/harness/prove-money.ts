/** Whatever a test did: every balance in its database adds up. Asked where a database is given up, and of the whole server at the end. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { proveMoney, tellAstray } from '../../gateway/billing/proof.ts';
import type { Database } from '../../gateway/platform/database.ts';
import { openPostgres } from '../../gateway/platform/postgres.ts';
import { openSqlite } from '../../gateway/platform/sqlite.ts';

/** Fails unless the database adds up; test/run.ts counts how many did. One without a schema has no money. */
export async function assertMoneyAddsUp(database: Database): Promise<void> {
  const proved = await proveDatabase(database);
  if (proved === undefined) return;
  assert.deepEqual(proved.astray, []);
  const tally = process.env.WAGATE_TEST_PROOFS;
  if (tally !== undefined) appendFileSync(tally, `${database.engine} ${proved.tenants}\n`);
}

/** The same for where a gateway kept its data. It must have ended. */
export async function assertPlaceAddsUp(env: Record<string, string>): Promise<void> {
  const path = join(env.WAGATE_DATA!, 'wagate.db');
  if (env.DATABASE_URL === undefined && !existsSync(path)) return;
  const database = env.DATABASE_URL === undefined ? openSqlite(path) : openOne(env.DATABASE_URL);
  try {
    await assertMoneyAddsUp(database);
  } finally {
    await database.close();
  }
}

/** Every database that is still on the server. `url`: of any of them. */
export async function proveServer(
  url: string,
): Promise<{ databases: number; tenants: number; astray: string[] }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ datname: string }>(
    `select datname from pg_database where datname like 'test\\_%'`,
  );
  await client.end();
  const all = { databases: 0, tenants: 0, astray: [] as string[] };
  for (const { datname } of rows) {
    const database = openOne(url.replace(/\/[^/]*$/, `/${datname}`));
    try {
      const proved = await proveDatabase(database);
      if (proved === undefined) continue;
      all.databases++;
      all.tenants += proved.tenants;
      all.astray.push(...proved.astray.map(sentence => `${datname}, ${sentence}`));
    } finally {
      await database.close();
    }
  }
  return all;
}

const openOne = (url: string) => openPostgres({ url, connections: 1, onError: () => undefined });

/** What is astray, a sentence each, and of how many tenants; undefined where there are no wallets: no schema, or one from before. */
async function proveDatabase(database: Database): Promise<{ tenants: number; astray: string[] } | undefined> {
  const [found] = await database.all<{ is: string | null }>(
    database.engine === 'sqlite'
      ? `select max(name) as "is" from sqlite_master where name = 'wallets'`
      : `select cast(to_regclass('wallets') as text) as "is"`,
  );
  if (found?.is == null) return undefined;
  // Suites of one module make messages without making tenants.
  const rows = await database.all<{ id: string }>(
    `select id from tenants union select tenant_id from wallets union select tenant_id from top_ups
     union select tenant_id from messages where fee_state is not null`,
  );
  const ids = rows.map(({ id }) => id);
  return { tenants: ids.length, astray: (await proveMoney(database, ids)).map(tellAstray) };
}
