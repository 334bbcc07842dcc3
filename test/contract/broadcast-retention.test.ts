/** What is left of people in the ledgers of broadcasts when they are erased, and when time has passed. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { ulid } from 'ulid';
import type { Audience, FreezingBroadcast } from '../../gateway/broadcasts/broadcast.ts';
import { addRecipients, readSlice, writeSlice } from '../../gateway/broadcasts/freeze.ts';
import { readLedger } from '../../gateway/broadcasts/ledger.ts';
import { moveRecipients } from '../../gateway/broadcasts/recipients.ts';
import { endBroadcast, launchBroadcast } from '../../gateway/broadcasts/states.ts';
import { findBroadcast, insertBroadcast, lockBroadcast } from '../../gateway/broadcasts/table.ts';
import { createFeed } from '../../gateway/messages/feed.ts';
import { createLog } from '../../gateway/platform/log.ts';
import { createSeal } from '../../gateway/platform/seal.ts';
import { findErasure, insertErasure, isIntact } from '../../gateway/retention/erasures.ts';
import { callFor } from '../../gateway/retention/progress.ts';
import { createRetention } from '../../gateway/retention/worker.ts';
import { saveContacts } from '../../gateway/tenants/save-contacts.ts';
import { insertTenant } from '../../gateway/tenants/tenants.ts';
import { announceChanges } from '../harness/announcing.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';

const dayMs = 86_400_000;
const start = Date.UTC(2026, 0, 1);
const seal = createSeal(Buffer.alloc(32, 5));
/** One phone, written in two ways. */
const [person, twin] = ['5511987654321', '551187654321'];

