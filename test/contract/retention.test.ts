/** What ages out and what is erased, on both engines: nothing too early, nothing twice, nothing of anyone else. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { ulid } from 'ulid';
import { insertIncoming, keepChanges, listIncoming } from '../../gateway/inbound/incoming.ts';
import { listWindows, openWindows } from '../../gateway/inbound/windows.ts';
import { advance } from '../../gateway/messages/advance.ts';
import { createFeed } from '../../gateway/messages/feed.ts';
import { findMessage, listTries, type StoredMessage } from '../../gateway/messages/lookup.ts';
import type { NewMessage } from '../../gateway/messages/message.ts';
import { createLane } from '../../gateway/messages/pace.ts';
import { takeKeys } from '../../gateway/messages/policy/idempotency.ts';
import { claimMessages, insertMessages } from '../../gateway/messages/queue.ts';
import { settle } from '../../gateway/messages/settle.ts';
import { timeline } from '../../gateway/messages/timeline.ts';
import { createLog } from '../../gateway/platform/log.ts';
import { createSeal } from '../../gateway/platform/seal.ts';
import { findErasure, insertErasure, isIntact } from '../../gateway/retention/erasures.ts';
import { callFor, hold } from '../../gateway/retention/progress.ts';
import { createRetention, type Retention } from '../../gateway/retention/worker.ts';
import { saveContacts } from '../../gateway/tenants/save-contacts.ts';
import { insertTag, phonesOfTags } from '../../gateway/tenants/tags.ts';
import { insertTenant } from '../../gateway/tenants/tenants.ts';
import { announceChanges, statusChange } from '../harness/announcing.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';
import { newMessage } from '../harness/new-message.ts';

const dayMs = 86_400_000;
const start = Date.UTC(2026, 0, 1);
const person = '905321234567';
const seal = createSeal(Buffer.alloc(32, 5));
const claim = { by: 'me', until: start + 1e9 };

onEachEngine((engine, open) => {
  let db: TestDatabase;
  let now: number;
  beforeEach(async () => {
    db = await open();
    now = start;
    for (const tenantId of ['a', 'b']) {
      await db.database.transact(async tx => {
        await insertTenant(tx, { id: tenantId, name: tenantId, createdAt: start, billing: 'off' });
        await createLane(tx, { tenantId, numberId: tenantId === 'a' ? 7 : 8 }, 80);
      });
    }
  });
  afterEach(() => db.close());

  const feed = createFeed();
  const retention = (
    keep: { bodies?: number; messages?: number; incoming?: number },
    processId = 'p',
  ): Retention => {
    const ms = (days: number | undefined) => (days === undefined ? null : days * dayMs);
    return createRetention({
      // The embedded engine has one process.
      database: processId === 'p' || engine === 'sqlite' ? db.database : db.reopen(),
      feed,
      announce: announceChanges(() => now),
      seal,
      log: createLog('silent', null),
      now: () => now,
      processId,
      keeping: { bodiesMs: ms(keep.bodies), messagesMs: ms(keep.messages), incomingMs: ms(keep.incoming) },
      pollMs: 1,
    });
  };
  const message = (tenantId: string, at: number, more: Partial<NewMessage> = {}) =>
    newMessage({
      tenantId,
      id: ulid(at),
      numberId: tenantId === 'a' ? 7 : 8,
      body: '{"to":"+90 532 123 45 67","type":"text","text":{"body":"hi"}}',
      callbackData: 'theirs',
      createdAt: at,
      dueAt: at,
      expiresAt: at + 1e12,
      ...more,
    });
  const insert = async (tenantId: string, messages: NewMessage[], claimed = false) =>
    db.database.transact(tx =>
      insertMessages(
        tx,
        tenantId,
        messages.map(one => ({ message: one, claim: claimed ? claim : null })),
      ),
    );
  /** As they stand once the phone has read them. */
  const insertRead = async (tenantId: string, messages: NewMessage[], waId: string | null = person) => {
    await insert(tenantId, messages);
    await report(tenantId, messages, 'read', waId);
  };
  const report = (
    tenantId: string,
    messages: NewMessage[],
    status: 'sent' | 'read' | 'failed',
    waId: string | null = person,
  ) =>
    db.database.transact(tx =>
      advance(
        tx,
        tenantId,
        messages.map(one => ({
          tenantId,
          numberId: one.numberId,
          messageId: one.id,
          wamid: `wamid.${one.id}`,
          status,
          at: one.createdAt + 1_000,
          waId,
          error: status === 'failed' ? `{"reason":"131026 ${person}","meta":null}` : null,
          pricing: null,
          change: statusChange(`wamid.${one.id}`, status),
        })),
      ),
    );
  const find = async (one: NewMessage): Promise<StoredMessage> => {
    const found = await findMessage(db.database, one.tenantId, one.id);
    assert.ok(found, one.id);
    return found;
  };
  const incoming = (tenantId: string, wamid: string, sender = person) =>
    db.database.transact(async tx => {
      const numberId = tenantId === 'a' ? 7 : 8;
      const fresh = await insertIncoming(
        tx,
        tenantId,
        [
          {
            ...{ numberId, wamid, sender, type: 'text', at: now },
            payload: {
              message: { from: sender, text: { body: 'hello' } },
              contact: { wa_id: sender, user_id: `TR.${sender}`, profile: { name: 'Ada' } },
            },
          },
        ],
        now,
      );
      await openWindows(
        tx,
        tenantId,
        fresh.map(one => ({ numberId, names: [one.sender], at: one.at, referred: false })),
      );
      return fresh.length;
    });

  describe('age', () => {
    test('content and tries go by age, the message stays and is still told', async () => {
      const old = message('a', start);
      const young = message('a', start + 10 * dayMs);
      await insert('a', [old, young], true);
      await db.database.transact(tx =>
        settle(
          tx,
          [old, young].map(one => ({
            message: { ...one, tries: 1, slotUs: 0 },
            verdict: {
              kind: 'rejected' as const,
              error: { httpStatus: 400, code: 100, subcode: null, title: 'no', details: null, body: {} },
              disconnects: false,
            },
            claimedBy: claim.by,
            at: one.createdAt + 5,
          })),
          1,
        ),
      );
      now = start + 31 * dayMs;
      await retention({ bodies: 30 }).work();
      const aged = await find(old);
      assert.equal(aged.body, null);
      assert.equal(aged.recipient, person);
      assert.equal(aged.callbackData, 'theirs');
      const tries = await listTries(db.database, 'a', old.id);
      assert.deepEqual(tries, []);
      assert.deepEqual(
        timeline(aged, tries).map(({ status }) => status),
        ['queued', 'sending', 'failed'],
      );
      assert.notEqual((await find(young)).body, null);
      assert.equal((await listTries(db.database, 'a', young.id)).length, 1);
    });

    test('with no setting nothing goes', async () => {
      const old = message('a', start);
      await insertRead('a', [old]);
      await incoming('a', 'wamid.in');
      now = start + 10_000 * dayMs;
      await retention({}).work();
      assert.notEqual((await find(old)).body, null);
      assert.equal((await listIncoming(db.database, 'a', person, 10)).length, 1);
    });

    test('Idempotency-Keys are forgotten after their day, others stay', async () => {
      const take = (key: string, at: number) =>
        db.database.transact(tx => takeKeys(tx, 'a', [{ key, fingerprint: 'f', messageIds: ['m'] }], at));
      await take('old', now - dayMs);
      await take('young', now - dayMs + 1);
      await retention({}).work();
      const left = await db.database.all<{ key: string }>(
        'select key from idempotency_keys where tenant_id = $1',
        ['a'],
      );
      assert.deepEqual(
        left.map(({ key }) => key),
        ['young'],
      );
    });

    test('what has not ended is left, and goes once it has', async () => {
      const ahead = message('a', start, { status: 'scheduled', dueAt: start + 100 * dayMs });
      const sending = message('a', start);
      await insert('a', [ahead]);
      await insert('a', [sending], true);
      const worker = retention({ bodies: 30, messages: 60 });
      now = start + 70 * dayMs;
      await worker.work();
      assert.notEqual((await find(ahead)).body, null);
      assert.notEqual((await find(sending)).body, null);
      await report('a', [sending], 'sent');
      await report('a', [ahead], 'sent');
      now = start + 101 * dayMs;
      await worker.work();
      assert.equal(await findMessage(db.database, 'a', sending.id), undefined);
      assert.notEqual((await find(ahead)).body, null, 'sent a day ago');
      now = start + 131 * dayMs;
      await worker.work();
      assert.equal((await find(ahead)).body, null);
      now = start + 161 * dayMs;
      await worker.work();
      assert.equal(await findMessage(db.database, 'a', ahead.id), undefined);
      assert.deepEqual(
        await db.database.all(`select message_id from retention_late where tenant_id = 'a'`),
        [],
      );
    });

    test('two processes, a thousand messages, a restart in between: each goes once', async () => {
      const messages = Array.from({ length: 1_000 }, (_, i) => message('a', start + i));
      await insertRead('a', messages);
      const others = Array.from({ length: 300 }, (_, i) => message('b', start + i));
      await insertRead('b', others);
      now = start + 31 * dayMs;
      await Promise.all([retention({ bodies: 30 }).work(), retention({ bodies: 30 }, 'q').work()]);
      // What a process held that did not come back is free after a minute.
      now += 61_000;
      await retention({ bodies: 30 }, 'r').work();
      const [row] = await db.database.all<{ n: number }>(
        `select count(*) as n from messages where body <> ''`,
      );
      assert.equal(row?.n, 0);
      const progress = await db.database.all('select bodies_to, held_by from retention order by tenant_id');
      assert.deepEqual(
        progress.map(row => [row.bodies_to, row.held_by]),
        [messages, others].map(list => [list.at(-1)!.id, null]),
      );
    });

    test('incoming messages leave only that they came: a replay is still one', async () => {
      await incoming('a', 'wamid.old');
      await db.database.transact(tx =>
        openWindows(tx, 'a', [{ numberId: 7, names: [person, 'TR.ABC'], at: now, referred: false }]),
      );
      await incoming('a', 'wamid.second', '905320000000');
      await db.database.transact(tx =>
        keepChanges(
          tx,
          'a',
          [
            {
              kind: 'kept',
              phoneNumberId: null,
              wabaId: 'w',
              field: 'x',
              payload: { p: person },
              change: { time: null },
            },
          ],
          now,
        ),
      );
      now = start + 32 * dayMs;
      await incoming('a', 'wamid.new', '905320000000');
      await retention({ incoming: 30 }).work();
      assert.deepEqual(await listIncoming(db.database, 'a', person, 10), []);
      for (const name of [person, 'TR.ABC']) assert.deepEqual(await listWindows(db.database, 'a', name), []);
      assert.deepEqual(
        (await listIncoming(db.database, 'a', '905320000000', 10)).map(({ wamid }) => wamid),
        ['wamid.new'],
      );
      assert.equal((await listWindows(db.database, 'a', '905320000000')).length, 1);
      const [kept, ...more] = await db.database.all(`select payload from kept_changes where tenant_id = 'a'`);
      assert.deepEqual([kept?.payload, more], ['', []]);
      assert.equal(await incoming('a', 'wamid.old'), 0);
      assert.deepEqual(await listIncoming(db.database, 'a', person, 10), []);
      assert.deepEqual(await listWindows(db.database, 'a', person), []);
      const rows = await db.database.all<{ wamid: string; sender: string }>(
        `select wamid, sender from incoming where payload = ''`,
      );
      assert.equal(rows.length, 2);
      for (const row of rows) {
        assert.match(row.wamid, /^sha256:/);
        assert.equal(row.sender, '');
      }
    });
  });

  describe('erase', () => {
    const request = async (tenantId = 'a', name = person) => {
      const id = ulid(now + 1);
      await db.database.transact(async tx => {
        await insertErasure(tx, seal, { tenantId, id, name, requestedBy: 'k1', requestedAt: now });
        await callFor(tx, tenantId, now);
      });
      return id;
    };
    const receipt = async (id: string, tenantId = 'a') => (await findErasure(db.database, tenantId, id))!;
    /** Every text in the database, to look for what must be gone. */
    const everything = async (tenantId: string) => {
      const texts: string[] = [];
      for (const [table, columns] of Object.entries({
        messages: 'recipient_kind, recipient, body, callback_data, campaign, wamid, wa_id, error, status',
        tries: 'message_id, n, verdict, reason',
        incoming: 'wamid, sender, type, payload',
        windows: 'recipient, opened_at',
        kept_changes: 'digest, field, payload',
        contacts: 'id, phone, name',
        erasures: 'id, recipient_hash, names, changes_to, counts, requested_by, digest',
      })) {
        const rows = await db.database.all(`select ${columns} from ${table} where tenant_id = $1`, [
          tenantId,
        ]);
        texts.push(JSON.stringify(rows));
      }
      return texts.join('\n');
    };

    test('everything of one person in one tenant goes, with a receipt that names nobody', async () => {
      for (const tenantId of ['a', 'b']) {
        const failed = message(tenantId, start - 5);
        await insertRead(tenantId, [message(tenantId, start - 9), message(tenantId, start - 8)]);
        await insert(tenantId, [failed]);
        await report(tenantId, [failed], 'failed');
        await insert(tenantId, [
          message(tenantId, start - 3),
          message(tenantId, start - 2, { status: 'scheduled', dueAt: start + dayMs }),
        ]);
        await incoming(tenantId, `wamid.${tenantId}`);
        await db.database.transact(async tx => {
          await keepChanges(
            tx,
            tenantId,
            [person, '905329999999'].map(phone => ({
              kind: 'kept',
              phoneNumberId: null,
              wabaId: 'w',
              field: 'x',
              change: { time: null },
              payload: { user: [{ phone }] },
            })),
            now,
          );
          await insertTag(tx, tenantId, { id: 1, name: 'vip', createdAt: now });
          const contacts = [
            { phone: person, original: `+${person}`, name: 'Ada', tags: [1] },
            { phone: '905329999999', original: '905329999999', name: 'Bob', tags: [1] },
          ];
          await saveContacts(tx, tenantId, contacts, { onDuplicate: 'update', now });
        });
      }
      const bystander = message('a', start - 1, { recipient: '905329999999', body: '{"to":"905329999999"}' });
      await insertRead('a', [bystander], '905329999999');
      const untouched = await everything('b');

      const id = await request();
      const heard: string[] = [];
      const unwatch = feed.watch({ tenantId: 'a', madeBy: 'us' }, changes => {
        heard.push(...changes.map(({ status }) => status));
      });
      await retention({}).work();
      unwatch();
      const { counts, finishedAt, ...rest } = await receipt(id);
      assert.equal(finishedAt, now);
      assert.deepEqual(counts, {
        ...{ canceled: 2, messages: 5, tries: 0, incoming: 1 },
        ...{ windows: 1, contacts: 1, keptChanges: 1, recipients: 0 },
      });
      assert.equal(heard.filter(status => status === 'canceled').length, 2);
      assert.ok(isIntact(seal, await receipt(id)));
      assert.ok(!isIntact(seal, { ...rest, finishedAt, counts: { ...counts, messages: 4 } }));
      const left = await everything('a');
      for (const word of [person, 'Ada', 'hello', `TR.${person}`, 'wamid.a', '+90 532'])
        assert.ok(!left.includes(word), word);
      assert.match(left, /905329999999/);
      assert.notEqual((await find(bystander)).body, null);
      assert.deepEqual(await phonesOfTags(db.database, 'a', [1], 10), ['905329999999']);
      assert.equal(await everything('b'), untouched);
      assert.equal(await incoming('a', 'wamid.a'), 0, 'a replay brings nothing back');
      assert.deepEqual(await listWindows(db.database, 'a', person), []);
      assert.equal(await incoming('a', 'wamid.later'), 1, 'what comes later is new');
    });

    test('one person by several names: the number dialled, the one Meta knows, the user id', async () => {
      const dialled = message('a', start - 9, { recipient: '5511987654321' });
      await insertRead('a', [dialled], '551187654321');
      const known = message('a', start - 8, { recipient: '551187654321' });
      await insertRead('a', [known], '551187654321');
      await incoming('a', 'wamid.x', '551187654321');
      const byUser = message('a', start - 7, { recipient: 'TR.551187654321', recipientKind: 'user' });
      await insertRead('a', [byUser], null);
      await request('a', '5511987654321');
      await retention({}).work();
      for (const one of [dialled, known, byUser]) assert.equal((await find(one)).recipientKind, 'erased');
      const left = await everything('a');
      for (const word of ['5511987654321', '551187654321']) assert.ok(!left.includes(word), word);
    });

    test('a send under way is erased once it has settled; until then the erasure runs', async () => {
      const sending = message('a', start - 1);
      await insert('a', [sending], true);
      const id = await request();
      const worker = retention({});
      await worker.work();
      assert.equal((await receipt(id)).finishedAt, null);
      assert.equal((await find(sending)).status, 'sending');
      await report('a', [sending], 'sent');
      now += 6_000;
      await worker.work();
      assert.equal((await receipt(id)).finishedAt, now);
      assert.equal((await find(sending)).recipient, '');
    });

    test('a message that is repeated meanwhile is canceled, not sent again', async () => {
      const repeated = message('a', start - 1);
      await insert('a', [repeated], true);
      const id = await request();
      const worker = retention({});
      await worker.work();
      await db.database.transact(tx =>
        settle(
          tx,
          [
            {
              message: { ...repeated, tries: 1, slotUs: 0 },
              verdict: { kind: 'later', delayMs: 10, reason: 'busy', pause: 'message', error: null },
              claimedBy: claim.by,
              at: now,
            },
          ],
          1,
        ),
      );
      now += 6_000;
      await worker.work();
      assert.equal((await receipt(id)).counts.canceled, 1);
      assert.equal((await receipt(id)).finishedAt, now);
      const taken = await db.database.transact(tx =>
        claimMessages(tx, 'a', [{ numberId: 7, limit: 10, bulk: true }], now + dayMs, claim),
      );
      assert.deepEqual(taken.get(7)?.claimed, []);
    });

    test('late facts about an erased message do not bring the person back', async () => {
      const overtaken = message('a', start - 9);
      const failing = message('a', start - 8);
      await insert('a', [overtaken, failing], true);
      // Meta's status is quicker than its answer.
      await report('a', [overtaken, failing], 'sent', null);
      await request();
      await retention({}).work();
      assert.equal((await find(overtaken)).recipientKind, 'erased');
      await db.database.transact(tx =>
        settle(
          tx,
          [
            {
              message: { ...overtaken, tries: 1, slotUs: 0 },
              verdict: { kind: 'sent', wamid: `wamid.${person}`, answer: { contacts: [{ wa_id: person }] } },
              claimedBy: claim.by,
              at: now,
            },
            {
              message: { ...failing, tries: 1, slotUs: 0 },
              verdict: {
                kind: 'rejected',
                error: {
                  httpStatus: 400,
                  code: 131026,
                  subcode: null,
                  title: 'no',
                  details: person,
                  body: {},
                },
                disconnects: false,
              },
              claimedBy: claim.by,
              at: now,
            },
          ],
          1,
        ),
      );
      await report('a', [overtaken], 'read');
      await report('a', [failing], 'failed');
      assert.equal((await find(overtaken)).status, 'read');
      assert.equal((await find(failing)).status, 'failed');
      const left = await everything('a');
      assert.ok(!left.includes(person), left);
      assert.ok(!left.includes('wamid.'), left);
    });

    test('a long history is erased in bounded steps that another process can take over', async () => {
      const messages = Array.from({ length: 3_000 }, (_, i) => message('a', start - 10_000 + i));
      await insertRead('a', messages);
      const id = await request();
      const first = await retention({}).eraseNow('a', id);
      assert.equal(first?.finishedAt, null);
      assert.ok(first.counts.messages >= 100 && first.counts.messages < 3_000, String(first.counts.messages));
      // A process that was killed amid it keeps others away for a minute, and no longer.
      await db.database.transact(tx => hold(tx, 'a', 'dead', now));
      const other = retention({}, 'q');
      await other.work();
      assert.deepEqual((await receipt(id)).counts, first.counts);
      now += 61_000;
      await other.work();
      assert.equal((await receipt(id)).counts.messages, 3_000);
      assert.equal((await receipt(id)).finishedAt, now);
    });
  });
});
