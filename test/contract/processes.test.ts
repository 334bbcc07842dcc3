/** What several processes on one database do to each other's claims. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { createFeed } from '../../gateway/messages/feed.ts';
import { closeLane, createLane, markSweep, openLane } from '../../gateway/messages/pace.ts';
import { createPresence, type PresenceDeps } from '../../gateway/messages/presence.ts';
import { createSweeper } from '../../gateway/messages/sweeper.ts';
import { createLog } from '../../gateway/platform/log.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';
import { until } from '../harness/tenant.ts';

const lane = { tenantId: 'tenant-a', numberId: 7 };
const log = createLog('silent', null);

onEachEngine((engine, open) => {
  let db: TestDatabase;
  let folder: string;
  beforeEach(async () => {
    db = await open();
    folder = mkdtempSync(join(tmpdir(), 'wagate-processes-'));
    await db.database.transact(tx => createLane(tx, lane, 80));
  });
  afterEach(async () => {
    await db.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('a claim that commits while its lane is swept is looked after', async () => {
    const sweeper = createSweeper({
      database: db.reopen(),
      feed: createFeed(),
      log,
      settled: () => undefined,
      now: () => 10_000,
      uncertainMs: 1_000,
      everyMs: 1_000,
    });
    await db.database.transact(tx => markSweep(tx, lane, 5_000));
    let sweeping: Promise<void> | undefined;
    await db.database.transact(async tx => {
      await openLane(tx, lane, 10_000);
      // The embedded engine has one process, whose transactions come one after the other.
      if (engine === 'postgres') {
        sweeping = sweeper.sweep();
        await until(async () => (await waitingForLock()) > 0);
      }
      await tx.all(
        `insert into messages (tenant_id, id, number_id, key_id, dialect, type, recipient_kind, recipient, endpoint, body,
           priority, fake, status, rank, due_at, expires_at, claimed_by, claimed_until, tries, created_at)
         values ($1, 'm', $2, 'k', 'native', 'text', 'phone', '90', 'messages', '{}', 0, 0, 'sending', 10, 1, 99999, 'p', 20000, 1, 1)`,
        [lane.tenantId, lane.numberId],
      );
      await closeLane(tx, lane, 0, 20_000);
    });
    await (sweeping ?? sweeper.sweep());
    const rows = await db.database.all<{ sweep_at: number }>('select sweep_at from lanes');
    assert.deepEqual(
      rows.map(row => row.sweep_at),
      [20_000],
    );
  });

  async function waitingForLock(): Promise<number> {
    const rows = await db.database.all(
      `select 1 as one from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rows.length;
  }

  // The embedded database has one process at a time: who is not us is gone.
  const onlyPostgres = engine === 'postgres' ? test : () => undefined;
  onlyPostgres(
    'a process that was silent for a while keeps its journal, for it goes on writing there',
    async () => {
      let clock = 1_000;
      const buried: PresenceDeps['takeOver'] = async () => undefined;
      const process_ = (processId: string, pid: number) =>
        createPresence({
          database: db.database,
          log,
          dataFolder: folder,
          processId,
          pid,
          now: () => clock,
          takeOver: buried,
        });
      const isKnown = async (id: string) =>
        (await db.database.all('select id from processes where id = $1', [id])).length > 0;
      // Stalled: its process runs (the one that started us), and it does not beat.
      const stalled = process_('stalled', process.ppid);
      await db.database.transact(tx =>
        tx.all(
          `insert into processes (id, place, pid, beat, started_at) values ('stalled', 'elsewhere', $1, 0, 1)`,
          [process.ppid],
        ),
      );
      const other = process_('other', process.pid);
      await other.start();
      await db.database.transact(tx =>
        tx.all(
          `update processes set place = (select place from processes where id = 'other') where id = 'stalled'`,
        ),
      );
      clock += 7_000;
      await until(async () => !(await isKnown('stalled')));
      await other.stop();
      assert.ok(existsSync(join(folder, 'journals', 'stalled')));
      stalled.journal.close();
    },
  );
});
