/** The queue and the life of a message, on both engines: claimed once, never backwards, never lost. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { type MessageStatus, statusRank } from '../../gateway/canonical/status.ts';
import { advance, type StatusReport } from '../../gateway/messages/advance.ts';
import { sendName } from '../../gateway/messages/journal.ts';
import { findMessage, settlements } from '../../gateway/messages/lookup.ts';
import type { NewMessage } from '../../gateway/messages/message.ts';
import {
  bookLanes,
  type Closing,
  closeLanes,
  createLane,
  dueLanes,
  intervalUs,
  lanesToSweep,
  markDue,
  openLanes,
  pauseLane,
} from '../../gateway/messages/pace.ts';
import {
  abandonClaims,
  claimMessages,
  expireMessages,
  giveUpUncertain,
  insertMessages,
  takeOverClaims,
} from '../../gateway/messages/queue.ts';
import { type SendResult, settle } from '../../gateway/messages/settle.ts';
import type { Verdict } from '../../gateway/meta/verdict.ts';
import { statusChange } from '../harness/announcing.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';
import { newMessage } from '../harness/new-message.ts';

const tenantId = 'tenant-a';
const lane = { tenantId, numberId: 7 };
const claim = { by: 'me', until: 100_000 };

const message = (overrides: Partial<NewMessage> = {}) =>
  newMessage({ tenantId, numberId: lane.numberId, ...overrides });

onEachEngine((_engine, open) => {
  let db: TestDatabase;
  beforeEach(async () => {
    db = await open();
    await db.database.transact(tx => createLane(tx, lane, 80));
  });
  afterEach(() => db.close());

  const insert = (messages: NewMessage[], claimed = false) =>
    db.database.transact(tx =>
      insertMessages(
        tx,
        tenantId,
        messages.map(one => ({ message: one, claim: claimed ? claim : null })),
      ),
    );
  const take = async (now: number, limit: number, bulk = false) => {
    const asks = [{ numberId: lane.numberId, limit, bulk }];
    const taken = await db.database.transact(tx => claimMessages(tx, tenantId, asks, now, claim));
    return taken.get(lane.numberId)!;
  };
  const closing = (changed: Partial<Closing> = {}): Closing => ({
    ...{ numberId: lane.numberId, nextUs: 0, dueAt: null, sweepAt: null },
    ...changed,
  });
  const status = async (id: string) => (await findMessage(db.database, tenantId, id))?.status;
  const report = (id: string | null, kind: StatusReport['status'], at = 2_000): StatusReport => ({
    tenantId,
    numberId: lane.numberId,
    messageId: id,
    wamid: `wamid.${id ?? 'x'}`,
    status: kind,
    at,
    waId: null,
    error: kind === 'failed' ? '{"reason":"131026 Message undeliverable","meta":null}' : null,
    pricing: null,
    change: statusChange(`wamid.${id ?? 'x'}`, kind),
  });
  const settleAs = (id: string, verdict: Verdict, tries = 1) => {
    const result: SendResult = {
      message: { ...message({ id }), tries, slotUs: 0 },
      verdict,
      claimedBy: claim.by,
      at: 3_000,
    };
    return db.database.transact(tx => settle(tx, [result], 10_000));
  };
  const yes: Verdict = { kind: 'sent', wamid: 'wamid.yes', answer: { contacts: [{ wa_id: '90' }] } };

  describe('queue', () => {
    test('claims what is due, oldest first, each once', async () => {
      const messages = [5, 3, 4, 2].map(dueAt => message({ dueAt: dueAt * 1000 }));
      await insert(messages);
      const first = await take(4_000, 2);
      assert.deepEqual(
        first.claimed.map(({ id }) => id),
        [messages[3]!.id, messages[1]!.id],
      );
      assert.deepEqual(
        (await take(4_000, 10)).claimed.map(({ id }) => id),
        [messages[2]!.id],
      );
      assert.deepEqual((await take(4_000, 10)).claimed, []);
    });

    test('what waited past its time to live expires instead of being sent', async () => {
      const late = message({ expiresAt: 1_500 });
      const fresh = message();
      await insert([late, fresh]);
      const { claimed, expired } = await take(2_000, 10);
      assert.deepEqual([claimed.map(({ id }) => id), expired], [[fresh.id], [late.id]]);
      assert.equal(await status(late.id), 'expired');
      const waiting = message({ expiresAt: 1_500, dueAt: 1_400 });
      await insert([waiting]);
      assert.deepEqual(await db.database.transact(tx => expireMessages(tx, lane, 1_600, 10)), [waiting.id]);
    });

    test('of many numbers each gives as much as is asked of it, and tells when its next is due', async () => {
      const asks = [
        { numberId: 7, limit: 2, bulk: true },
        { numberId: 8, limit: 1, bulk: false },
        { numberId: 9, limit: 5, bulk: true },
        { numberId: 10, limit: 5, bulk: true },
      ];
      const due = (numberId: number, dueAt: number, priority = 0) => message({ numberId, dueAt, priority });
      const ofSeven = [due(7, 1_500), due(7, 1_400, 1), due(7, 1_300, 1)];
      const ofEight = [due(8, 1_500), due(8, 1_600), due(8, 1_100, 1)];
      const ofNine = [due(9, 2_500), due(9, 1_700)];
      await insert([...ofSeven, ...ofEight, ...ofNine]);
      const taken = await db.database.transact(tx => claimMessages(tx, tenantId, asks, 2_000, claim));
      const seen = asks.map(({ numberId }) => {
        const { claimed, expired, nextDueAt } = taken.get(numberId)!;
        assert.ok(claimed.every(one => one.numberId === numberId && one.tries === 1));
        return [claimed.map(({ id }) => id), expired, nextDueAt];
      });
      assert.deepEqual(seen, [
        [[ofSeven[0]!.id, ofSeven[2]!.id], [], 1_400],
        [[ofEight[0]!.id], [], 1_100],
        [[ofNine[1]!.id], [], 2_500],
        [[], [], null],
      ]);
    });

    test('a claim closes each lane as it says', async () => {
      const other = { tenantId, numberId: 8 };
      await db.database.transact(tx => createLane(tx, other, 80));
      await db.database.transact(tx =>
        closeLanes(tx, tenantId, [
          closing({ nextUs: 5_000_000, dueAt: 3_000, sweepAt: 9_000 }),
          closing({ numberId: 8, nextUs: 0, dueAt: null, sweepAt: 8_000 }),
        ]),
      );
      // An earlier look stands.
      await db.database.transact(tx => closeLanes(tx, tenantId, [closing({ numberId: 8, sweepAt: 8_500 })]));
      assert.deepEqual(await dueLanes(db.database, 3_000, 10), [lane]);
      assert.deepEqual(await lanesToSweep(db.database, 8_000, 10), [other]);
      assert.deepEqual(await lanesToSweep(db.database, 9_000, 10), [other, lane]);
      const openAt = async (now: number) => [
        ...(await db.database.transact(tx => openLanes(tx, tenantId, [8, 7, 99], now))).keys(),
      ];
      assert.deepEqual(await openAt(4_899), [8]);
      assert.deepEqual(await openAt(4_900), [7, 8]);
    });

    test('two claimers at once share the work without overlap', async () => {
      await insert(Array.from({ length: 200 }, () => message()));
      const other = _engine === 'postgres' ? db.reopen() : db.database;
      const claims = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          (i % 2 === 0 ? db.database : other).transact(async tx => {
            await openLanes(tx, tenantId, [lane.numberId], 2_000);
            const asks = [{ numberId: lane.numberId, limit: 25, bulk: true }];
            const taken = await claimMessages(tx, tenantId, asks, 2_000, { by: String(i), until: 9 });
            await closeLanes(tx, tenantId, [closing()]);
            return taken.get(lane.numberId)!.claimed.map(({ id }) => id);
          }),
        ),
      );
      assert.equal(new Set(claims.flat()).size, 200);
      assert.equal(claims.flat().length, 200);
    });

    test('of a dead process, what it never wrote goes back to the queue, the rest is uncertain', async () => {
      const [unwritten, written, foreign] = [message(), message(), message()];
      await insert([unwritten, written], true);
      await db.database.transact(tx =>
        insertMessages(tx, tenantId, [{ message: foreign, claim: { by: 'another', until: 9 } }]),
      );
      const taken = await db.database.transact(tx =>
        takeOverClaims(tx, lane, {
          id: claim.by,
          written: new Set([sendName(written.id, 1), sendName(unwritten.id, 0)]),
        }),
      );
      assert.deepEqual(taken, { released: [unwritten.id], uncertain: [written.id] });
      assert.deepEqual(await Promise.all([unwritten, written, foreign].map(({ id }) => status(id))), [
        'queued',
        'uncertain',
        'sending',
      ]);
      // It was only stalled, and knows after all.
      await settleAs(written.id, {
        kind: 'later',
        reason: 'Meta said no',
        error: null,
        pause: 'message',
        delayMs: 1,
      });
      assert.equal(await status(written.id), 'queued');
    });

    test('nothing of a dead process is sent again when nobody knows what it wrote', async () => {
      const one = message();
      await insert([one], true);
      const taken = await db.database.transact(tx =>
        takeOverClaims(tx, lane, { id: claim.by, written: undefined }),
      );
      assert.deepEqual(taken, { released: [], uncertain: [one.id] });
    });

    test('a claim of a process that is gone becomes uncertain and ends visibly, never sent again', async () => {
      const one = message();
      await insert([one], true);
      assert.deepEqual(await db.database.transact(tx => abandonClaims(tx, lane, claim.until - 1)), []);
      assert.deepEqual(await db.database.transact(tx => abandonClaims(tx, lane, claim.until)), [one.id]);
      assert.equal(await status(one.id), 'uncertain');
      assert.deepEqual((await take(9e9, 10)).claimed, []);
      assert.deepEqual(await db.database.transact(tx => giveUpUncertain(tx, lane, 2_000, 5_000)), [one.id]);
      assert.equal(await status(one.id), 'failed');
      // Meta's late word still counts.
      await db.database.transact(tx => advance(tx, tenantId, [report(one.id, 'sent')]));
      assert.equal(await status(one.id), 'sent');
    });
  });

  describe('pace', () => {
    const until = 90_000;
    const book = async (now: number, count: number, dueAt: number | null = null) => {
      const booking = { numberId: lane.numberId, count, dueAt };
      const slots = await db.database.transact(tx => bookLanes(tx, tenantId, [booking], now, until));
      return slots.get(lane.numberId)!;
    };

    test('moments are spread evenly and never promised twice', async () => {
      const slots: number[] = [];
      for (let now = 10_000; now < 12_000; now += 10) {
        slots.push(...(await book(now, 2)));
        // What was refused goes elsewhere: nothing waits.
        await db.database.transact(tx =>
          tx.all('update lanes set due_at = null where tenant_id = $1 and number_id = $2', [
            tenantId,
            lane.numberId,
          ]),
        );
      }
      const gaps = slots.slice(1).map((slot, i) => slot - slots[i]!);
      assert.ok(gaps.every(gap => gap >= intervalUs(80)));
      for (const start of slots) {
        const inSecond = slots.filter(slot => slot >= start && slot < start + 1_000_000).length;
        assert.ok(inSecond <= 80, `${inSecond} in one second`);
      }
      // Two seconds and the horizon, at no less than 95 % of the rate.
      assert.ok(slots.length >= 2 * 80 * 0.95, `${slots.length} sends`);
    });

    test('a lane with a queue gives no moments past it', async () => {
      await db.database.transact(tx => markDue(tx, lane, 5_000));
      assert.deepEqual(await book(5_000, 1), []);
      assert.equal((await book(4_000, 1)).length, 1);
    });

    test('what finds the lane closed makes it due at once; what was for later, then', async () => {
      const due = async () => (await dueLanes(db.database, 1e9, 10)).length;
      await db.database.transact(tx => pauseLane(tx, lane, 'lane', 8_000));
      assert.deepEqual(await book(7_000, 1, 7_500), []);
      assert.equal((await dueLanes(db.database, 8_000, 10)).length, 1);
      await db.database.transact(tx => closeLanes(tx, tenantId, [closing()]));
      assert.equal(await due(), 0);
      assert.equal((await book(9_000, 1, 9_500)).length, 1);
      assert.equal((await dueLanes(db.database, 9_499, 10)).length, 0);
      assert.equal((await dueLanes(db.database, 9_500, 10)).length, 1);
    });

    test('single messages are claimed before bulk, and bulk only when it is not paused', async () => {
      const bulk = message({ priority: 1, dueAt: 1_000 });
      const single = message({ dueAt: 2_000 });
      await insert([bulk, single]);
      const order = async (limit: number, withBulk: boolean) =>
        (await take(3_000, limit, withBulk)).claimed.map(({ id, priority }) => [id, priority]);
      assert.deepEqual(await order(1, true), [[single.id, 0]]);
      assert.deepEqual(await order(10, false), []);
      assert.deepEqual(await order(10, true), [[bulk.id, 1]]);
    });

    test('a booked lane is swept when its claims end, one that was only queued to is not', async () => {
      await book(1_000, 0, 1_000);
      assert.deepEqual(await lanesToSweep(db.database, 1e9, 10), []);
      await db.database.transact(tx => closeLanes(tx, tenantId, [closing()]));
      await book(2_000, 1);
      assert.deepEqual(await lanesToSweep(db.database, until - 1, 10), []);
      assert.deepEqual(await lanesToSweep(db.database, until, 10), [lane]);
    });
  });

  describe('settlement', () => {
    test('later: back to the queue with a time, and the lane rests', async () => {
      const one = message();
      await insert([one], true);
      await settleAs(one.id, { kind: 'later', reason: 'r', error: null, pause: 'lane', delayMs: 500 });
      assert.equal(await status(one.id), 'queued');
      const open = await db.database.transact(tx => openLanes(tx, tenantId, [lane.numberId], 3_400));
      assert.equal(open.size, 0);
      assert.deepEqual((await take(3_400, 10)).claimed, []);
      assert.equal((await take(3_500, 10)).claimed[0]?.tries, 2);
    });

    test('a settlement that is repeated, its commit unheard of, leaves the next try alone', async () => {
      const one = message();
      await insert([one], true);
      const later: Verdict = { kind: 'later', reason: 'r', error: null, pause: 'message', delayMs: 500 };
      await settleAs(one.id, later);
      assert.equal((await take(3_500, 10)).claimed[0]?.tries, 2);
      await settleAs(one.id, later);
      // Queued again it would be sent while its second try is under way.
      assert.equal(await status(one.id), 'sending');
    });

    test('later for a pair: only that recipient rests', async () => {
      const [one, same, other] = [message(), message(), message({ recipient: '4912345678' })];
      await insert([one], true);
      await insert([same, other]);
      await settleAs(one.id, { kind: 'later', reason: 'r', error: null, pause: 'pair', delayMs: 4_000 });
      assert.deepEqual(
        (await take(3_500, 10)).claimed.map(({ id }) => id),
        [other.id],
      );
    });

    test('later for bulk: single messages go on', async () => {
      const [one, bulk, single] = [message({ priority: 1 }), message({ priority: 1 }), message()];
      await insert([one], true);
      await insert([bulk, single]);
      await settleAs(one.id, { kind: 'later', reason: 'r', error: null, pause: 'bulk', delayMs: 3_600_000 });
      const open = await db.database.transact(tx => openLanes(tx, tenantId, [lane.numberId], 3_500));
      assert.equal(open.get(lane.numberId)?.bulkPausedUntil, 3_603_000);
      assert.deepEqual(
        (await take(3_500, 10)).claimed.map(({ id }) => id),
        [single.id],
      );
    });

    test('a status that overtakes the answer stands, and the answer fills in what it lacks', async () => {
      const one = message();
      await insert([one], true);
      await db.database.transact(tx => advance(tx, tenantId, [report(one.id, 'delivered')]));
      await settleAs(one.id, yes);
      const stored = await findMessage(db.database, tenantId, one.id);
      assert.equal(stored?.status, 'delivered');
      assert.equal(stored?.times.accepted_at, 3_000);
      assert.deepEqual(
        await settlements(db.database, tenantId, [one.id]).then(([s]) => s?.status),
        'delivered',
      );
    });

    test('an unknown outcome is settled by a status through our id', async () => {
      const one = message();
      await insert([one], true);
      await settleAs(one.id, { kind: 'unknown', reason: 'reset' });
      assert.equal(await status(one.id), 'uncertain');
      const { changes } = await db.database.transact(tx => advance(tx, tenantId, [report(one.id, 'sent')]));
      assert.deepEqual(
        changes.map(change => change.status),
        ['sent'],
      );
      assert.equal((await findMessage(db.database, tenantId, one.id))?.wamid, `wamid.${one.id}`);
    });

    test('a report that names no message of the number is a stray', async () => {
      const one = message();
      await insert([one], true);
      const other = { ...report(one.id, 'sent'), numberId: 8 };
      assert.deepEqual(await db.database.transact(tx => advance(tx, tenantId, [other])), {
        changes: [],
        strays: 1,
        billed: [],
      });
      assert.deepEqual(await db.database.transact(tx => advance(tx, 'tenant-b', [report(one.id, 'sent')])), {
        changes: [],
        strays: 1,
        billed: [],
      });
      assert.equal(await status(one.id), 'sending');
    });
  });

  test('statuses in any order, any batches, any repeats: the highest stands, times are kept, nothing goes back', async () => {
    const kinds = ['sent', 'delivered', 'read', 'played', 'failed'] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.constantFrom(...kinds), { maxLength: 4 }), { maxLength: 5 }),
        async batches => {
          const one = message();
          await insert([one], true);
          let highest: MessageStatus = 'sending';
          for (const batch of batches) {
            const before = (await findMessage(db.database, tenantId, one.id))!;
            await db.database.transact(tx =>
              advance(
                tx,
                tenantId,
                batch.map(kind => report(one.id, kind, 1_000 + kinds.indexOf(kind))),
              ),
            );
            for (const kind of batch) if (statusRank[kind] > statusRank[highest]) highest = kind;
            const now = (await findMessage(db.database, tenantId, one.id))!;
            assert.ok(statusRank[now.status] >= statusRank[before.status]);
            assert.equal(now.status, highest);
          }
          const stored = (await findMessage(db.database, tenantId, one.id))!;
          for (const kind of ['sent', 'delivered', 'read', 'played'] as const) {
            const expected = batches.flat().includes(kind) ? 1_000 + kinds.indexOf(kind) : null;
            assert.equal(stored.times[`${kind}_at`], expected);
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});