onEachEngine((_engine, open) => {
  let db: TestDatabase;
  let now: number;
  beforeEach(async () => {
    db = await open();
    now = start;
    for (const tenantId of ['a', 'b'])
      await db.database.transact(tx =>
        insertTenant(tx, { id: tenantId, name: tenantId, createdAt: start, billing: 'off' }),
      );
  });
  afterEach(() => db.close());

  const retention = (keep: { bodies?: number; messages?: number }) =>
    createRetention({
      database: db.database,
      ...{ feed: createFeed(), announce: announceChanges(() => now), seal },
      ...{ log: createLog('silent', null), now: () => now, processId: 'p', pollMs: 1 },
      keeping: {
        bodiesMs: keep.bodies === undefined ? null : keep.bodies * dayMs,
        messagesMs: keep.messages === undefined ? null : keep.messages * dayMs,
        incomingMs: null,
      },
    });

  async function draft(
    tenantId: string,
    phones: string[],
    exclude: string[] = [],
    filter: Audience['filter'] = null,
  ): Promise<string> {
    const id = ulid(now);
    const audience: Audience = { tags: [], filter, exclude: { phones: exclude, tags: [] } };
    await db.database.transact(async tx => {
      await insertBroadcast(tx, {
        ...{ tenantId, id, keyId: 'k', dialect: 'native', createdAt: now, name: id, endpoint: 'messages' },
        content: { type: 'text', text: { body: 'in {{city|town}}' } },
        ...{ numberIds: [7], audience, startAt: null },
        options: {
          ...{ perSecond: null, ttlMs: null, timeZone: 'UTC', localStart: null },
          ...{ quietHours: null, callbackData: null, told: null },
        },
      });
      const named = phones.map(phone => ({ phone, variables: { city: `of ${phone}` } }));
      await addRecipients(tx, (await lockBroadcast(tx, tenantId, id))!, named, now);
    });
    return id;
  }
  const launch = (tenantId: string, id: string) =>
    db.database.transact(tx => launchBroadcast(tx, { tenantId, broadcastId: id }, 'k', null, now));
  const take = (tenantId: string, id: string, who: string, messageId: string) =>
    db.database.transact(tx =>
      moveRecipients(tx, { tenantId, broadcastId: id }, [{ person: who, messageId }]),
    );
  const end = (tenantId: string, id: string) =>
    db.database.transact(async tx =>
      endBroadcast(tx, (await lockBroadcast(tx, tenantId, id))!, 'completed', null, null, now),
    );
  const ledger = async (tenantId: string, id: string) =>
    (await readLedger(db.database, { tenantId, broadcastId: id }, {}, '', 1_000)).entries;
  const broadcast = async (tenantId: string, id: string) => (await findBroadcast(db.database, tenantId, id))!;

  describe('erasing a person', () => {
    test('rows stay and name nobody; who waits gets nothing; nobody else is touched', async () => {
      const other = '905321234567';
      const waiting = await draft('a', [person, other]);
      await launch('a', waiting);
      const ended = await draft('a', [twin, other]);
      await launch('a', ended);
      const known = (await ledger('a', ended)).find(one => one.phone === twin)!.person;
      await take('a', ended, known, 'm1');
      await end('a', ended);
      const excluding = await draft('a', [other], [twin, other]);
      const ofB = await draft('b', [person]);
      const id = ulid(now + 1);
      await db.database.transact(async tx => {
        await insertErasure(tx, seal, {
          tenantId: 'a',
          id,
          name: person,
          requestedBy: 'k',
          requestedAt: now,
        });
        await callFor(tx, 'a', now);
      });
      now += 5_000;
      const later = await draft('a', [person]);
      await retention({}).work();
      const receipt = (await findErasure(db.database, 'a', id))!;
      assert.deepEqual([receipt.counts.recipients, receipt.finishedAt], [3, now]);
      assert.ok(isIntact(seal, receipt));

      const [own, erased] = [other, 'erased:'].map(
        begin => async (of: string) => (await ledger('a', of)).find(one => one.person.startsWith(begin))!,
      );
      assert.deepEqual((await own!(waiting)).variables, { city: `of ${other}` });
      const gone = { phone: '', contactId: null, variables: {}, timeZone: null };
      const first = await erased!(waiting);
      assert.deepEqual(
        { ...first, phone: '' },
        {
          ...{ ...gone, person: first.person, state: 'skipped', reason: 'erased', dueAt: 0, message: null },
        },
      );
      const second = await erased!(ended);
      assert.deepEqual([second.person, second.state, second.reason], ['erased:m1', 'taken', null]);
      assert.deepEqual(second.variables, {});
      const { recipients, skipped } = await broadcast('a', waiting);
      assert.deepEqual([recipients, skipped], [2, 1]);
      assert.deepEqual((await broadcast('a', excluding)).audience.exclude.phones, [other]);
      assert.equal((await ledger('a', later))[0]!.phone, person, 'what was made after the request is new');
      assert.equal((await ledger('b', ofB))[0]!.phone, person);
    });
  });

  test('who is erased while the audience is being written does not come back with a slice that was read before', async () => {
    const other = '905321234567';
    await db.database.transact(tx =>
      saveContacts(
        tx,
        'a',
        [person, other].map(phone => ({ phone, original: phone })),
        { onDuplicate: 'update', now },
      ),
    );
    const id = await draft('a', [], [], {});
    now += 1_000;
    await launch('a', id);
    const freezing = (await broadcast('a', id)) as FreezingBroadcast;
    const slice = await readSlice(db.database, freezing, 100, now);
    assert.deepEqual(slice.recipients.map(({ phone }) => phone).toSorted(), [person, other].toSorted());
    now += 1_000;
    await db.database.transact(async tx => {
      const asked = { tenantId: 'a', id: ulid(now), name: twin, requestedBy: 'k', requestedAt: now };
      await insertErasure(tx, seal, asked);
      await callFor(tx, 'a', now);
    });
    await retention({}).work();
    await db.database.transact(async tx => {
      await lockBroadcast(tx, 'a', id);
      await writeSlice(tx, freezing, slice, seal, now);
    });
    assert.deepEqual(
      (await ledger('a', id)).map(one => one.phone),
      [other],
    );
    assert.equal((await broadcast('a', id)).recipients, 1);
  });

  describe('time passes', () => {
    test('variables go with the bodies of messages, the ledger with the messages, of what has ended only', async () => {
      const phones = Array.from({ length: 450 }, (_, i) => `9053000${String(i).padStart(5, '0')}`);
      const ended = await draft('a', phones);
      await launch('a', ended);
      await end('a', ended);
      const running = await draft('a', phones.slice(0, 5));
      await launch('a', running);
      const worker = retention({ bodies: 10, messages: 20 });
      const spoken = async (id: string) =>
        (await ledger('a', id)).filter(one => Object.keys(one.variables).length > 0).length;
      const pass = async (days: number) => {
        now = start + days * dayMs;
        await db.database.transact(tx => callFor(tx, 'a', now));
        await worker.work();
      };
      await pass(9);
      assert.deepEqual([await spoken(ended), await spoken(running)], [450, 5]);
      await pass(11);
      assert.deepEqual([await spoken(ended), await spoken(running)], [0, 5]);
      assert.equal((await ledger('a', ended)).length, 450);
      await pass(21);
      assert.deepEqual([(await ledger('a', ended)).length, await spoken(running)], [0, 5]);
      assert.equal((await broadcast('a', ended)).recipients, 450);
    });
  });
});
