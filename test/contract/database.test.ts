/** What both engines promise: the same SQL, whole transactions, exact numbers. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrate, readMigrations } from '../../gateway/platform/migrate.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';

onEachEngine((engine, open) => {
  let db: TestDatabase;
  before(async () => {
    db = await open({ migrated: false });
    await db.database.transact(tx =>
      tx.all('create table things (id text primary key, n bigint, note text)'),
    );
  });
  after(() => db.close());

  test('a batch travels as one JSON parameter', async () => {
    const rows = [
      { id: 'a', n: Date.now() * 1000, note: 'ünï\\"code\n' },
      { id: 'b', n: null, note: '{"json":"as text"}' },
    ];
    await db.database.transact(tx =>
      tx.all(
        `insert into things (id, n, note)
         select value ->> 'id', cast(value ->> 'n' as bigint), value ->> 'note' from json_rows($1)`,
        [JSON.stringify(rows)],
      ),
    );
    assert.deepEqual(
      (await db.database.all('select id, n, note from things order by id')).map(row => ({ ...row })),
      rows,
    );
  });

  test('what a failed transaction did does not stand', async () => {
    await assert.rejects(
      db.database.transact(async tx => {
        await tx.all(`insert into things (id) values ('c')`);
        throw new Error('no');
      }),
      /no/,
    );
    assert.deepEqual(await db.database.all(`select id from things where id = 'c'`), []);
  });

  // The embedded engine has no connections to break.
  const onlyPostgres = engine === 'postgres' ? test : () => undefined;
  onlyPostgres('a connection that breaks amid a transaction costs that transaction only', async () => {
    const fresh = await open({ migrated: false });
    const killer = fresh.reopen();
    await assert.rejects(
      fresh.database.transact(async tx => {
        const [own] = await tx.all<{ pid: number }>('select pg_backend_pid() as pid');
        await killer.all('select pg_terminate_backend($1)', [own!.pid]);
        // Until our end of the connection has heard of it, with no query under way.
        await sleep(200);
        await tx.all('select 1 as one');
      }),
    );
    assert.deepEqual(await fresh.database.all('select 1 as one'), [{ one: 1 }]);
    await fresh.close();
  });

  test('transactions that run at once do not mix', async () => {
    await db.database.transact(tx => tx.all(`insert into things (id, n) values ('counter', 0)`));
    await Promise.all(
      Array.from({ length: 50 }, () =>
        db.database.transact(async tx => {
          await tx.all(`update things set n = n + 1 where id = 'counter'`);
          await tx.all('select count(*) as c from things');
        }),
      ),
    );
    const [row] = await db.database.all<{ n: number }>(`select n from things where id = 'counter'`);
    assert.equal(row?.n, 50);
  });

  test('migrations apply once, also when ten processes start', async () => {
    const fresh = await open({ migrated: false });
    const all = Array.from({ length: 10 }, () => fresh.reopen());
    const applied: string[][] = [];
    // The embedded engine waits for a lock inside the call, which only makes sense between processes: there one by one.
    if (engine === 'sqlite') for (const database of all) applied.push(await migrate(database, 1));
    else applied.push(...(await Promise.all(all.map(database => migrate(database, 1)))));
    assert.equal(applied.flat().length, readMigrations().length);
    await fresh.close();
  });

  test('a program refuses a schema that is newer than itself', async () => {
    const fresh = await open();
    await fresh.database.transact(tx =>
      tx.all(`insert into schema_versions values (9999, 'from-the-future', 1)`),
    );
    await assert.rejects(
      migrate(fresh.database, 2),
      /schema version 9999, this program knows up to \d+: start a newer Wagate/,
    );
    await fresh.close();
  });
});
