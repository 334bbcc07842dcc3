/** Events and attempts as tables: replay, skipping, counting and listing, and how a reading finds what is due. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { newId } from '../../gateway/canonical/ids.ts';
import { type Endpoint, saveEndpoint } from '../../gateway/tenants/endpoints.ts';
import {
  type AttemptState,
  countAttempts,
  dueAttempts,
  fromStart,
  insertAttempts,
  listAttempts,
  settleAttempts,
} from '../../gateway/webhooks/attempts.ts';
import { findEvent, listEvents } from '../../gateway/webhooks/events.ts';
import { replayAttempts, skipPending } from '../../gateway/webhooks/replay.ts';
import {
  beforeAll,
  dueEndpoints,
  endpointState,
  heldEndpoints,
  releaseEndpoints,
  resetState,
  saveHealth,
  takeEndpoints,
} from '../../gateway/webhooks/states.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';
import { addEndpoint, attemptsOf, draft, seal, tell, tenantId } from '../harness/notifying.ts';

const now = Date.UTC(2026, 0, 1);

onEachEngine((_, open) => {
  let db: TestDatabase;
  let endpoint: Endpoint;
  beforeEach(async () => {
    db = await open();
    endpoint = await addEndpoint(db.database, 'https://example.com/hook', { ordered: true });
  });
  afterEach(() => db.close());

  const transact: TestDatabase['database']['transact'] = work => db.database.transact(work);
  const send = (count: number, person = 'p', dueAt = now) =>
    transact(tx =>
      tell(
        tx,
        [endpoint],
        Array.from({ length: count }, () =>
          draft({ person, numberId: 7, type: 'message.received', messageId: 'm' }),
        ),
        dueAt,
      ),
    );
  const settle = (
    eventId: string,
    n: number,
    state: Exclude<AttemptState, 'pending'>,
    nextAt: number | null = null,
  ) =>
    transact(tx =>
      settleAttempts(tx, tenantId, [
        {
          ...{
            endpointId: endpoint.id,
            eventId,
            n,
            conversation: '7:p',
            state,
            nextAt,
            beganAt: now,
            tookMs: 5,
          },
          ...{
            httpStatus: 500,
            problem: 'status',
            post: null,
            headers: '{}',
            body: 'b',
            answerHeaders: '{}',
          },
          answer: 'a\0\ud800',
        },
      ]),
    );
  const due = (at = now, limit = 100) =>
    dueAttempts(db.database, tenantId, endpoint.id, fromStart, at, limit);
  const states = async () => (await attemptsOf(db.database, endpoint)).map(({ n, state }) => `${n} ${state}`);
  const replay = (which: Parameters<typeof replayAttempts>[3], limit = 100) =>
    transact(tx => replayAttempts(tx, tenantId, endpoint.id, which, now + 1, limit));

  test('a failed attempt is followed by one that is due later, and holds up its conversation alone', async () => {
    const [a, b] = await send(2);
    const [other] = await send(1, 'q');
    assert.deepEqual(
      (await due()).map(({ eventId, behind }) => [eventId, behind]),
      [
        [a, null],
        [b, a],
        [other, null],
      ],
    );
    await settle(a!, 1, 'failed', now + 5_000);
    assert.deepEqual(
      (await due()).map(({ eventId }) => eventId),
      [other],
    );
    const later = await due(now + 5_000);
    assert.deepEqual(
      later.map(({ eventId, n, failures, behind }) => [eventId, n, failures, behind]),
      [
        [b, 1, 0, a],
        [other, 1, 0, null],
        [a, 2, 1, null],
      ],
    );
    // Somebody else has settled it already: nothing is written, and nothing follows.
    await settle(a!, 1, 'failed', now + 9_000);
    await settle(a!, 1, 'delivered');
    assert.deepEqual(await states(), ['1 failed', '2 pending', '1 pending', '1 pending']);
    const [stored] = await attemptsOf(db.database, endpoint);
    assert.deepEqual([stored!.answer, stored!.body, stored!.nextAt], ['a\uFFFD\uFFFD', 'b', now + 5_000]);
  });

  test('a replay begins its schedule anew, repeats nothing that waits, and goes in steps', async () => {
    const ids = await send(4);
    await settle(ids[0]!, 1, 'failed', now);
    await settle(ids[0]!, 2, 'given_up');
    await settle(ids[1]!, 1, 'delivered');
    await settle(ids[2]!, 1, 'given_up');
    assert.deepEqual(await replay({ state: 'given_up' }, 1), { replayed: 1, lastId: ids[0] });
    assert.deepEqual(await replay({ state: 'given_up', afterId: ids[0]! }), { replayed: 1, lastId: null });
    assert.deepEqual(await replay({ state: 'given_up' }), { replayed: 0, lastId: null });
    assert.deepEqual(await states(), [
      ...['1 failed', '2 given_up', '3 pending', '1 delivered', '1 given_up', '2 pending', '1 pending'],
    ]);
    const first = (await due(now + 1)).find(({ eventId }) => eventId === ids[0]);
    assert.deepEqual([first!.n, first!.failures], [3, 0]);
    assert.deepEqual(await replay({ eventId: ids[1]! }), { replayed: 1, lastId: null });
    assert.deepEqual(await replay({ eventId: ids[3]! }), { replayed: 0, lastId: null });
    // Delivered since: not failed any more.
    await settle(ids[2]!, 2, 'delivered');
    assert.deepEqual(await replay({ state: 'given_up', fromId: ids[2]! }), { replayed: 0, lastId: null });
    assert.deepEqual(await replay({ state: 'any', fromId: ids[1]!, toId: ids[2]! }), {
      replayed: 1,
      lastId: null,
    });
  });

  test('skipping', async () => {
    await send(3);
    const skip = () => transact(tx => skipPending(tx, tenantId, endpoint.id, 2));
    assert.deepEqual([await skip(), await skip(), await skip()], [2, 1, 0]);
    assert.deepEqual(await states(), ['1 skipped', '1 skipped', '1 skipped']);
  });

  test('counting and listing', async () => {
    const before = Date.now();
    const ids = await send(3);
    const other = await addEndpoint(db.database, 'https://example.com/other');
    const [shared] = await transact(tx => tell(tx, [endpoint, other], [draft()], now));
    await settle(ids[0]!, 1, 'failed', now + 5);
    await settle(ids[0]!, 2, 'given_up');
    const counts = await countAttempts(db.database, tenantId, endpoint.id);
    assert.deepEqual([counts.pending, counts.givenUp], [3, 1]);
    assert.ok(counts.oldestPendingAt! >= before - 1 && counts.oldestPendingAt! <= Date.now());
    assert.deepEqual(await countAttempts(db.database, tenantId, 'none'), {
      ...{ pending: 0, givenUp: 0, oldestPendingAt: null },
    });
    const list = async (filter: Partial<Parameters<typeof listAttempts>[2]>) =>
      (await listAttempts(db.database, tenantId, { limit: 10, ...filter })).map(one => [one.eventId, one.n]);
    assert.deepEqual(await list({ endpointId: endpoint.id, limit: 2 }), [
      [shared, 1],
      [ids[2], 1],
    ]);
    assert.deepEqual(await list({ endpointId: endpoint.id, before: { eventId: ids[1]!, n: 1 } }), [
      [ids[0], 2],
      [ids[0], 1],
    ]);
    assert.deepEqual(await list({ endpointId: endpoint.id, state: 'given_up' }), [[ids[0], 2]]);
    assert.equal((await list({ eventId: shared! })).length, 2);
    assert.equal((await list({})).length, 6);
    assert.deepEqual(await listAttempts(db.database, 'tenant-b', { limit: 10 }), []);
  });

  test('events are found by what they are about', async () => {
    const ids = await send(3);
    await transact(tx => tell(tx, [], [draft({ data: { text: 'nul \0 and half \ud800' } })], now));
    const [odd] = await listEvents(db.database, tenantId, { type: 'endpoint.test' }, undefined, 10);
    assert.equal((odd!.data.text as string).slice(0, 4), 'nul ');
    const found = await listEvents(db.database, tenantId, { person: 'p' }, ids[2], 1);
    assert.deepEqual(
      found.map(({ id }) => id),
      [ids[1]],
    );
    assert.equal(
      (await listEvents(db.database, tenantId, { since: Date.now() + 1_000 }, undefined, 9)).length,
      0,
    );
    assert.equal(
      (await listEvents(db.database, tenantId, { until: Date.now() + 1_000 }, undefined, 9)).length,
      4,
    );
    assert.equal((await findEvent(db.database, tenantId, ids[0]!))!.type, 'message.received');
    assert.equal(await findEvent(db.database, 'tenant-b', ids[0]!), undefined);
    await transact(tx => tx.all(`update events set data = '', meta = '' where tenant_id = $1`, [tenantId]));
    assert.deepEqual((await findEvent(db.database, tenantId, ids[0]!))!.data, {});
  });

  test('an endpoint is held by one living process at a time', async () => {
    await transact(async tx => {
      for (const id of ['p1', 'p2'])
        await tx.all(`insert into processes (id, place, pid, beat, started_at) values ($1, '', 1, 0, 0)`, [
          id,
        ]);
    });
    const key = { tenantId, endpointId: endpoint.id };
    const take = async (processId: string, at = now) =>
      (await transact(tx => takeEndpoints(tx, processId, [{ ...key, listens: false }], at))).length;
    await send(1);
    assert.deepEqual((await dueEndpoints(db.database, beforeAll, now)).due, [key]);
    assert.deepEqual((await dueEndpoints(db.database, beforeAll, now - 1)).due, []);
    assert.equal(await take('unknown'), 0);
    assert.deepEqual([await take('p1'), await take('p1'), await take('p2')], [1, 1, 0]);
    assert.deepEqual((await dueEndpoints(db.database, beforeAll, now)).due, []);
    assert.deepEqual(await heldEndpoints(db.database, 'p1'), [key]);
    await transact(tx => tx.all('delete from processes where id = $1', ['p1']));
    assert.deepEqual(await heldEndpoints(db.database, 'p1'), []);
    assert.deepEqual((await dueEndpoints(db.database, beforeAll, now)).due, [key]);
    assert.deepEqual([await take('p2'), await take('p1')], [1, 0]);
    // Who has lost it says nothing about it any more.
    const resting = { failures: 5, failingSince: now, restsUntil: now + 10_000 };
    await transact(tx => saveHealth(tx, 'p1', tenantId, endpoint.id, resting));
    await transact(tx => releaseEndpoints(tx, 'p1', [{ ...key, nextUs: 1 }]));
    assert.equal((await endpointState(db.database, tenantId, endpoint.id))!.heldBy, 'p2');
    assert.equal((await endpointState(db.database, tenantId, endpoint.id))!.failures, 0);
    await transact(tx => saveHealth(tx, 'p2', tenantId, endpoint.id, resting));
    await transact(tx => releaseEndpoints(tx, 'p2', [{ ...key, nextUs: 9 }]));
    assert.deepEqual([await take('p2'), await take('p2', now + 10_000)], [0, 1]);
    assert.equal((await endpointState(db.database, tenantId, endpoint.id))!.nextUs, 9);
    await transact(tx => resetState(tx, tenantId, endpoint.id));
    assert.equal((await endpointState(db.database, tenantId, endpoint.id))!.restsUntil, 0);
    await transact(tx => saveEndpoint(tx, seal, { ...endpoint, status: 'paused' }));
    assert.equal(await take('p2'), 0);
  });

  test('a page of endpoints after the other', async () => {
    const many = Array.from({ length: 1_005 }, () => ({ id: newId() }));
    await transact(async tx => {
      await tx.all(
        `insert into endpoint_states (tenant_id, endpoint_id, held_by, failures, failing_since, rests_until, next_us)
         select $1, value ->> 'id', null, 0, null, 0, 0 from json_rows($2)`,
        [tenantId, JSON.stringify(many)],
      );
      const last = { ...endpoint, id: many.at(-1)!.id };
      await saveEndpoint(tx, seal, last);
      await insertAttempts(tx, tenantId, [
        { endpointId: last.id, eventId: newId(), n: 1, conversation: '', dueAt: now },
      ]);
    });
    const page = await dueEndpoints(db.database, beforeAll, now);
    assert.deepEqual(page.due, []);
    const next = await dueEndpoints(db.database, page.end!, now);
    assert.deepEqual(next, { due: [{ tenantId, endpointId: many.at(-1)!.id }], end: null });
  });
});
