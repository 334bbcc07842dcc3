/** Order per conversation, and several processes: an endpoint goes from one that is dead or stalled to one that is alive. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import type { Endpoint } from '../../gateway/tenants/endpoints.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';
import { first, hang, type Receiver, reset, startReceiver } from '../harness/hostile-receiver.ts';
import {
  addEndpoint,
  attemptsOf,
  draft,
  type Process,
  startProcess,
  tell,
  tenantId,
} from '../harness/notifying.ts';
import { until } from '../harness/tenant.ts';

const start = Date.now();

onEachEngine((engine, open) => {
  let db: TestDatabase;
  let receiver: Receiver;
  let running: Process[];
  let now: number;
  beforeEach(async () => {
    db = await open();
    receiver = await startReceiver();
    running = [];
    now = start;
  });
  afterEach(async () => {
    for (const one of running) await one.stop();
    await receiver.close();
    await db.close();
  });
  const run = async (database = db.database) => {
    const one = await startProcess(database, {
      now: () => now,
      timeoutMs: 60_000,
      disableAfterMs: Number.POSITIVE_INFINITY,
    });
    running.push(one);
    return one;
  };

  test('whatever fails, each conversation comes in order, and everything comes', async () => {
    const { notifier } = await run();
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 12 }),
        fc.array(fc.constantFrom(200, 200, 500, 0), { minLength: 1, maxLength: 20 }),
        async (people, outcomes) => {
          const path = `/${++round}`;
          receiver.behave(path, (response, n, received) => {
            // Most of what fails is tried again with success.
            const outcome = outcomes[n - 1] ?? 200;
            if (outcome === 0) reset(response, n, received);
            else response.writeHead(outcome).end();
          });
          const endpoint = await addEndpoint(db.database, receiver.url + path, { ordered: true });
          const ids = await db.database.transact(tx =>
            tell(
              tx,
              [endpoint],
              people.map(person => draft({ person, data: { text: person } })),
              now,
            ),
          );
          await until(async () => {
            // Retries and rests are over at once; whoever sleeps through them by the real clock is told.
            now += 3_600_000;
            notifier.wake([{ tenantId, endpointId: endpoint.id }]);
            const last = new Map(
              (await attemptsOf(db.database, endpoint)).map(one => [one.eventId, one.state]),
            );
            return [...last.values()].every(state => state === 'delivered' || state === 'given_up');
          });
          const attempts = await attemptsOf(db.database, endpoint);
          const posts = receiver.to(path).map(({ headers }) => String(headers['webhook-id']));
          assert.deepEqual(new Set(posts), new Set(ids));
          for (const person of ['a', 'b', 'c']) {
            const own = ids.filter((_, i) => people[i] === person);
            const came = posts.filter(id => own.includes(id));
            assert.deepEqual(came, came.toSorted(), 'an event came before one that stands before it');
          }
          assert.ok(attempts.length >= ids.length);
        },
      ),
      { numRuns: 12 },
    );
  });

  test('a conversation whose first comes late, and one that is long', async () => {
    const endpoint = await addEndpoint(db.database, `${receiver.url}/a`, { ordered: true });
    const ids = await db.database.transact(tx =>
      tell(
        tx,
        [endpoint],
        Array.from({ length: 150 }, () => draft({ person: 'p' })),
        now,
      ),
    );
    const [other] = await db.database.transact(tx => tell(tx, [endpoint], [draft({ person: 'q' })], now));
    // As if the first had failed and come back: it became due after all that stands behind it.
    await db.database.transact(tx =>
      tx.all('update attempts set due_at = $3 where tenant_id = $1 and event_id = $2', [
        tenantId,
        ids[0]!,
        now + 1,
      ]),
    );
    now += 1;
    await run();
    await receiver.count('/a', 151);
    const came = receiver.to('/a').map(({ headers }) => headers['webhook-id']);
    assert.deepEqual(
      came.filter(id => id !== other),
      ids,
    );
    // The other one did not wait for the end of the long one.
    assert.ok(came.indexOf(other!) < 150);
  });

  test('what a dead process held is posted by another, at once', {
    skip: engine === 'sqlite' && 'one process',
  }, async () => {
    receiver.behave('/a', first(2, hang));
    const endpoint = await addEndpoint(db.database, `${receiver.url}/a`);
    await db.database.transact(tx => tell(tx, [endpoint], [draft(), draft()], now));
    const one = await run(db.reopen());
    await receiver.count('/a', 2);
    const two = await run(db.reopen());
    const held = async () =>
      (
        await db.database.all<{ held_by: string | null }>(
          'select held_by from endpoint_states where tenant_id = $1 and endpoint_id = $2',
          [tenantId, endpoint.id],
        )
      )[0]!.held_by;
    assert.equal(await held(), one.id);
    // As the others bury a process of which they hear nothing; it is stalled, in truth, and wakes up soon.
    await db.database.transact(tx => tx.all('delete from processes where id = $1', [one.id]));
    await receiver.count('/a', 4);
    await until(async () =>
      (await attemptsOf(db.database, endpoint)).every(({ state }) => state === 'delivered'),
    );
    const ids = receiver.to('/a').map(({ headers }) => headers['webhook-id']);
    assert.deepEqual(new Set(ids.slice(0, 2)), new Set(ids.slice(2)));
    assert.equal((await held()) === one.id, false);
    // Who was buried posts nothing it does not hold.
    await db.database.transact(tx => tell(tx, [endpoint], [draft()], now));
    two.notifier.wake([{ tenantId, endpointId: endpoint.id }]);
    await until(async () =>
      (await attemptsOf(db.database, endpoint)).every(({ state }) => state === 'delivered'),
    );
    assert.equal(receiver.to('/a').length, 5);
  });

  test('two processes share many endpoints, and nothing is posted twice', {
    skip: engine === 'sqlite' && 'one process',
  }, async () => {
    const endpoints: Endpoint[] = [];
    for (let n = 0; n < 10; n++) endpoints.push(await addEndpoint(db.database, `${receiver.url}/${n}`));
    await run(db.reopen());
    await run(db.reopen());
    for (let round = 0; round < 5; round++) {
      await db.database.transact(tx =>
        tell(
          tx,
          endpoints,
          Array.from({ length: 20 }, () => draft()),
          now,
        ),
      );
      for (const one of running) one.notifier.wake(endpoints.map(({ id }) => ({ tenantId, endpointId: id })));
    }
    for (let n = 0; n < 10; n++) await receiver.count(`/${n}`, 100);
    for (const endpoint of endpoints)
      await until(async () =>
        (await attemptsOf(db.database, endpoint)).every(({ state }) => state === 'delivered'),
      );
    assert.equal(receiver.received.length, 1_000);
    assert.equal(
      new Set(receiver.received.map(({ path, headers }) => path + String(headers['webhook-id']))).size,
      1_000,
    );
  });
});
