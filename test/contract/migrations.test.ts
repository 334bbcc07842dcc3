/** A migration while others work: it holds nobody up for long, loses nothing, and leaves keys that can be spread by tenant. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLane, markDue } from '../../gateway/messages/pace.ts';
import { hasCitus, plannedPlacements } from '../../gateway/platform/distribute.ts';
import { type Migration, migrate, readMigrations } from '../../gateway/platform/migrate.ts';
import { onEachEngine } from '../harness/engines.ts';
import { until } from '../harness/tenant.ts';

const before = (version: number) => readMigrations().filter(one => one.version < version);

onEachEngine((engine, open) => {
  test('every key of a tenant-owned table starts with its tenant, but for the look-ups', async () => {
    const db = await open();
    const text =
      engine === 'sqlite'
        ? `select m.name as table_name, i.name as index_name, c.name as column_name
           from sqlite_schema m join pragma_index_list(m.name) i join pragma_index_info(i.name) c
           where m.type = 'table' and i."unique" = 1 and c.seqno = 0`
        : `select c.relname as table_name, i.indexrelid::regclass::text as index_name, a.attname as column_name
           from pg_index i join pg_class c on c.oid = i.indrelid join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
           where i.indisunique and c.relnamespace = current_schema()::regnamespace`;
    const keys = await db.database.all<{ table_name: string; column_name: string }>(text);
    const others = keys.filter(({ column_name }) => column_name !== 'tenant_id');
    assert.ok(keys.length - others.length >= 10);
    assert.deepEqual([...new Set(others.map(({ table_name }) => table_name))].sort(), [
      'api_keys',
      'number_directory',
      'operator_keys',
      'prices',
      'processes',
      'schema_versions',
      'tenants',
    ]);
    await db.close();
  });

  test('lanes keep their rows and their work when their key changes', async () => {
    const db = await open({ migrated: false });
    await migrate(db.database, 1, before(6));
    const lane = { tenantId: 'tenant-a', numberId: 7 };
    await db.database.transact(async tx => {
      await createLane(tx, lane, 80);
      await markDue(tx, lane, 5_000);
    });
    assert.deepEqual(await migrate(db.database, 2, before(7)), ['lanes-by-tenant']);
    assert.deepEqual(
      (await db.database.all('select tenant_id, number_id, per_second, due_at from lanes')).map(row => ({
        ...row,
      })),
      [{ tenant_id: 'tenant-a', number_id: 7, per_second: 80, due_at: 5_000 }],
    );
    await db.close();
  });

  if (engine === 'sqlite') return;

  const lanesByTenant = readMigrations().find(({ version }) => version === 6)!;

  test('a pace that is taken while its table is replaced is not lost', async () => {
    const db = await open({ migrated: false });
    await migrate(db.database, 1, before(6));
    const lane = { tenantId: 'tenant-a', numberId: 7 };
    await db.database.transact(tx => createLane(tx, lane, 80));
    const other = db.reopen();
    let taken = 0;
    let done = false;
    const taking = (async () => {
      for (let nowMs = 1_000; !done || taken < 50; nowMs += 1_000) {
        // As the version before 0006 took a moment.
        const rows = await other.transact(tx =>
          tx.all(
            `update lanes set next_us = (case when next_us > $3 then next_us else $3 end) + 10000
             where number_id = $1 and tenant_id = $2 returning next_us`,
            [lane.numberId, lane.tenantId, nowMs * 1000],
          ),
        );
        taken += rows.length;
      }
    })();
    await until(async () => taken > 20);
    await migrate(db.database, 2, [...before(6), lanesByTenant]);
    done = true;
    await taking;
    const [row] = await db.database.all<{ next_us: number }>('select next_us from lanes');
    // Each taking is a second after the one before: the last of them is what the row must know.
    assert.equal(Math.floor(row!.next_us / 1_000_000), taken);
    await db.close();
  });

  test('behind a long transaction it steps aside, and goes on when that ends', async () => {
    const db = await open({ migrated: false });
    await migrate(db.database, 1, before(6));
    const lane = { tenantId: 'tenant-a', numberId: 7 };
    await db.database.transact(tx => createLane(tx, lane, 80));
    const long = db.reopen();
    const worker = db.reopen();
    let migrated: Promise<string[]> | undefined;
    await long.transact(async tx => {
      await tx.all(`select per_second from lanes where tenant_id = 'tenant-a'`);
      migrated = migrate(db.database, 2, [...before(6), lanesByTenant], {
        ...{ lockWaitMs: 100, attempts: 100, pauseMs: 100 },
      });
      await until(async () => {
        const waiting = await worker.all(
          `select 1 as one from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return waiting.length > 0;
      });
      // Comes behind the migration in the queue; if that did not step aside, both would wait for us, for ever.
      await worker.transact(work => markDue(work, lane, 1));
    });
    assert.deepEqual(await migrated, ['lanes-by-tenant']);
    await db.close();
  });

  test('when the lock is never to be had, it says who to look for and leaves everything as it was', async () => {
    const db = await open({ migrated: false });
    await migrate(db.database, 1, before(6));
    const long = db.reopen();
    await long.transact(async tx => {
      await tx.all(`select per_second from lanes where tenant_id = 'tenant-a'`);
      await assert.rejects(
        migrate(db.database, 2, [...before(6), lanesByTenant], { lockWaitMs: 20, attempts: 3, pauseMs: 20 }),
        /did not get the lock of its table in 3 attempts.*nothing was changed.*pg_stat_activity/,
      );
    });
    assert.deepEqual(await migrate(db.database, 2, before(7)), ['lanes-by-tenant']);
    await db.close();
  });

  test('on Citus every table has its place, by its keys alone', async () => {
    const db = await open();
    assert.equal(await hasCitus(db.database), false);
    const places = Object.groupBy(await plannedPlacements(db.database), ({ place }) => place);
    const names = (place: keyof typeof places) => places[place]?.map(({ table }) => table);
    assert.deepEqual(names('reference'), ['api_keys', 'number_directory']);
    assert.deepEqual(names('coordinator'), [
      'operator_keys',
      'prices',
      'processes',
      'schema_versions',
      'tenants',
    ]);
    for (const table of ['messages', 'tries', 'lanes', 'numbers', 'incoming', 'windows'])
      assert.ok(names('distributed')?.includes(table), table);

    const added: Migration = {
      version: 9_999,
      name: 'a-table',
      statements: [
        'create table added (tenant_id text not null, id text not null unique, primary key (tenant_id, id))',
      ],
    };
    await migrate(db.database, 2, [...readMigrations(), added]);
    await assert.rejects(
      plannedPlacements(db.database),
      /added cannot be distributed by tenant: added_id_key is unique without tenant_id/,
    );
    await db.close();
  });
});
