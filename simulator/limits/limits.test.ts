import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCounts } from '../counts.ts';
import { createMarketing } from './marketing.ts';
import { createPairs } from './pairs.ts';
import { createPortfolios } from './portfolios.ts';
import { createThroughput, perSecond } from './throughput.ts';
import { isUnknownBy } from './unknown.ts';

const number = (throughput: keyof typeof perSecond) => ({
  ...{ id: '1', displayPhoneNumber: '+1', digits: '1', countryCode: '1', verifiedName: 'One' },
  throughput,
});
const account = (messagingLimit: 'TIER_50' | 'TIER_100K' | 'TIER_UNLIMITED') => ({
  ...{ wabaId: '1', name: 'One', portfolio: 'p', messagingLimit, app: { id: '1', secret: 's' } },
  ...{ accessToken: 't', webhookUrl: null, overrideUrl: null, subscribed: false, phoneNumbers: [] },
  templates: { all: () => [], find: () => undefined, change: () => assert.fail() },
});

for (const level of ['NOT_APPLICABLE', 'STANDARD', 'HIGH'] as const) {
  test(`throughput ${level}: never more than its rate in any second, and all of it, at half as much again`, () => {
    const throughput = createThroughput();
    const passed: number[] = [];
    const rate = perSecond[level];
    const arrivals = rate * 15;
    for (let at = 0; at < arrivals; at += 1) {
      const now = (at * 10_000) / arrivals;
      if (throughput.take(number(level), now)) passed.push(now);
    }
    for (const [at, now] of passed.entries()) assert.ok(now - (passed[at - rate] ?? -1000) >= 1000);
    assert.ok(passed.length >= rate * 10 - 10, `${passed.length} passed`);
  });
}

test('a pair borrows: after a burst of n the next waits for n of its times', () => {
  const rate = { everyMs: 6_000, most: 45 };
  for (const burst of [2, 20, 45]) {
    const pairs = createPairs();
    const take = (now: number) => pairs.take('1', 'a', rate, now);
    for (let count = 0; count < burst; count += 1) assert.ok(take(count));
    assert.equal(take(burst * 6_000 - 1), false);
    assert.ok(take(burst * 6_000));
  }
});

test('a pair has 45 in one burst, and one each six seconds for as long as it likes', () => {
  const rate = { everyMs: 6_000, most: 45 };
  const pairs = createPairs();
  const burst = Array.from({ length: 60 }, () => pairs.take('1', 'a', rate, 0));
  assert.equal(burst.filter(Boolean).length, 45);
  for (let now = 0; now < 3_600_000; now += 6_000) assert.ok(pairs.take('1', 'b', rate, now));
});

test('a million recipients: pairs forget who has paid, a portfolio holds no more than its limit', () => {
  const pairs = createPairs();
  const portfolios = createPortfolios();
  const marketing = createMarketing();
  const rate = { everyMs: 6_000, most: 45 };
  let mostPairs = 0;
  let reached = 0;
  for (let at = 0; at < 1_000_000; at += 1) {
    const user = String(905_000_000_000 + at);
    assert.ok(pairs.take('1', user, rate, at));
    mostPairs = Math.max(mostPairs, pairs.size());
    if (portfolios.hasRoom(account('TIER_100K'), user, 86_400_000, at)) {
      portfolios.count(account('TIER_100K'), user, at);
      reached += 1;
    }
    assert.ok(marketing.take(user, 1, at));
  }
  assert.ok(mostPairs < 20_000, `${mostPairs} pairs`);
  assert.equal(reached, 100_000);
  assert.equal(marketing.take('905000000000', 1, 1_000_000), false);
});

test('a portfolio: the same users go on, and each day is counted to its moment', () => {
  const portfolios = createPortfolios();
  const day = 86_400_000;
  const write = (user: string, now: number) => {
    const has = portfolios.hasRoom(account('TIER_50'), user, day, now);
    if (has) portfolios.count(account('TIER_50'), user, now);
    return has;
  };
  for (let at = 0; at < 50; at += 1) assert.ok(write(`user ${at}`, at * 60_000));
  assert.equal(write('one more', 50 * 60_000), false);
  assert.ok(write('user 0', 51 * 60_000));
  assert.equal(write('one more', day), false, 'user 0 was written to again, and user 1 a minute later');
  assert.ok(write('one more', day + 60_000));
  assert.equal(write('another', day + 60_000), false);
  for (let at = 0; at < 1000; at += 1)
    assert.ok(portfolios.hasRoom(account('TIER_UNLIMITED'), `new ${at}`, day, day));
});

test('counts are exact, of a million', () => {
  const counts = createCounts();
  for (let at = 0; at < 1_000_000; at += 1) assert.equal(counts.add(`recipient ${at}`), 0);
  assert.equal(counts.size(), 1_000_000);
  for (let at = 0; at < 1_000_000; at += 7919) assert.equal(counts.add(`recipient ${at}`), 1);
  assert.equal(counts.size(), 1_000_000);
  assert.deepEqual([counts.times('recipient 7919'), counts.times('nobody')], [2, 0]);
});

test('who is unknown follows from the number', () => {
  const some = Array.from({ length: 10_000 }, (_, at) => String(905_000_000_000 + at));
  const unknown = some.filter(digits => isUnknownBy(digits, { unknown: [], unknownShare: 0.01 }));
  assert.ok(unknown.length > 50 && unknown.length < 150, `${unknown.length} of 10,000`);
  const ranges = { unknown: ['9055*', '4915112345678'], unknownShare: 0 };
  const told = ['905512345678', '905412345678', '4915112345678', '49151123456789'].map(digits =>
    isUnknownBy(digits, ranges),
  );
  assert.deepEqual(told, [true, false, true, false]);
});
