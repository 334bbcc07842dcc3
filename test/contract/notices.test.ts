/** What processes on one PostgreSQL tell each other. All polls are off or far away here: what is seen came by notice. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Change } from '../../gateway/messages/feed.ts';
import { createFeed } from '../../gateway/messages/feed.ts';
import { createLane } from '../../gateway/messages/pace.ts';
import { insertMessages } from '../../gateway/messages/queue.ts';
import { createRelay } from '../../gateway/messages/relay.ts';
import { createWaiters } from '../../gateway/messages/waiters.ts';
import { watchRows } from '../../gateway/messages/waiters-of-others.ts';
import type { Database } from '../../gateway/platform/database.ts';
import { createLog } from '../../gateway/platform/log.ts';
import { createNotices, noticeMaxBytes } from '../../gateway/platform/notices.ts';
import { openPostgres } from '../../gateway/platform/postgres.ts';
import { createSeal } from '../../gateway/platform/seal.ts';
import { createNumberBook, sealSecrets } from '../../gateway/tenants/number-book.ts';
import { insertNumber } from '../../gateway/tenants/numbers.ts';
import { newPostgresDatabase } from '../harness/engines.ts';
import { newMessage } from '../harness/new-message.ts';
import { until } from '../harness/tenant.ts';

const skip = process.env.WAGATE_TEST_POSTGRES === undefined && 'no PostgreSQL server program found';
const log = createLog('silent', null);
const hourMs = 3_600_000;
const tenantId = 'tenant-a';

describe('notices', { skip }, () => {
  let url: string;
  let closing: (() => unknown)[];

  beforeEach(async () => {
    url = await newPostgresDatabase({ migrated: true });
    closing = [];
  });
  afterEach(async () => {
    for (const close of closing.reverse()) await close();
  });

  /** What a process has of notices, made of its own parts. */
  async function newProcess(processId: string) {
    const database = openPostgres({ url, connections: 2, onError: () => undefined });
    const notices = createNotices({ database, databaseUrl: url, listenUrl: null, processId, log });
    const feed = createFeed();
    const waiters = createWaiters();
    const rows = watchRows(database, waiters, log, hourMs);
    const now = () => Date.now();
    const relay = createRelay({ notices, feed, waiters, rows, log, now, answerTimeoutMs: 10_000 });
    let connections = 0;
    notices.whenConnected(() => connections++);
    notices.start();
    closing.push(() => database.close(), rows.stop, relay.stop, notices.stop);
    await until(async () => connections === 1);
    return { database, notices, feed, waiters, relay, connections: () => connections };
  }

  const change = (id: string, overrides: Partial<Change> = {}): Change => ({
    ...{ tenantId, id, status: 'delivered', at: 1_000 },
    ...overrides,
  });

  test('a watcher sees what another process changes, of its tenant only', async () => {
    const [a, b] = [await newProcess('a'), await newProcess('b')];
    const seen: Change[] = [];
    const ours: Change[] = [];
    a.feed.watch({ tenantId, madeBy: 'anyone' }, changes => seen.push(...changes));
    a.feed.watch({ tenantId: null, madeBy: 'us' }, changes => ours.push(...changes));
    // The interest travels first; until then nobody has asked.
    await until(async () => {
      b.feed.publish([change('asked?')]);
      return seen.length > 0;
    });
    b.feed.publish([
      change('of another', { tenantId: 'tenant-b' }),
      change('refused', { status: 'failed', reason: '131026 Message undeliverable: ü' }),
    ]);
    await until(async () => seen.some(({ id }) => id === 'refused'));
    assert.deepEqual(
      seen.find(({ id }) => id === 'refused'),
      change('refused', { status: 'failed', reason: '131026 Message undeliverable: ü' }),
    );
    assert.ok(seen.every(one => one.tenantId === tenantId));
    assert.deepEqual(ours, []);
    // Nothing goes back and forth: what was heard is not told again.
    const before = seen.length;
    a.feed.publish([change('of a')]);
    b.feed.publish([change('last')]);
    await until(async () => seen.some(({ id }) => id === 'last'));
    assert.equal(seen.length, before + 2);
  });

  test('a process that starts later learns what is watched', async () => {
    const a = await newProcess('a');
    const seen: Change[] = [];
    a.feed.watch({ tenantId: null, madeBy: 'anyone' }, changes => seen.push(...changes));
    const b = await newProcess('b');
    await until(async () => {
      b.feed.publish([change('m')]);
      return seen.length > 0;
    });
  });

  test('more than one notice holds arrives whole and in order', async () => {
    const [a, b] = [await newProcess('a'), await newProcess('b')];
    const seen: string[] = [];
    a.feed.watch({ tenantId, madeBy: 'anyone' }, changes => seen.push(...changes.map(({ id }) => id)));
    await until(async () => {
      b.feed.publish([change('first')]);
      return seen.length > 0;
    });
    const ids = Array.from({ length: 2_000 }, (_, i) => `message-${i}`);
    b.feed.publish(ids.map(id => change(id, { reason: 'ü'.repeat(500) })));
    await until(async () => seen.at(-1) === ids.at(-1));
    assert.deepEqual(
      seen.filter(id => id !== 'first'),
      ids,
    );
  });

  test('a caller hears at once that another process has settled its message', async () => {
    const [a, b] = [await newProcess('a'), await newProcess('b')];
    const message = newMessage({ tenantId });
    await a.database.transact(async tx => {
      await createLane(tx, message, 80);
      await insertMessages(tx, tenantId, [{ message, claim: null }]);
    });
    const settled = a.waiters.wait(tenantId, message.id, 10_000);
    const answered = settled.then(() => true);
    a.feed.publish([change(message.id, { status: 'queued' })]);
    await b.database.transact(tx =>
      tx.all(
        `update messages set status = 'accepted', rank = 30, wamid = 'wamid.1' where tenant_id = $1 and id = $2`,
        [tenantId, message.id],
      ),
    );
    let isAnswered = false;
    void answered.then(() => (isAnswered = true));
    await until(async () => {
      b.feed.publish([change(message.id, { status: 'accepted' })]);
      return isAnswered;
    });
    assert.equal((await settled)?.wamid, 'wamid.1');
  });

  test('a message that this process sends itself is asked of nobody', async () => {
    const [a, b] = [await newProcess('a'), await newProcess('b')];
    const asked: unknown[] = [];
    b.notices.hear('interest', body => asked.push(body));
    const waits = ['own', 'queued'].map(id => a.waiters.wait(tenantId, id, 10_000));
    a.feed.publish([change('own', { status: 'queued' }), change('queued', { status: 'queued' })]);
    a.relay.taken(['own']);
    await until(async () => asked.length > 0);
    assert.deepEqual(asked, [{ in: ['queued'], forMs: 10_000 }]);
    for (const id of ['own', 'queued'])
      a.waiters.resolve({
        tenantId,
        id,
        status: 'accepted',
        wamid: null,
        answer: null,
        waId: null,
        error: null,
        reason: null,
      });
    await Promise.all(waits);
  });

  test('a number that one process disconnects is disconnected in the other at once', async () => {
    const [a, b] = [await newProcess('a'), await newProcess('b')];
    const seal = createSeal(randomBytes(32));
    // A clock that stands: nothing that is kept gets old.
    const book = ({ database, notices }: { database: Database; notices: typeof a.notices }) =>
      createNumberBook({ database, notices, seal, log, now: () => 1_000 });
    const [bookOfA, bookOfB] = [book(a), book(b)];
    await a.database.transact(async tx => {
      await insertNumber(tx, {
        ...{
          tenantId,
          id: 7,
          phoneNumberId: '1',
          wabaId: '2',
          displayNumber: '15550000000',
          verifiedName: 'A',
        },
        ...{ status: 'connected', statusReason: null, createdAt: 1, updatedAt: 1 },
        ...{ windowPolicy: 'check', listeningSince: null, quality: null, messagingLimit: null },
        sealed: sealSecrets(seal, 7, { accessToken: 't', appSecret: 's', verifyToken: 'v' }),
      });
      await createLane(tx, { tenantId, numberId: 7 }, 80);
    });
    assert.equal((await bookOfA.byId(7))?.status, 'connected');
    await bookOfB.disconnect(tenantId, 7, 'the token ended');
    await until(async () => (await bookOfA.byId(7))?.status === 'disconnected');
  });

  test('a connection that is killed comes back, and what is told then arrives', async () => {
    const [a, b] = [await newProcess('a'), await newProcess('b')];
    const heard: unknown[] = [];
    a.notices.hear('test', body => heard.push(body));
    await b.database.all(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'wagate notices'`,
    );
    await until(async () => a.connections() === 2 && b.connections() === 2);
    assert.equal(b.notices.tell('test', { n: 1 }), true);
    await until(async () => heard.length > 0);
    assert.deepEqual(heard, [{ n: 1 }]);
  });

  test('a flood is bounded: what does not fit is refused at once', async () => {
    const a = await newProcess('a');
    assert.equal(a.notices.tell('test', 'x'.repeat(noticeMaxBytes)), false);
    const told = Array.from({ length: 2_000 }, (_, i) => a.notices.tell('test', i));
    assert.equal(told.filter(taken => taken).length, 500);
  });

  test('what no process of ours has written is passed over', async () => {
    const a = await newProcess('a');
    const seen: Change[] = [];
    a.feed.watch({ tenantId: null, madeBy: 'anyone' }, changes => seen.push(...changes));
    const tell = (payload: string) => a.database.all('select pg_notify($1, $2)', ['wagate', payload]);
    await tell('not JSON');
    await tell('null');
    await tell(
      '{"from":"x","notices":[1,["changes"],["changes",{"tenantId":"t","changes":[1,["m","eaten",1]]}]]}',
    );
    await tell('{"from":"x","notices":[["interest",{"in":[{}],"forMs":1}],["later",{}]]}');
    await tell('{"from":"x","notices":[["changes",{"tenantId":"t","changes":[["m","read",1]]}]]}');
    await until(async () => seen.length > 0);
    assert.deepEqual(seen, [{ tenantId: 't', id: 'm', status: 'read', at: 1 }]);
  });
});
