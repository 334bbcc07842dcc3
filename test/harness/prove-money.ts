/** After a whole test run: every balance in every database that a program or a suite has left on the server adds up. */
import pg from 'pg';
import { proveMoney, tellAstray } from '../../gateway/billing/proof.ts';
import { openPostgres } from '../../gateway/platform/postgres.ts';

/** `url`: of any database of the server. What is astray, a sentence each; and of how many databases that is. */
export async function proveServer(
  url: string,
): Promise<{ databases: number; tenants: number; astray: string[] }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ datname: string }>(
    `select datname from pg_database where datname like 'test\\_%'`,
  );
  await client.end();
  const astray: string[] = [];
  let databases = 0;
  let tenants = 0;
  for (const { datname } of rows) {
    const database = openPostgres({
      url: url.replace(/\/[^/]*$/, `/${datname}`),
      connections: 1,
      onError: () => undefined,
    });
    try {
      // Suites leave databases without a schema, or with that of another version.
      const [found] = await database.all<{ is: string | null }>(
        `select cast(to_regclass('wallets') as text) as is`,
      );
      if (found?.is == null) continue;
      databases++;
      tenants += (await database.all('select id from tenants')).length;
      astray.push(...(await proveMoney(database)).map(one => `${datname}, ${tellAstray(one)}`));
    } finally {
      await database.close();
    }
  }
  return { databases, tenants, astray };
}
