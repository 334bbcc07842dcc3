import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { statusRank } from '../canonical/status.ts';
import { type Billed, inWallet, judgeMoney } from './charge.ts';
import { createPriceTable } from './prices.ts';

const priceOf = createPriceTable([
  { market: '90', category: 'marketing', validFrom: 0, micros: 10_900 },
  { market: '90', category: 'utility', validFrom: 0, micros: 5_300 },
]);

const held: Billed = {
  ...{ id: 'A', rank: 0, isTaken: false, isDelivered: false, digits: '905321234567', createdAt: 1_000 },
  ...{ market: '90', category: 'marketing', fee: 1_000, feeState: 'held', price: 10_900, priceState: 'held' },
  pricing: null,
};
const row = (changes: Partial<Billed>): Billed => ({ ...held, ...changes });

describe('one message', () => {
  const cases: [string, Partial<Billed>, { charged: number; held: number }][] = [
    ['waits', {}, { charged: 0, held: 11_900 }],
    ['is in doubt', { rank: statusRank.uncertain }, { charged: 0, held: 11_900 }],
    ['is accepted', { rank: 30, isTaken: true }, { charged: 1_000, held: 10_900 }],
    [
      'is sent, and Meta says what it costs',
      { rank: 40, isTaken: true, pricing: 'regular utility' },
      { charged: 1_000, held: 5_300 },
    ],
    [
      'is delivered, and Meta has not said what it costs',
      { rank: 50, isTaken: true, isDelivered: true },
      { charged: 1_000, held: 10_900 },
    ],
    [
      'is delivered',
      { rank: 50, isTaken: true, isDelivered: true, pricing: 'regular marketing' },
      { charged: 11_900, held: 0 },
    ],
    [
      'is delivered in another category',
      { rank: 50, isTaken: true, isDelivered: true, pricing: 'regular utility' },
      { charged: 6_300, held: 0 },
    ],
    [
      'is delivered for free',
      { rank: 50, isTaken: true, isDelivered: true, pricing: 'free service' },
      { charged: 1_000, held: 0 },
    ],
    [
      'is delivered in a category without a price',
      { rank: 50, isTaken: true, isDelivered: true, pricing: 'regular unheard_of' },
      { charged: 11_900, held: 0 },
    ],
    ['is refused by Meta', { rank: 45 }, { charged: 0, held: 0 }],
    ['fails after Meta took it', { rank: 45, isTaken: true }, { charged: 1_000, held: 0 }],
    ['is given up', { rank: 25 }, { charged: 0, held: 0 }],
    ['expires', { rank: 90 }, { charged: 0, held: 0 }],
    [
      'is taken after it was given up',
      { rank: 40, isTaken: true, feeState: 'released', priceState: 'released' },
      { charged: 1_000, held: 0 },
    ],
    [
      'is delivered after it was given up',
      {
        rank: 50,
        isTaken: true,
        isDelivered: true,
        pricing: 'regular marketing',
        feeState: 'released',
        priceState: 'released',
      },
      { charged: 11_900, held: 0 },
    ],
  ];
  for (const [name, changes, expected] of cases)
    test(name, () => assert.deepEqual(inWallet(judgeMoney(row(changes), priceOf)), expected));

  test('charged once, it stays at what was charged', () => {
    const charged = row({
      rank: 50,
      isTaken: true,
      isDelivered: true,
      feeState: 'charged',
      priceState: 'charged',
    });
    const again = judgeMoney({ ...charged, pricing: 'regular utility' }, priceOf);
    assert.deepEqual(inWallet(again), { charged: 11_900, held: 0 });
  });

  test('held for too long, its price is released and its fee stands', () => {
    const old = judgeMoney(row({ rank: 40, isTaken: true }), priceOf, true);
    assert.deepEqual(inWallet(old), { charged: 1_000, held: 0 });
  });
});

/** What may be heard of one message; ranks only rise, as the update statements see to. */
const facts = {
  accepted: { isTaken: true, rank: 30 },
  sent: { isTaken: true, rank: 40, pricing: 'regular utility' },
  sentWithoutPrice: { isTaken: true, rank: 40 },
  failed: { isTaken: true, rank: 45 },
  delivered: { isTaken: true, isDelivered: true, rank: 50, pricing: 'regular utility' },
  read: { isTaken: true, isDelivered: true, rank: 60 },
  givenUp: { rank: 25 },
} as const;

test('in any order and however often, the same facts cost the same', () => {
  const names = fc.array(fc.constantFrom(...(Object.keys(facts) as (keyof typeof facts)[])), {
    maxLength: 12,
  });
  const costOf = (heard: (keyof typeof facts)[]) => {
    let now = held;
    for (const name of heard) {
      const fact = facts[name];
      // Only what is in doubt is given up.
      if (name === 'givenUp' && now.rank > statusRank.uncertain) continue;
      now = judgeMoney(
        {
          ...now,
          rank: Math.max(now.rank, fact.rank),
          isTaken: now.isTaken || 'isTaken' in fact,
          isDelivered: now.isDelivered || 'isDelivered' in fact,
          pricing: now.pricing ?? ('pricing' in fact ? fact.pricing : null),
        },
        priceOf,
      );
    }
    return inWallet(now);
  };
  fc.assert(
    fc.property(names, fc.func(fc.integer()), (heard, order) => {
      const shuffled = heard
        .map((name, i) => ({ name, at: order(i) }))
        .sort((a, b) => a.at - b.at)
        .map(({ name }) => name);
      assert.equal(costOf([...shuffled, ...heard]).charged, costOf(heard).charged);
      const has = (...of: string[]) => heard.some(name => of.includes(name));
      const isTaken = heard.some(name => name !== 'givenUp');
      const isPriced = has('sent', 'delivered') && has('delivered', 'read');
      assert.equal(costOf(heard).charged, (isTaken ? 1_000 : 0) + (isPriced ? 5_300 : 0));
    }),
  );
});
