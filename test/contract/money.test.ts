/**
 * Money on both engines: whatever is sent, told twice, in disorder, lost with a crash or topped up, every micro is where the proof
 * says, and each message has cost what Meta's words come to.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import pino from 'pino';
import { charge, heldMaxMs, releaseStale } from '../../gateway/billing/charge.ts';
import { watchLowBalances } from '../../gateway/billing/low-balance.ts';
import { createPriceTable } from '../../gateway/billing/prices.ts';
import { proveMoney } from '../../gateway/billing/proof.ts';
import { readStatement } from '../../gateway/billing/statement.ts';
import { availableOf, readWallet, setLowBelow, type TopUp, topUp } from '../../gateway/billing/wallet.ts';
import { firstIdAt, newId } from '../../gateway/canonical/ids.ts';
import { advance, chargeAdvanced, type StatusReport } from '../../gateway/messages/advance.ts';
import { sendName } from '../../gateway/messages/journal.ts';
import type { NewMessage } from '../../gateway/messages/message.ts';
import { createLane } from '../../gateway/messages/pace.ts';
import { judge } from '../../gateway/messages/policy/judge.ts';
import {
  abandonClaims,
  cancelMessage,
  claimMessages,
  expireMessages,
  giveUpUncertain,
  insertMessages,
  takeOverClaims,
} from '../../gateway/messages/queue.ts';
import { settle } from '../../gateway/messages/settle.ts';
import { type Verdict, verdictOf } from '../../gateway/meta/verdict.ts';
import { type Tx, together } from '../../gateway/platform/database.ts';
import { ageMessages } from '../../gateway/retention/age.ts';
import { newAnnouncer, statusChange } from '../harness/announcing.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';
import { newMessage } from '../harness/new-message.ts';
import { assertMoneyAddsUp } from '../harness/prove-money.ts';

const numberId = 7;
const claim = { by: 'me', until: 100_000 };
const claimAgain = { by: 'another', until: 700_000 };
const fee = 1_000;
const now = 2_000;

const priceOf = createPriceTable([
  { market: '90', category: 'marketing', validFrom: 0, micros: 10_900 },
  { market: '90', category: 'utility', validFrom: 0, micros: 5_300 },
  { market: '90', category: 'service', validFrom: 0, micros: 0 },
  { market: '90', category: 'service', validFrom: 1_500, micros: 5_300 },
  { market: '*', category: 'marketing', validFrom: 0, micros: 60_400 },
]);

const billed = (tenantId: string, overrides: Partial<NewMessage> = {}) => {
  const { micros, market } = priceOf('905321234567', 'marketing', 1_000)!;
  const cost = { fee, price: micros, market, category: 'marketing' } as const;
  return newMessage({ tenantId, numberId, cost, ...overrides });
};

const report = (
  tenantId: string,
  messageId: string,
  status: StatusReport['status'],
  pricing: string | null = null,
): StatusReport => ({
  ...{ tenantId, numberId, messageId, wamid: `wamid.${messageId}`, status, at: now, waId: null, pricing },
  error: status === 'failed' ? '{"reason":"131026 Message undeliverable","meta":null}' : null,
  change: statusChange(`wamid.${messageId}`, status),
});

const verdicts: Verdict[] = [
  { kind: 'sent', wamid: 'wamid.yes', answer: {} },
  verdictOf({ kind: 'answer', status: 400, body: { error: { code: 131026, message: 'no' } } }, 1, 0.5),
  verdictOf({ kind: 'answer', status: 429, body: { error: { code: 130429, message: 'later' } } }, 1, 0.5),
  verdictOf({ kind: 'unanswered', reason: 'reset' }, 1, 0.5),
];

class Crash extends Error {}

onEachEngine((engine, open) => {
  let db: TestDatabase;
  beforeEach(async () => {
    db = await open();
  });
  afterEach(() => db.close());

  const transact = <T>(work: (tx: Tx) => Promise<T>) => db.database.transact(work);
  const topUpWith = (tenantId: string, micros: number, id = newId()): TopUp => ({
    ...{ tenantId, id, micros, note: '', madeBy: 'operator', madeAt: now },
  });
  const fill = (tenantId: string, micros: number) => transact(tx => topUp(tx, topUpWith(tenantId, micros)));
  /** As accept does it: judged, held and stored in one transaction. */
  const send = async (tx: Tx, messages: NewMessage[], claimed = true) => {
    const { tenantId } = messages[0]!;
    const key = { id: 'k', limits: { perSecond: 1e6, perMinute: 1e6 }, caps: null };
    const call = { messages, key, idempotency: null, needsWindow: false, fallback: null, marketing: false };
    const [verdict] = await judge(tx, tenantId, [{ ...call, prepaid: true }], now, { digest: () => '' });
    if (verdict?.kind !== 'accepted') return [];
    await insertMessages(
      tx,
      tenantId,
      verdict.messages.map(message => ({ message, claim: claimed ? claim : null })),
    );
    return verdict.messages;
  };
  const tell = async (tx: Tx, tenantId: string, reports: StatusReport[]) => {
    const advanced = await advance(tx, tenantId, reports);
    await chargeAdvanced(tx, [{ tenantId, ...advanced }], now, priceOf);
  };
  const settleAs = (tx: Tx, message: NewMessage, verdict: Verdict, claimedBy = claim.by, tries = 1) =>
    settle(tx, [{ message: { ...message, tries, slotUs: 0 }, verdict, claimedBy, at: now }], 10_000);
  const prove = async (...tenantIds: string[]) =>
    assert.deepEqual(await proveMoney(db.database, tenantIds), []);
  const wallet = async (tenantId: string) => {
    const { toppedUp, charged, held } = await readWallet(db.database, tenantId);
    return { toppedUp, charged, held };
  };

  describe('a message costs', () => {
    const tenantId = 'tenant-a';
    const lane = { tenantId, numberId };
    beforeEach(async () => {
      await transact(tx => createLane(tx, lane, 80));
      await fill(tenantId, 100_000);
    });

    test('our fee when Meta takes it and its price when it is delivered, once', async () => {
      const [message] = await transact(tx => send(tx, [billed(tenantId)]));
      assert.deepEqual(await wallet(tenantId), { toppedUp: 100_000, charged: 0, held: 11_900 });
      await transact(tx => settleAs(tx, message!, verdicts[0]!));
      assert.deepEqual(await wallet(tenantId), { toppedUp: 100_000, charged: 1_000, held: 10_900 });
      const delivered = report(tenantId, message!.id, 'delivered', 'regular marketing');
      for (let i = 0; i < 3; i++) await transact(tx => tell(tx, tenantId, [delivered, delivered]));
      assert.deepEqual(await wallet(tenantId), { toppedUp: 100_000, charged: 11_900, held: 0 });
      await prove(tenantId);
    });

    test("what Meta's category costs at the time it was made, whichever status brings it", async () => {
      const [early] = await transact(tx => send(tx, [billed(tenantId)]));
      const [late] = await transact(tx => send(tx, [billed(tenantId, { createdAt: 1_600 })]));
      for (const { id } of [early!, late!]) {
        await transact(tx => tell(tx, tenantId, [report(tenantId, id, 'sent', 'regular service')]));
        await transact(tx => tell(tx, tenantId, [report(tenantId, id, 'read')]));
      }
      assert.deepEqual(await wallet(tenantId), { toppedUp: 100_000, charged: 2_000 + 5_300, held: 0 });
      await prove(tenantId);
    });

    test('its price when the status that told it comes last, and not before', async () => {
      const [message] = await transact(tx => send(tx, [billed(tenantId)]));
      await transact(tx => tell(tx, tenantId, [report(tenantId, message!.id, 'delivered')]));
      assert.deepEqual(await wallet(tenantId), { toppedUp: 100_000, charged: 1_000, held: 10_900 });
      await transact(tx =>
        tell(tx, tenantId, [report(tenantId, message!.id, 'sent', 'free customer_service')]),
      );
      assert.deepEqual(await wallet(tenantId), { toppedUp: 100_000, charged: 1_000, held: 0 });
      await prove(tenantId);
    });

    test('nothing when nobody sends it', async () => {
      const [first, second] = await transact(tx => send(tx, [billed(tenantId), billed(tenantId)], false));
      assert.equal(await transact(tx => cancelMessage(tx, tenantId, first!.id, now)), true);
      const expired = await transact(async tx => {
        const ids = await expireMessages(tx, lane, 2_000_000, 10);
        await charge(tx, [{ tenantId, ids }], now);
        return ids;
      });
      assert.deepEqual(expired, [second!.id]);
      assert.deepEqual(await wallet(tenantId), { toppedUp: 100_000, charged: 0, held: 0 });
      await prove(tenantId);
    });

    test('nothing when its answer never came and it was given up, and all of it when word comes later', async () => {
      const [message] = await transact(tx => send(tx, [billed(tenantId)]));
      await transact(tx => settleAs(tx, message!, verdicts[3]!));
      assert.equal((await wallet(tenantId)).held, 11_900);
      await transact(async tx => {
        const ids = await giveUpUncertain(tx, lane, 10_000, now);
        await charge(tx, [{ tenantId, ids }], now);
      });
      assert.deepEqual(await wallet(tenantId), { toppedUp: 100_000, charged: 0, held: 0 });
      await transact(tx =>
        tell(tx, tenantId, [report(tenantId, message!.id, 'delivered', 'regular marketing')]),
      );
      assert.deepEqual(await wallet(tenantId), { toppedUp: 100_000, charged: 11_900, held: 0 });
      await prove(tenantId);
    });

    test('nothing of its price once Meta has been silent for 30 days; what is scheduled for then keeps its hold', async () => {
      const madeAt = 10_000;
      const old = billed(tenantId, { id: firstIdAt(madeAt), createdAt: madeAt, dueAt: madeAt });
      const scheduled = billed(tenantId, { id: firstIdAt(madeAt + 1), dueAt: 1e12, status: 'scheduled' });
      const [first] = await transact(tx => send(tx, [old]));
      await transact(tx => send(tx, [scheduled], false));
      await transact(tx => settleAs(tx, first!, verdicts[0]!));
      const after = madeAt + heldMaxMs;
      const release = (since: number) =>
        transact(tx =>
          releaseStale(tx, tenantId, { firstIdKept: firstIdAt(since), dueBefore: since }, 10, after),
        );
      assert.equal(await release(madeAt), 0);
      assert.equal(await release(madeAt + 10), 1);
      assert.equal(await release(madeAt + 10), 0);
      assert.deepEqual(await wallet(tenantId), { toppedUp: 100_000, charged: 1_000, held: 11_900 });
      await prove(tenantId);
    });

    test('what it has cost, also when retention removes it', async () => {
      const [message] = await transact(tx => send(tx, [billed(tenantId, { id: firstIdAt(5_000) })]));
      const [waiting] = await transact(tx => send(tx, [billed(tenantId, { id: firstIdAt(5_001) })]));
      await transact(tx =>
        tell(tx, tenantId, [report(tenantId, message!.id, 'delivered', 'regular marketing')]),
      );
      await transact(tx => settleAs(tx, waiting!, verdicts[0]!));
      await transact(tx => ageMessages(tx, tenantId, 'messages', '', 6_000, 10, now));
      assert.deepEqual(await db.database.all('select id from messages where tenant_id = $1', [tenantId]), []);
      assert.deepEqual(await wallet(tenantId), { toppedUp: 100_000, charged: 12_900, held: 0 });
      await prove(tenantId);
    });

    test('nothing where nobody pays', async () => {
      const free = newMessage({ tenantId, numberId });
      await transact(tx => insertMessages(tx, tenantId, [{ message: free, claim }]));
      await transact(tx => settleAs(tx, free, verdicts[0]!));
      await transact(tx => tell(tx, tenantId, [report(tenantId, free.id, 'delivered', 'regular marketing')]));
      assert.deepEqual(await wallet(tenantId), { toppedUp: 100_000, charged: 0, held: 0 });
      const [row] = await db.database.all('select pricing, category from messages where tenant_id = $1', [
        tenantId,
      ]);
      assert.deepEqual({ ...row }, { pricing: null, category: null });
    });

    test('and the statement says so, by each of its groupings', async () => {
      const [message] = await transact(tx => send(tx, [billed(tenantId, { campaign: 'spring' })]));
      await transact(tx => send(tx, [billed(tenantId)]));
      await transact(tx =>
        tell(tx, tenantId, [report(tenantId, message!.id, 'delivered', 'regular utility')]),
      );
      const period = { from: 0, to: Date.now() + 1_000 };
      const lines = async (by: 'day' | 'category' | 'number' | 'campaign') =>
        (await readStatement(db.database, tenantId, { ...period, by })).map(line =>
          [line.key, line.messages, line.fees, line.prices, line.held].join(' '),
        );
      assert.deepEqual(await lines('day'), ['1970-01-01 2 1000 5300 11900']);
      assert.deepEqual(await lines('category'), ['marketing 1 0 0 11900', 'utility 1 1000 5300 0']);
      assert.deepEqual(await lines('number'), ['7 2 1000 5300 11900']);
      assert.deepEqual(await lines('campaign'), [' 1 0 0 11900', 'spring 1 1000 5300 0']);
    });
  });

  describe('a wallet', () => {
    const tenantId = 'tenant-a';
    test('is topped up once for each id', async () => {
      const again = topUpWith(tenantId, 25_000_000, 'invoice-1');
      const first = await transact(tx => topUp(tx, again));
      const second = await transact(tx => topUp(tx, { ...again, micros: 1 }));
      assert.equal(first, again);
      assert.equal(second.micros, 25_000_000);
      assert.equal((await readWallet(db.database, tenantId)).toppedUp, 25_000_000);
      await prove(tenantId);
    });

    test('is low since the first time it fell below its mark, until a top-up reaches the mark', async () => {
      const lowSince = async () => (await readWallet(db.database, tenantId)).lowSince;
      await fill(tenantId, 30_000);
      await transact(tx => setLowBelow(tx, tenantId, 10_000, 1));
      await transact(tx => send(tx, [billed(tenantId)]));
      assert.equal(await lowSince(), null);
      await transact(tx => send(tx, [billed(tenantId)]));
      assert.equal(await lowSince(), now);
      await transact(tx => topUp(tx, { ...topUpWith(tenantId, 1), madeAt: 9_000 }));
      assert.equal(await lowSince(), now);
      await fill(tenantId, 30_000);
      assert.equal(await lowSince(), null);
      await transact(tx => setLowBelow(tx, tenantId, 90_000, 77));
      assert.equal(await lowSince(), 77);
      await transact(tx => setLowBelow(tx, tenantId, null, 78));
      assert.equal(await lowSince(), null);
    });

    test('that has become low is told in the log, once', async () => {
      const lines: { tenant?: string; available?: string }[] = [];
      const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(JSON.parse(line)) });
      const low = watchLowBalances({
        ...{ database: db.database, log, currency: 'USD' },
        announce: newAnnouncer(() => now).announce,
      });
      await fill(tenantId, 12_000);
      await low.look();
      await transact(tx => setLowBelow(tx, tenantId, 10_000, now));
      await transact(tx => send(tx, [billed(tenantId)]));
      await low.look();
      await low.look();
      assert.deepEqual(
        lines.map(({ tenant, available }) => [tenant, available]),
        [[tenantId, '0.0001 USD']],
      );
    });

    test('that does not add up is found, with the figures', async () => {
      await fill(tenantId, 5_000);
      await db.database.transact(tx =>
        tx.all('update wallets set charged = charged + 1 where tenant_id = $1', [tenantId]),
      );
      const [astray] = await proveMoney(db.database, [tenantId]);
      assert.deepEqual(astray?.charged, { wallet: 1, proof: 0 });
      await assert.rejects(assertMoneyAddsUp(db.database), /tenant-a/);
      await db.database.transact(tx =>
        tx.all('update wallets set charged = charged - 1 where tenant_id = $1', [tenantId]),
      );
    });
  });

  test('in whatever order, whatever crashes, every micro is where it should be', async () => {
    const statuses = fc.constantFrom<StatusReport['status']>('sent', 'delivered', 'read', 'failed');
    const which = fc.nat(11);
    const step = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant('send' as const),
          count: fc.integer({ min: 1, max: 4 }),
          claimed: fc.boolean(),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant('settle' as const),
          which,
          verdict: fc.nat(3),
          // By a process that was taken for dead and wakes up, of the first try, whoever has it by now.
          late: fc.boolean(),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constant('take over' as const),
          from: fc.constantFrom(claim.by, claimAgain.by),
          // Of the sends it had begun the journal names some, or it is lost.
          written: fc.option(fc.array(which, { maxLength: 4 })),
        }),
      },
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constant('tell' as const),
          reports: fc.array(fc.tuple(which, statuses, fc.boolean()), { minLength: 1, maxLength: 5 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), which }) },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constantFrom(
            ...(['expire', 'give up', 'release', 'remove', 'claim again', 'abandon'] as const),
          ),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constant('top up' as const),
          micros: fc.integer({ min: -20_000, max: 50_000 }),
        }),
      },
    );
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(step, fc.boolean(), fc.boolean()), { maxLength: 30 }),
        async steps => {
          const tenantId = `tenant-${++runs}`;
          const lane = { tenantId, numberId: runs };
          await transact(tx => createLane(tx, lane, 80));
          await fill(tenantId, 60_000);
          const messages: NewMessage[] = [];
          const heard = new Map<string, { taken: boolean; delivered: boolean; priced: boolean }>();
          /** Meta says one thing of a message, however often. */
          const pricingOf = (id: string) =>
            ['regular marketing', 'regular utility', 'free service'][
              messages.findIndex(one => one.id === id) % 3
            ]!;
          const made = (count: number) =>
            Array.from({ length: count }, () => billed(tenantId, { numberId: lane.numberId }));

          for (const [one, mayCrash, crashes] of steps) {
            const sent: NewMessage[] = [];
            const facts: [string, Partial<{ taken: boolean; delivered: boolean; priced: boolean }>][] = [];

            const pick = (i: number) => messages[i % Math.max(1, messages.length)];
            const work = async (tx: Tx) => {
              switch (one.do) {
                case 'send':
                  sent.push(...(await send(tx, made(one.count), one.claimed)));
                  break;
                case 'settle': {
                  const message = pick(one.which);
                  if (message === undefined) break;
                  const [row] = await tx.all<{ tries: number; claimed_by: string | null }>(
                    'select tries, claimed_by from messages where tenant_id = $1 and id = $2',
                    [tenantId, message.id],
                  );
                  const claimedBy = one.late ? claim.by : (row?.claimed_by ?? claim.by);
                  await settleAs(tx, message, verdicts[one.verdict]!, claimedBy, one.late ? 1 : row?.tries);
                  if (one.verdict === 0) facts.push([message.id, { taken: true }]);
                  break;
                }
                case 'tell': {
                  const reports = one.reports.flatMap(([i, status, saysPrice]) => {
                    const message = pick(i);
                    if (message === undefined) return [];
                    const pricing = saysPrice && status !== 'failed' ? pricingOf(message.id) : null;
                    const delivered = status === 'delivered' || status === 'read';
                    facts.push([
                      message.id,
                      {
                        taken: true,
                        ...(delivered ? { delivered } : {}),
                        ...(pricing === null ? {} : { priced: true }),
                      },
                    ]);
                    return [{ ...report(tenantId, message.id, status, pricing), numberId: lane.numberId }];
                  });
                  await tell(tx, tenantId, reports);
                  break;
                }
                case 'cancel': {
                  const message = pick(one.which);
                  if (message !== undefined) await cancelMessage(tx, tenantId, message.id, now);
                  break;
                }
                case 'remove':
                  await ageMessages(tx, tenantId, 'messages', '', Date.now() + 1_000, 1, now);
                  break;
                case 'claim again': {
                  const asks = [{ numberId: lane.numberId, limit: 3, bulk: true }];
                  const taken = await claimMessages(tx, tenantId, asks, 600_000, claimAgain);
                  const ids = taken.get(lane.numberId)!.expired;
                  await charge(tx, [{ tenantId, ids }], now);
                  break;
                }
                case 'take over': {
                  const named = one.written?.flatMap(i => {
                    const message = pick(i);
                    return message === undefined ? [] : [sendName(message.id, 1), sendName(message.id, 2)];
                  });
                  await takeOverClaims(tx, lane, {
                    id: one.from,
                    written: named === undefined ? undefined : new Set(named),
                  });
                  break;
                }
                case 'abandon':
                  await abandonClaims(tx, lane, claimAgain.until);
                  break;
                case 'expire':
                case 'give up': {
                  const ids =
                    one.do === 'expire'
                      ? await expireMessages(tx, lane, 2_000_000, 2)
                      : await giveUpUncertain(tx, lane, 1_000_000, now);
                  await charge(tx, [{ tenantId, ids }], now);
                  break;
                }
                case 'release': {
                  const stale = { firstIdKept: firstIdAt(Date.now() + 1_000), dueBefore: 1e12 };
                  await releaseStale(tx, tenantId, stale, 10, now);
                  break;
                }
                case 'top up':
                  await topUp(tx, topUpWith(tenantId, one.micros));
              }
              if (mayCrash && crashes) throw new Crash();
            };
            const isDone = await transact(work).then(
              () => true,
              error => {
                if (error instanceof Crash) return false;
                throw error;
              },
            );
            await prove(tenantId);
            if (!isDone) continue;
            messages.push(...sent);
            for (const [id, fact] of facts)
              heard.set(id, {
                ...(heard.get(id) ?? { taken: false, delivered: false, priced: false }),
                ...fact,
              });
          }

          // What is left of them has cost what was heard of it, and nothing else.
          const rows = await db.database.all<{
            id: string;
            fee_state: string;
            price: number;
            price_state: string;
          }>('select id, fee_state, price, price_state from messages where tenant_id = $1', [tenantId]);
          for (const row of rows) {
            const { taken, delivered, priced } = heard.get(row.id) ?? {
              taken: false,
              delivered: false,
              priced: false,
            };
            assert.equal(row.fee_state === 'charged', taken, `fee of ${row.id}`);
            assert.equal(row.price_state === 'charged', delivered && priced, `price of ${row.id}`);
            if (delivered && priced)
              assert.equal(
                row.price,
                { 'regular marketing': 10_900, 'regular utility': 5_300, 'free service': 0 }[
                  pricingOf(row.id)
                ],
              );
          }
        },
      ),
      { numRuns: engine === 'sqlite' ? 300 : 60 },
    );
  });

  test('many at once, in two processes: the balance covers what is held, and not a micro is lost', async () => {
    const tenantId = 'tenant-a';
    const other = engine === 'postgres' ? db.reopen() : db.database;
    await transact(tx => createLane(tx, { tenantId, numberId }, 80));
    await fill(tenantId, 11_900 * 25);
    const both = [db.database, other];
    const sent = (
      await together(
        Array.from({ length: 60 }, (_, i) => both[i % 2]!.transact(async tx => send(tx, [billed(tenantId)]))),
      )
    ).flat();
    assert.equal(sent.length, 25);
    assert.equal(availableOf(await readWallet(db.database, tenantId)), 0);
    await Promise.all(
      sent.flatMap((message, i) => [
        both[i % 2]!.transact(tx => settleAs(tx, message, verdicts[0]!)),
        both[(i + 1) % 2]!.transact(tx =>
          tell(tx, tenantId, [report(tenantId, message.id, 'delivered', 'regular utility')]),
        ),
        both[i % 2]!.transact(tx =>
          tell(tx, tenantId, [report(tenantId, message.id, 'sent', 'regular utility')]),
        ),
      ]),
    );
    assert.deepEqual(await wallet(tenantId), { toppedUp: 297_500, charged: 25 * 6_300, held: 0 });
    await prove(tenantId);
  });
});
