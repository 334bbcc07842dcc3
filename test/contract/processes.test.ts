/** What several processes on one database do to each other's claims. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { createFeed } from '../../gateway/messages/feed.ts';
import { openJournal } from '../../gateway/messages/journal.ts';
import { closeLanes, createLane, markSweep, openLanes } from '../../gateway/messages/pace.ts';
import { createPresence, type Presence } from '../../gateway/messages/presence.ts';
import { createSweeper } from '../../gateway/messages/sweeper.ts';
import { createLog } from '../../gateway/platform/log.ts';
import { announceChanges } from '../harness/announcing.ts';
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
      announce: announceChanges(() => 10_000),
      log,
      settled: () => undefined,
      now: () => 10_000,
      uncertainMs: 1_000,
      everyMs: 1_000,
    });
    await db.database.transact(tx => markSweep(tx, lane, 5_000));
    let sweeping: Promise<void> | undefined;
    await db.database.transact(async tx => {
      await openLanes(tx, lane.tenantId, [lane.numberId], 10_000);
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
      const { tenantId, numberId } = lane;
      await closeLanes(tx, tenantId, [{ numberId, nextUs: 0, dueAt: null, sweepAt: 20_000 }]);
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

  describe('silence', { skip: engine === 'sqlite' && 'the embedded database has one process' }, () => {
    let clock: number;
    let looking: Presence;
    const start = async () => {
      clock = 1_000;
      looking = createPresence({
        ...{ database: db.database, log, dataFolder: folder, processId: 'looking', pid: process.pid },
        now: () => clock,
        beatEveryMs: 20,
        takeOver: async () => undefined,
      });
      // A process that runs (the one that started us) on this machine, and does not beat.
      await db.database.transact(tx =>
        tx.all(
          `insert into processes (id, place, pid, beat, started_at) values ('silent', 'elsewhere', $1, 0, 1)`,
          [process.ppid],
        ),
      );
      await looking.start();
      await db.database.transact(tx =>
        tx.all(
          `update processes set place = (select place from processes where id = 'looking') where id = 'silent'`,
        ),
      );
    };
    afterEach(() => looking.stop());
    const beatOf = async (id: string) =>
      (await db.database.all<{ beat: number }>('select beat from processes where id = $1', [id]))[0]?.beat;

    test('of a while is death, and keeps the journal, for a stalled process goes on writing there', async () => {
      const stalled = openJournal(folder, 'silent');
      await start();
      await until(async () => (await beatOf('silent')) === undefined);
      assert.ok(existsSync(join(folder, 'journals', 'silent')));
      stalled.close();
    });

    for (const [direction, stepMs] of [
      ['forward', 3_600_000],
      ['backward', -3_600_000],
    ] as const) {
      test(`is not what a clock set ${direction} looks like`, async () => {
        await start();
        clock += stepMs;
        // Each look follows a beat: at the second beat the first look is over.
        await until(async () => (await beatOf('looking'))! >= 2);
        assert.equal(await beatOf('silent'), 0);
        // And death is seen all the same.
        await until(async () => (await beatOf('silent')) === undefined);
      });
    }
  });
});
