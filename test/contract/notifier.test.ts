/** What is posted to customers' endpoints and what becomes of it, on both engines, against a receiver that behaves as receivers do. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import type { EventDraft } from '../../gateway/canonical/event.ts';
import { type Endpoint, findEndpoint } from '../../gateway/tenants/endpoints.ts';
import { endpointState } from '../../gateway/webhooks/states.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';
import {
  answer,
  type Behaviour,
  babble,
  dieMidBody,
  drip,
  first,
  flood,
  hang,
  type Receiver,
  reset,
  startReceiver,
} from '../harness/hostile-receiver.ts';
import {
  addEndpoint,
  attemptsOf,
  draft,
  type Process,
  type ProcessOptions,
  seal,
  startProcess,
  tell,
  tenantId,
} from '../harness/notifying.ts';
import { until } from '../harness/tenant.ts';

// Verifiers of signatures look at their own clock.
const start = Date.now();
const hourMs = 3_600_000;

onEachEngine((_, open) => {
  let db: TestDatabase;
  let receiver: Receiver;
  let running: Process[];
  let now: number;
  let announced: (EventDraft & { tenantId: string })[];
  beforeEach(async () => {
    db = await open();
    receiver = await startReceiver();
    running = [];
    announced = [];
    now = start;
  });
  afterEach(async () => {
    for (const one of running) await one.stop();
    await receiver.close();
    await db.close();
  });

  const run = async (options: Partial<ProcessOptions> = {}) => {
    const one = await startProcess(db.database, { now: () => now, announced, ...options });
    running.push(one);
    return one;
  };
  /** Time goes by. Whoever posts to these sleeps by the real clock, and is told. */
  const pass = (ms: number, ...endpoints: Endpoint[]) => {
    now += ms;
    const keys = endpoints.map(({ id }) => ({ tenantId, endpointId: id }));
    for (const one of running) one.notifier.wake(keys);
  };
  const endpointAt = (path: string, more: Partial<Endpoint> = {}) =>
    addEndpoint(db.database, receiver.url + path, more);
  const send = (endpoint: Endpoint, count = 1, more: Partial<EventDraft> = {}) =>
    db.database.transact(tx =>
      tell(
        tx,
        [endpoint],
        Array.from({ length: count }, () => draft(more)),
        now,
      ),
    );
  /** The attempts of the endpoint once they stand so. */
  const settled = async (endpoint: Endpoint, ...states: string[]) => {
    let attempts = await attemptsOf(db.database, endpoint);
    await until(async () => {
      attempts = await attemptsOf(db.database, endpoint);
      return attempts.map(({ state }) => state).join() === states.join();
    }).catch(error => {
      throw new Error(`${attempts.map(({ state, problem }) => `${state} ${problem}`)}`, { cause: error });
    });
    return attempts;
  };
  const state = (endpoint: Endpoint) => endpointState(db.database, tenantId, endpoint.id);

  describe('what is stored', () => {
    test('of an attempt that delivers: the bytes, the headers without what is secret, the answer', async () => {
      receiver.behave('/a', answer(201, { 'x-their': 'word' }, 'thanks'));
      const endpoint = await endpointAt('/a', { headers: { 'X-Key': 'secret' } });
      const [id] = await send(endpoint);
      await run();
      const [attempt] = await settled(endpoint, 'delivered');
      const [posted] = await receiver.count('/a', 1);
      new Webhook(endpoint.secrets[0]!.secret).verify(
        posted!.body,
        posted!.headers as Record<string, string>,
      );
      assert.equal(posted!.headers['webhook-id'], id);
      assert.match(posted!.headers['user-agent']!, /^Wagate\/\d/);
      assert.equal(posted!.headers['x-key'], 'secret');
      assert.equal(attempt!.body, posted!.body);
      const headers = JSON.parse(attempt!.headers!) as Record<string, string>;
      assert.equal(headers['x-key'], '***');
      assert.equal(headers['webhook-id'], id);
      assert.equal(attempt!.answer, 'thanks');
      assert.equal((JSON.parse(attempt!.answerHeaders!) as Record<string, string>)['x-their'], 'word');
      assert.deepEqual(
        [attempt!.httpStatus, attempt!.problem, attempt!.beganAt, attempt!.nextAt],
        [201, null, start, null],
      );
    });

    test('an answer that no database takes as it is', async () => {
      receiver.behave('/a', response => response.end(Buffer.from([0x61, 0x00, 0xff, 0x62])));
      const endpoint = await endpointAt('/a');
      await send(endpoint);
      await run();
      const [attempt] = await settled(endpoint, 'delivered');
      assert.equal(attempt!.answer, 'a\uFFFD\uFFFDb');
    });

    test('events without words in the format, or aged out, are skipped', async () => {
      const endpoint = await endpointAt('/a', { format: 'meta' });
      await send(endpoint, 1, { type: 'balance.low' });
      const [aged] = await send(endpoint);
      await db.database.transact(tx =>
        tx.all(`update events set data = '' where tenant_id = $1 and id = $2`, [tenantId, aged!]),
      );
      await run();
      const attempts = await settled(endpoint, 'skipped', 'skipped');
      assert.deepEqual(
        attempts.map(({ problem }) => problem),
        ['no-words', 'event-gone'],
      );
      assert.equal(receiver.received.length, 0);
    });
  });

  describe('receivers that fail', () => {
    const failing: [what: string, behaviour: Behaviour, problem: string, httpStatus: number | null][] = [
      ['500', answer(500), 'status', 500],
      ['404', answer(404), 'status', 404],
      ['a redirect, which is not followed', answer(307, { location: '/elsewhere' }), 'redirect', 307],
      ['reset', reset, 'reset', null],
      ['hanging', hang, 'timeout', null],
      ['no HTTP', babble, 'bad-answer', null],
      ['headers without end', answer(200, { long: 'x'.repeat(20_000) }), 'bad-answer', null],
      ['500 that dies mid-body', dieMidBody(500), 'status', 500],
      ['500 that drips', drip(500), 'status', 500],
    ];
    for (const [what, behaviour, problem, httpStatus] of failing) {
      test(`${what}: tried again with the same id, delivered in the end`, async () => {
        receiver.behave('/a', first(1, behaviour));
        const endpoint = await endpointAt('/a');
        await send(endpoint);
        await run({ timeoutMs: 400 });
        const [failed] = await settled(endpoint, 'failed', 'pending');
        assert.deepEqual([failed!.problem, failed!.httpStatus], [problem, httpStatus]);
        assert.equal(failed!.nextAt, now + 5_000);
        assert.equal((await state(endpoint))!.failures, 1);
        pass(5_000, endpoint);
        await settled(endpoint, 'failed', 'delivered');
        const posts = receiver.to('/a');
        assert.equal(posts.length, 2);
        assert.equal(posts[0]!.headers['webhook-id'], posts[1]!.headers['webhook-id']);
        assert.equal(posts[0]!.body, posts[1]!.body);
        assert.equal((await state(endpoint))!.failures, 0);
        assert.equal(receiver.to('/elsewhere').length, 0);
      });
    }

    test('a yes counts, whatever becomes of its body', async () => {
      for (const [path, behaviour] of Object.entries({ a: dieMidBody(200), b: drip(200), c: flood(200) })) {
        receiver.behave(`/${path}`, behaviour);
        const endpoint = await endpointAt(`/${path}`);
        await send(endpoint);
        if (path === 'a') await run({ timeoutMs: 400 });
        const [attempt] = await settled(endpoint, 'delivered');
        assert.ok(attempt!.answer!.length <= 16_384);
      }
      // Whoever drips or floods has lost its connection.
      await until(async () => receiver.connections() === 0);
    });

    test('nobody there, no such name, TLS with who speaks none, an address inside', async () => {
      const gone = await startReceiver();
      await gone.close();
      const targets: [url: string, problem: string][] = [
        [gone.url, 'refused'],
        ['https://no-such-name.invalid/', 'dns'],
        [receiver.url.replace('http:', 'https:'), 'tls'],
        ['https://10.0.0.1/', 'blocked'],
        ['http://8.8.8.8/', 'blocked'],
        ['https://[::ffff:10.0.0.1]/', 'blocked'],
      ];
      const endpoints = [];
      for (const [url] of targets) endpoints.push(await addEndpoint(db.database, url));
      for (const endpoint of endpoints) await send(endpoint);
      await run();
      for (const [i, [, problem]] of targets.entries()) {
        const [attempt] = await settled(endpoints[i]!, 'failed', 'pending');
        assert.equal(attempt!.problem, problem, targets[i]![0]);
      }
    });

    test('429 with Retry-After: neither the event nor another is posted before', async () => {
      receiver.behave('/a', first(1, answer(429, { 'retry-after': '60' })));
      const endpoint = await endpointAt('/a');
      await send(endpoint);
      await run();
      const [failed] = await settled(endpoint, 'failed', 'pending');
      assert.deepEqual([failed!.problem, failed!.nextAt], ['slow-down', now + 60_000]);
      assert.equal((await state(endpoint))!.restsUntil, now + 60_000);
      await send(endpoint);
      now += 59_000;
      const other = await endpointAt('/b');
      await send(other);
      await settled(other, 'delivered');
      assert.equal(receiver.to('/a').length, 1);
      pass(1_000, endpoint);
      await settled(endpoint, 'failed', 'delivered', 'delivered');
    });

    test('410 disables at once; what waits is kept', async () => {
      receiver.behave('/a', first(1, answer(410)));
      const endpoint = await endpointAt('/a');
      await send(endpoint);
      await run();
      const attempts = await settled(endpoint, 'failed', 'pending');
      assert.equal(attempts[0]!.problem, 'gone');
      await send(endpoint);
      const found = await findEndpoint(db.database, seal, tenantId, endpoint.id);
      assert.equal(found!.status, 'disabled');
      assert.match(found!.statusReason!, /410/);
      assert.equal(announced.length, 1);
      assert.deepEqual(announced[0]!.data.endpoint, {
        ...{ id: endpoint.id, url: endpoint.url, reason: found!.statusReason },
      });
      pass(hourMs, endpoint);
      await settled(endpoint, 'failed', 'pending', 'pending');
    });
  });

  describe('an endpoint that fails for long', () => {
    test('gives up an event when its schedule is over, and posts the others', async () => {
      receiver.behave('/a', (response, _, { body }) =>
        response.writeHead(body.includes('bad') ? 500 : 200).end(),
      );
      const endpoint = await endpointAt('/a');
      await send(endpoint, 1, { data: { text: 'bad' } });
      await run();
      for (const [n, seconds] of [5, 300, 1_800].entries()) {
        const attempts = await settled(endpoint, ...Array(n + 1).fill('failed'), 'pending');
        assert.equal(attempts[n]!.nextAt, now + seconds * 1000);
        pass(seconds * 1000, endpoint);
      }
      await settled(endpoint, 'failed', 'failed', 'failed', 'given_up');
      await send(endpoint);
      await settled(endpoint, 'failed', 'failed', 'failed', 'given_up', 'delivered');
    });

    test('rests after five failures, uses up no tries meanwhile, and is flooded with nothing when it is back', async () => {
      receiver.behave('/a', first(6, answer(500)));
      const endpoint = await endpointAt('/a');
      await send(endpoint, 20);
      await run();
      await until(async () => ((await state(endpoint))?.failures ?? 0) === 5);
      assert.equal((await state(endpoint))!.restsUntil, now + 10_000);
      const posted = receiver.to('/a').length;
      assert.ok(posted <= 6, `${posted}`);
      pass(10_000, endpoint);
      // One trial, of which the sixth POST is the end.
      await until(
        async () =>
          (await attemptsOf(db.database, endpoint)).filter(one => one.state === 'delivered').length === 20 ||
          ((await state(endpoint))?.failures ?? 0) === 6,
      );
      pass(20_000, endpoint);
      await until(
        async () =>
          (await attemptsOf(db.database, endpoint)).filter(one => one.state === 'delivered').length === 20,
      );
      assert.equal(receiver.to('/a').length, 26);
      assert.equal((await state(endpoint))!.failures, 0);
      assert.equal(
        (await attemptsOf(db.database, endpoint)).filter(one => one.state === 'pending').length,
        0,
      );
    });

    test('is disabled after days of nothing but failures, with an event; what waits is delivered once it is enabled', async () => {
      receiver.behave('/a', (response, n) => response.writeHead(n <= 6 ? 500 : 200).end());
      const endpoint = await endpointAt('/a');
      await send(endpoint, 10);
      await run();
      await until(async () => ((await state(endpoint))?.failures ?? 0) >= 5);
      const posts = receiver.to('/a').length;
      if (posts < 6) receiver.behave('/a', answer(500));
      pass(121 * hourMs, endpoint);
      const find = async () => (await findEndpoint(db.database, seal, tenantId, endpoint.id))!;
      await until(async () => (await find()).status === 'disabled');
      const since = new Date(start).toISOString();
      assert.equal((await find()).statusReason, `Nothing could be delivered since ${since}.`);
      receiver.behave('/a', answer(200));
      await db.database.transact(async tx => {
        await tx.all(`update endpoints set status = 'active' where tenant_id = $1 and id = $2`, [
          tenantId,
          endpoint.id,
        ]);
        await tx.all('update endpoint_states set rests_until = 0 where tenant_id = $1 and endpoint_id = $2', [
          tenantId,
          endpoint.id,
        ]);
      });
      await until(
        async () =>
          (await attemptsOf(db.database, endpoint)).filter(one => one.state === 'delivered').length === 10,
      );
      assert.equal(announced.length, 1);
    });
  });

  describe('many at once', () => {
    test('several events in one POST, stored with the first', async () => {
      const endpoint = await endpointAt('/a', { format: 'meta', batchMax: 10 });
      const ids = await send(endpoint, 25);
      await run();
      const attempts = await settled(endpoint, ...Array(25).fill('delivered'));
      const posts = receiver.to('/a');
      const changes = posts
        .flatMap(({ body }) => (JSON.parse(body) as { entry: { changes: unknown[] }[] }).entry)
        .flatMap(entry => entry.changes);
      assert.equal(changes.length, 25);
      assert.ok(posts.length < 10, `${posts.length} POSTs`);
      const heads = attempts.filter(({ body }) => body !== null);
      assert.equal(heads.length, posts.length);
      for (const one of attempts) assert.ok(heads.some(head => head.eventId === (one.post ?? one.eventId)));
      assert.deepEqual(new Set(attempts.map(({ eventId }) => eventId)), new Set(ids));
    });

    test('a rate is held', async () => {
      const endpoint = await endpointAt('/a', { perSecond: 100 });
      await send(endpoint, 30);
      const began = performance.now();
      await run();
      await receiver.count('/a', 30);
      // Thirty moments, ten milliseconds apart: sooner is impossible, later is a busy machine.
      assert.ok(performance.now() - began >= 280);
    });

    test('endpoints that hang and that are dead do not hold up one that is well', async () => {
      const gone = await startReceiver();
      await gone.close();
      const bad: Endpoint[] = [];
      for (let n = 0; n < 40; n++) {
        const path = `/hang${n}`;
        receiver.behave(path, hang);
        bad.push(await (n % 2 === 0 ? endpointAt(path) : addEndpoint(db.database, gone.url)));
      }
      for (const one of bad) await send(one, 20);
      const one = await run({ timeoutMs: 60_000 });
      // All of them hang before the first event of the one that is well.
      for (let n = 0; n < 40; n += 2) await receiver.count(`/hang${n}`, 1);
      const well = await endpointAt('/well');
      await send(well, 300);
      one.notifier.wake([{ tenantId, endpointId: well.id }]);
      await receiver.count('/well', 300);
      await settled(well, ...Array(300).fill('delivered'));
      // And nobody of them was answered meanwhile.
      for (let n = 0; n < 40; n += 2) {
        const attempts = await attemptsOf(db.database, bad[n]!);
        assert.equal(attempts.filter(({ state: is }) => is !== 'pending').length, 0);
        assert.ok(receiver.to(`/hang${n}`).length <= 2);
      }
    });
  });

  describe('whoever listens', () => {
    test('gets what is posted to an endpoint without a URL, for as long as it listens', async () => {
      const endpoint = await addEndpoint(db.database, null);
      const [early] = await send(endpoint);
      const one = await run();
      const key = { tenantId, endpointId: endpoint.id };
      one.notifier.wake([key]);
      const heard: string[] = [];
      const leave = one.notifier.listen(key, ({ eventId, headers }) => {
        assert.equal(headers['webhook-id'], eventId);
        heard.push(eventId);
        return true;
      });
      await settled(endpoint, 'delivered');
      const [second] = await send(endpoint);
      one.notifier.wake([key]);
      await settled(endpoint, 'delivered', 'delivered');
      assert.deepEqual(heard, [early, second]);
      leave();
      await send(endpoint);
      one.notifier.wake([key]);
      const other = await endpointAt('/a');
      await send(other);
      await settled(other, 'delivered');
      await settled(endpoint, 'delivered', 'delivered', 'pending');
      // One who cannot take it any more costs nothing: the next one gets it.
      one.notifier.listen(key, () => false);
      one.notifier.listen(key, () => true);
      await settled(endpoint, 'delivered', 'delivered', 'delivered');
    });
  });

  describe('a process that stops', () => {
    test('lets go, and what hung is posted by the next one', async () => {
      receiver.behave('/a', first(2, hang));
      const endpoint = await endpointAt('/a');
      await send(endpoint, 2);
      const one = await run({ timeoutMs: 60_000 });
      await receiver.count('/a', 2);
      running = [];
      await one.stop();
      assert.equal((await state(endpoint))!.heldBy, null);
      await settled(endpoint, 'pending', 'pending');
      await run();
      await settled(endpoint, 'delivered', 'delivered');
      assert.equal((await state(endpoint))!.failures, 0);
    });

    test('paused and disabled endpoints wait, deleted ones end', async () => {
      const paused = await endpointAt('/a', { status: 'paused' });
      const live = await endpointAt('/b');
      await send(paused);
      await send(live);
      const one = await run();
      one.notifier.wake([
        { tenantId, endpointId: paused.id },
        { tenantId, endpointId: 'nobody' },
      ]);
      await settled(live, 'delivered');
      await settled(paused, 'pending');
      await db.database.transact(tx =>
        tx.all(`update endpoints set status = 'active' where tenant_id = $1 and id = $2`, [
          tenantId,
          paused.id,
        ]),
      );
      await settled(paused, 'delivered');
    });
  });
});
