/** Events and attempts age out with the content of messages, and an erased person is in none of them; on both engines. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ulid } from 'ulid';
import { createFeed } from '../../gateway/messages/feed.ts';
import { createLog } from '../../gateway/platform/log.ts';
import { insertErasure } from '../../gateway/retention/erasures.ts';
import { callFor } from '../../gateway/retention/progress.ts';
import { createRetention } from '../../gateway/retention/worker.ts';
import { deleteEndpoint, type Endpoint, listSealed } from '../../gateway/tenants/endpoints.ts';
import { insertTenant } from '../../gateway/tenants/tenants.ts';
import { insertAttempts, settleAttempts } from '../../gateway/webhooks/attempts.ts';
import { findEvent, insertEvents, listEvents } from '../../gateway/webhooks/events.ts';
import { ofProcess } from '../../gateway/webhooks/listeners.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';
import { addEndpoint, attemptsOf, draft, seal, tenantId } from '../harness/notifying.ts';

const dayMs = 86_400_000;
const start = Date.UTC(2026, 0, 1);

onEachEngine((_, open) => {
  let db: TestDatabase;
  let now: number;
  let one: Endpoint;
  let two: Endpoint;
  beforeEach(async () => {
    db = await open();
    now = start;
    await db.database.transact(tx =>
      insertTenant(tx, { id: tenantId, name: 'a', createdAt: start, billing: 'off' }),
    );
    one = await addEndpoint(db.database, 'https://example.com/1', { ordered: true });
    two = await addEndpoint(db.database, 'https://example.com/2');
  });
  afterEach(() => db.close());

  const work = (bodies: number | null) =>
    createRetention({
      ...{ database: db.database, feed: createFeed(), announce: async () => undefined, seal },
      ...{ log: createLog('silent', null), now: () => now, processId: 'p', pollMs: 1 },
      keeping: { bodiesMs: bodies === null ? null : bodies * dayMs, messagesMs: null, incomingMs: null },
    }).work();

  /** Posted to both endpoints, or waiting. */
  async function tell(
    at: number,
    person: string,
    state: 'delivered' | 'pending',
    post: string | null = null,
  ) {
    const id = ulid(at);
    const body = post === null ? `{"from":"${person}"}` : null;
    await db.database.transact(async tx => {
      await insertEvents(tx, tenantId, [{ ...draft({ person, data: { from: person }, numberId: 7 }), id }]);
      const attempts = [one, two].map(endpoint => ({
        ...{ endpointId: endpoint.id, eventId: id, n: 1, dueAt: at },
        conversation: endpoint.ordered ? `7:${person}` : '',
      }));
      await insertAttempts(tx, tenantId, attempts);
      if (state === 'pending') return;
      await settleAttempts(
        tx,
        tenantId,
        attempts.map(attempt => ({
          ...{ ...attempt, state, post, body, beganAt: at, tookMs: 1, httpStatus: 200, problem: null },
          ...{ headers: '{}', answerHeaders: '{}', answer: person, nextAt: null },
        })),
      );
    });
    return id;
  }
  const events = async () =>
    (await listEvents(db.database, tenantId, {}, undefined, 10_000)).map(({ id }) => id);
  const again = () => db.database.transact(tx => callFor(tx, tenantId, now));

  test('what is too old goes, in steps, and nothing else', async () => {
    for (let n = 0; n < 250; n++) await tell(start + n, 'p', n % 2 === 0 ? 'delivered' : 'pending');
    const young = await tell(start + 5 * dayMs, 'p', 'delivered');
    now = start + 20 * dayMs;
    await work(null);
    assert.equal((await events()).length, 251);
    await again();
    await work(16);
    assert.deepEqual(await events(), [young]);
    for (const endpoint of [one, two])
      assert.deepEqual(
        (await attemptsOf(db.database, endpoint)).map(({ eventId }) => eventId),
        [young],
      );
  });

  test('what was posted to a deleted endpoint goes at once', async () => {
    const id = await tell(start, 'p', 'delivered');
    await db.database.transact(tx => deleteEndpoint(tx, tenantId, two.id));
    await work(null);
    assert.equal((await attemptsOf(db.database, two)).length, 0);
    assert.equal((await attemptsOf(db.database, one)).length, 1);
    assert.deepEqual(await events(), [id]);
  });

  test('an erased person is in no event, no body, no answer and no name of a conversation', async () => {
    const [person, other] = ['905321234567', '905329999999'];
    await tell(start, person, 'delivered');
    const waiting = await tell(start + 1, person, 'pending');
    const kept = await tell(start + 2, other, 'delivered');
    // In one POST with another's event, whose row holds the bytes.
    const head = await tell(start + 3, other, 'delivered');
    await tell(start + 4, person, 'delivered', head);
    const erasure = {
      tenantId,
      id: ulid(start + 10),
      name: person,
      requestedBy: 'k',
      requestedAt: start + 10,
    };
    await db.database.transact(tx => insertErasure(tx, seal, erasure));
    const later = await tell(start + 11, person, 'delivered');
    now = start + 12;
    await work(null);
    const rows = async (table: 'events' | 'attempts') =>
      JSON.stringify(
        table === 'events'
          ? await db.database.all('select * from events where tenant_id = $1 and id <> $2', [tenantId, later])
          : await db.database.all('select * from attempts where tenant_id = $1 and event_id <> $2', [
              tenantId,
              later,
            ]),
      );
    assert.ok(!(await rows('events')).includes(person));
    assert.ok(!(await rows('attempts')).includes(person));
    const all = await attemptsOf(db.database, two);
    const of = (id: string) => all.find(({ eventId }) => eventId === id)!;
    assert.deepEqual([of(waiting).state, of(waiting).problem], ['skipped', 'event-gone']);
    assert.equal(of(head).body, null);
    assert.match(of(kept).body!, new RegExp(other));
    // What came after the request is new.
    assert.equal(of(later).answer, person);
    assert.equal((await findEvent(db.database, tenantId, later))!.person, person);
    assert.equal((await events()).length, 6);
  });

  test('listeners of processes that are no more are removed, once they have been silent for long', async () => {
    const listener = (processId: string) =>
      addEndpoint(db.database, null, { door: 'listen', doorData: ofProcess(processId), updatedAt: start });
    await db.database.transact(tx =>
      tx.all(`insert into processes (id, place, pid, beat, started_at) values ('alive', 'here', 1, 0, 1)`),
    );
    const [alive] = [await listener('alive'), await listener('dead')];
    const left = async () => (await listSealed(db.database, tenantId)).map(({ id }) => id);
    // It may be stalled, and come back.
    now = start + 30_000;
    await again();
    await work(null);
    assert.equal((await left()).length, 4);
    now = start + 90_000;
    await again();
    await work(null);
    assert.deepEqual(await left(), [one.id, two.id, alive!.id]);
  });
});
