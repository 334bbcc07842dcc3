/** What is due at an endpoint is read and settled by key, also of a new tenant as soon as PostgreSQL has looked, which it is told to do in time. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Tx } from '../../gateway/platform/database.ts';
import { createLog } from '../../gateway/platform/log.ts';
import { createStatistics } from '../../gateway/platform/statistics.ts';
import { dueAttempts, fromStart, type Settled, settleAttempts } from '../../gateway/webhooks/attempts.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';
import { fillPlanTenants, planTenants, rowsReadOf } from '../harness/rows-read.ts';
import { until } from '../harness/tenant.ts';

const kept = 3_000;
const pending = 1_000;
const step = 50;

onEachEngine((engine, open) => {
  if (engine === 'sqlite') return;

  let db: TestDatabase;
  beforeEach(async () => {
    db = await open();
    const { database } = db;
    await fillPlanTenants(database, 'events, attempts', async tenantId => {
      // The last of them wait.
      await database.all(
        `insert into events (tenant_id, id, type, at, data)
         select $1, to_char(n, 'FM000000'), 'message.sent', n, '{}' from generate_series(1, ${kept}) n`,
        [tenantId],
      );
      await database.all(
        `insert into attempts (tenant_id, endpoint_id, event_id, n, conversation, state, due_at)
         select $1, 'e', to_char(n, 'FM000000'), 1, '', case when n > ${kept - pending} then 'pending' else 'delivered' end, n
         from generate_series(1, ${kept}) n`,
        [tenantId],
      );
    });
  });
  afterEach(() => db.close());

  const looked = () => createStatistics({ database: db.database, log: createLog('silent', null) }).look();

  test('until then what a new tenant has is read once for a batch, not once for each', async () => {
    const rows = await rowsReadOf(db.database, 'events', tx =>
      dueAttempts(tx, 'new', 'e', fromStart, kept, step),
    );
    assert.ok(rows <= kept, `${rows} rows read`);
  });

  for (const tenantId of planTenants) {
    const due = (tx: Tx) => dueAttempts(tx, tenantId, 'e', fromStart, kept, step);

    for (const table of ['attempts', 'events'])
      test(`${table} that are read of a tenant that is ${tenantId}`, async () => {
        await until(async () => (await looked()).includes(table));
        const rows = await rowsReadOf(db.database, table, async tx => {
          assert.equal((await due(tx)).length, step);
        });
        assert.ok(rows <= 3 * step, `${rows} rows read`);
      });

    test(`attempts that are settled of a tenant that is ${tenantId}`, async () => {
      await until(async () => (await looked()).includes('attempts'));
      const found = await db.database.transact(due);
      const settled = found.map(
        ({ eventId, n }): Settled => ({
          ...{ endpointId: 'e', eventId, n, conversation: '', state: 'delivered', beganAt: 1, tookMs: 1 },
          ...{ httpStatus: 200, problem: null, post: null, headers: '{}', body: '{}' },
          ...{ answerHeaders: null, answer: null, nextAt: null },
        }),
      );
      const rows = await rowsReadOf(db.database, 'attempts', tx => settleAttempts(tx, tenantId, settled));
      assert.ok(rows <= 6 * step, `${rows} rows read`);
    });
  }
});
