/** What accept decides: repeats, limits, opt-outs, windows and money, each call for itself and all in one transaction. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Cost } from '../../gateway/billing/prices.ts';
import { readWallet, topUp } from '../../gateway/billing/wallet.ts';
import { refusals } from '../../gateway/canonical/refusal.ts';
import type { NewMessage } from '../../gateway/messages/message.ts';
import { forgetKeys } from '../../gateway/messages/policy/idempotency.ts';
import { type Asked, judge, type Verdict } from '../../gateway/messages/policy/judge.ts';
import { insertMessages } from '../../gateway/messages/queue.ts';
import { createSeal } from '../../gateway/platform/seal.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';
import { newMessage } from '../harness/new-message.ts';

const seal = createSeal(Buffer.alloc(32, 7));
const tenantId = 'tenant-a';
const now = 1_000_000;
const cost: Cost = { fee: 1_000, price: 5_000, market: '90', category: 'marketing' };

const message = (overrides: Partial<NewMessage> = {}) => newMessage({ tenantId, numberId: 7, ...overrides });

const call = (overrides: Partial<Asked> = {}): Asked => ({
  messages: [message()],
  key: { id: 'k', limits: { perSecond: 80, perMinute: 4_800 }, caps: null },
  idempotency: null,
  needsWindow: false,
  fallback: null,
  marketing: false,
  prepaid: false,
  ...overrides,
});

const refusalOf = (verdict: Verdict | undefined) =>
  verdict?.kind === 'refused' ? verdict.refusal : undefined;

onEachEngine((_engine, open) => {
  let db: TestDatabase;
  beforeEach(async () => {
    db = await open();
  });
  afterEach(() => db.close());

  /** As accept does it: what was judged is stored in the same transaction. */
  const ask = (calls: Asked[], at = now) =>
    db.database.transact(async tx => {
      const verdicts = await judge(tx, tenantId, calls, at, seal);
      const kept = verdicts.flatMap(verdict => (verdict.kind === 'accepted' ? verdict.messages : []));
      await insertMessages(
        tx,
        tenantId,
        kept.map(one => ({ message: one, claim: null })),
      );
      return verdicts;
    });
  const fill = (micros: number) =>
    db.database.transact(tx =>
      topUp(tx, { tenantId, id: 'first', micros, note: '', madeBy: 'operator', madeAt: now }),
    );

  describe('idempotency', () => {
    const named = (key: string, fingerprint: string, overrides: Partial<Asked> = {}) =>
      call({ idempotency: { key, fingerprint }, ...overrides });

    test('200 at once make one message, and all the others are told of it', async () => {
      const calls = Array.from({ length: 200 }, () =>
        named('order-1', 'a', { key: { id: 'k', limits: { perSecond: 1, perMinute: 1 }, caps: null } }),
      );
      const verdicts = (
        await Promise.all(Array.from({ length: 20 }, (_, i) => ask(calls.slice(i * 10, i * 10 + 10))))
      ).flat();
      const accepted = verdicts.filter(({ kind }) => kind === 'accepted');
      assert.equal(accepted.length, 1);
      const [id] = accepted
        .flatMap(verdict => (verdict.kind === 'accepted' ? verdict.messages : []))
        .map(one => one.id);
      const told = verdicts.flatMap(verdict => (verdict.kind === 'repeated' ? [verdict.messageIds] : []));
      assert.equal(told.length, 199);
      assert.ok(told.every(ids => ids.length === 1 && ids[0] === id));
    });

    test('another body under the same key is refused', async () => {
      await ask([named('order-1', 'a')]);
      const [verdict] = await ask([named('order-1', 'b')]);
      assert.deepEqual(refusalOf(verdict), { code: 'idempotency_mismatch', key: 'order-1' });
    });

    test('a call that was refused is not kept, and its twin in the same batch hears the same', async () => {
      const full = { key: { id: 'k', limits: { perSecond: 1, perMinute: 10 }, caps: null } };
      const verdicts = await ask([call(full), named('order-1', 'a', full), named('order-1', 'a', full)]);
      assert.deepEqual(
        verdicts.map(({ kind }) => kind),
        ['accepted', 'refused', 'refused'],
      );
      const [again] = await ask([named('order-1', 'b', full)], now + 1_000);
      assert.equal(again?.kind, 'accepted');
    });

    test('after 24 hours a key is free again, and then forgotten', async () => {
      const dayMs = 24 * 3_600_000;
      await ask([named('order-1', 'a')]);
      assert.equal((await ask([named('order-1', 'a')], now + dayMs - 1))[0]?.kind, 'repeated');
      assert.equal((await ask([named('order-1', 'b')], now + dayMs))[0]?.kind, 'accepted');
      assert.equal(await db.database.transact(tx => forgetKeys(tx, tenantId, now + dayMs, 10)), 0);
      assert.equal(await db.database.transact(tx => forgetKeys(tx, tenantId, now + 2 * dayMs, 10)), 1);
    });

    test("another tenant's key of the same name is another key", async () => {
      await ask([named('order-1', 'a')]);
      const [verdict] = await db.database.transact(tx =>
        judge(
          tx,
          'tenant-b',
          [named('order-1', 'b', { messages: [message({ tenantId: 'tenant-b' })] })],
          now,
          seal,
        ),
      );
      assert.equal(verdict?.kind, 'accepted');
    });
  });

  describe('limits', () => {
    test('what is past the limit is refused with the moment of room, and told how the key stands', async () => {
      const key = { id: 'k', limits: { perSecond: 2, perMinute: 5 }, caps: null };
      const verdicts = await ask([call({ key }), call({ key }), call({ key })]);
      assert.deepEqual(
        verdicts.map(({ kind, limit }) => [kind, limit.remainingSecond]),
        [
          ['accepted', 1],
          ['accepted', 0],
          ['refused', 0],
        ],
      );
      const refusal = { code: 'rate_limited', window: 'sec', limit: 2, retryAfterMs: 1_000 };
      assert.deepEqual(refusalOf(verdicts[2]), refusal);
    });

    test('one key full costs another nothing', async () => {
      const limits = { perSecond: 1, perMinute: 1 };
      const verdicts = await ask(['a', 'a', 'b'].map(id => call({ key: { id, limits, caps: null } })));
      assert.deepEqual(
        verdicts.map(({ kind }) => kind),
        ['accepted', 'refused', 'accepted'],
      );
    });
  });

  describe('window and opt-out', () => {
    const openWindow = (recipient: string, closesAt: number, freeUntil: number | null = null) =>
      db.database.transact(tx =>
        tx.all(
          `insert into windows (tenant_id, number_id, recipient, opened_at, closes_at, free_until) values ($1, 7, $2, 0, $3, $4)`,
          [tenantId, recipient, closesAt, freeUntil],
        ),
      );
    const to = (...recipients: string[]) => recipients.map(recipient => message({ recipient }));

    test('open until the very moment it closes', async () => {
      await openWindow('1', now + 1);
      await openWindow('2', now);
      const free = (recipient: string) => call({ messages: to(recipient), needsWindow: true });
      const verdicts = await ask([free('1'), free('2'), free('3')]);
      assert.equal(verdicts[0]?.kind, 'accepted');
      assert.deepEqual(refusalOf(verdicts[1]), { code: 'window_closed', recipient: '2', closedAt: now });
      assert.deepEqual(refusalOf(verdicts[2]), { code: 'window_closed', recipient: '3', closedAt: null });
    });

    test('of several recipients the others are kept as failed, with the reason', async () => {
      await openWindow('1', now + 1);
      const [verdict] = await ask([call({ messages: to('1', '2'), needsWindow: true })]);
      assert.ok(verdict?.kind === 'accepted');
      assert.deepEqual(
        verdict.messages.map(({ recipient, status, reason }) => [recipient, status, reason]),
        [
          ['1', 'queued', null],
          ['2', 'failed', refusals.window_closed.title],
        ],
      );
    });

    test('a fallback is said instead, to those whose window is closed', async () => {
      await openWindow('1', now + 1);
      const messages = to('1', '2');
      const fallback = { messages: messages.map(one => ({ ...one, type: 'template' })), marketing: false };
      const [verdict] = await ask([call({ messages, fallback, needsWindow: true })]);
      assert.ok(verdict?.kind === 'accepted');
      assert.deepEqual(
        verdict.messages.map(({ type }) => type),
        ['text', 'template'],
      );
    });

    test('marketing does not go to those who opted out', async () => {
      await db.database.transact(tx =>
        tx.all(`insert into opt_outs (tenant_id, recipient, at, source) values ($1, '1', 0, 'word')`, [
          tenantId,
        ]),
      );
      const verdicts = await ask([
        call({ messages: to('1'), marketing: true }),
        call({ messages: to('1') }),
        call({ messages: to('2'), marketing: true }),
      ]);
      assert.deepEqual(refusalOf(verdicts[0]), { code: 'recipient_opted_out', recipient: '1' });
      assert.deepEqual(
        verdicts.map(({ kind }) => kind),
        ['refused', 'accepted', 'accepted'],
      );
    });

    test('what is free to this person is not held', async () => {
      await openWindow('1', now + 1, now + 1);
      const messages = to('1').map(one => ({ ...one, cost }));
      await fill(1_000);
      const [verdict] = await ask([call({ messages, prepaid: true })]);
      assert.equal(verdict?.kind, 'accepted');
      assert.equal((await readWallet(db.database, tenantId))?.held, 1_000);
    });
  });

  describe('balance', () => {
    const paid = (overrides: Partial<NewMessage> = {}) =>
      call({ messages: [message({ cost, ...overrides })], prepaid: true });

    test('a hold for each, until the next is not covered', async () => {
      await fill(13_000);
      const verdicts = await ask([paid(), paid(), paid()]);
      assert.deepEqual(
        verdicts.map(({ kind }) => kind),
        ['accepted', 'accepted', 'refused'],
      );
      const refusal = { code: 'balance_insufficient', neededMicros: 6_000, availableMicros: 1_000 };
      assert.deepEqual(refusalOf(verdicts[2]), refusal);
      assert.deepEqual(await readWallet(db.database, tenantId), {
        toppedUp: 13_000,
        charged: 0,
        held: 12_000,
        lowBelow: null,
        lowSince: null,
      });
    });

    test('two processes never hold more than there is', async () => {
      await fill(60_000);
      const verdicts = await Promise.all(Array.from({ length: 20 }, () => ask([paid()])));
      assert.equal(verdicts.flat().filter(({ kind }) => kind === 'accepted').length, 10);
      assert.equal((await readWallet(db.database, tenantId))?.held, 60_000);
    });

    test('a fake message is checked and holds nothing', async () => {
      await fill(6_000);
      const verdicts = await ask([paid({ fake: true }), paid({ fake: true })]);
      assert.ok(verdicts.every(verdict => verdict.kind === 'accepted' && verdict.messages[0]!.cost === null));
      assert.equal((await readWallet(db.database, tenantId))?.held, 0);
      await ask([paid()]);
      assert.equal(refusalOf((await ask([paid({ fake: true })]))[0])?.code, 'balance_insufficient');
    });
  });
});
