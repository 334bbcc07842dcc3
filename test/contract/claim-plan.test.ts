/** A claim reads about as many rows as it takes, however many wait, and whatever PostgreSQL believes about their number. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { claimMessages, expireMessages, insertMessages } from '../../gateway/messages/queue.ts';
import type { Tx } from '../../gateway/platform/database.ts';
import { createLog } from '../../gateway/platform/log.ts';
import { createStatistics } from '../../gateway/platform/statistics.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';
import { newMessage } from '../harness/new-message.ts';
import { rowsReadOf } from '../harness/rows-read.ts';
import { until } from '../harness/tenant.ts';

const tenantId = 'tenant-a';
const numbers = [7, 8, 9];
const waitingOfEach = 1_000;
const limit = 5;
const asks = numbers.map(numberId => ({ numberId, limit, bulk: true }));

onEachEngine((engine, open) => {
  if (engine === 'sqlite') return;

  let db: TestDatabase;
  beforeEach(async () => {
    db = await open();
    // It would come between at a time of its own.
    await db.database.all('alter table messages set (autovacuum_enabled = off)');
  });
  afterEach(() => db.close());

  async function fill(): Promise<void> {
    await db.database.transact(async tx => {
      for (const numberId of numbers) {
        const messages = Array.from({ length: waitingOfEach }, (_, i) =>
          newMessage({ tenantId, numberId, priority: i % 2, dueAt: 1_000, expiresAt: 9_000 + i }),
        );
        await insertMessages(
          tx,
          tenantId,
          messages.map(message => ({ message, claim: null })),
        );
      }
    });
  }

  async function rowsRead<T>(work: (tx: Tx) => Promise<T>): Promise<{ result: T; rows: number }> {
    let result: T | undefined;
    const rows = await rowsReadOf(db.database, 'messages', async tx => {
      result = await work(tx);
    });
    return { result: result!, rows };
  }

  const claim = (now: number) =>
    rowsRead(tx => claimMessages(tx, tenantId, asks, now, { by: 'me', until: 9e6 }));
  const headRows = numbers.length * 2 * (limit + 1);

  for (const [when, analyze] of [
    ['was never analyzed', []],
    ['was analyzed while it was empty', ['analyze messages']],
  ] as const) {
    test(`the heads of the queues are found when the table ${when}`, async () => {
      for (const text of analyze) await db.database.all(text);
      await fill();
      const { result, rows } = await claim(500);
      assert.ok([...result.values()].every(({ nextDueAt }) => nextDueAt === 1_000));
      assert.ok(rows <= headRows, `${rows} rows read`);
    });
  }

  test('what is claimed is found by its key once PostgreSQL has looked at the table, which it is told to do in time', async () => {
    await fill();
    const statistics = createStatistics({ database: db.database, log: createLog('silent', null) });
    await until(async () => (await statistics.look()).includes('messages'));
    const { result, rows } = await claim(2_000);
    assert.ok([...result.values()].every(({ claimed }) => claimed.length === limit));
    // Each that is taken counts twice: in the index, and as the row that it leads to.
    assert.ok(rows <= headRows + 2 * numbers.length * limit, `${rows} rows read`);
    // Of the ten, those that the claim left.
    const expired = await rowsRead(tx => expireMessages(tx, { tenantId, numberId: 7 }, 9_009, 100));
    assert.ok(expired.result.length >= 10 - limit);
    assert.ok(expired.rows <= 20 + limit, `${expired.rows} rows read`);
  });
});
