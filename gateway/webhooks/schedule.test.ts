/** Retries, rests and the end of patience, by the clock that is given. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { failure, type Outcome, outcomeOfStatus, problemOf } from './outcome.ts';
import { afterFailure, type Health, healthy, isHopeless, isResting, retryDelayMs } from './schedule.ts';

type Failed = Extract<Outcome, { kind: 'failed' }>;
const failed = failure('status') as Failed;
const standard = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
const now = Date.UTC(2026, 10, 1);
const again = (health: Health, times: number, at: number, step: number) => {
  let after = health;
  for (let n = 0; n < times; n++) after = afterFailure(after, failed, at + n * step);
  return after;
};

test('the schedule is followed, give or take a fifth, and then given up', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (n, random) => {
        const delay = retryDelayMs(n, standard, random)!;
        const exact = standard[n - 1]! * 1000;
        assert.ok(delay >= exact * 0.8 && delay <= exact * 1.2);
      },
    ),
  );
  assert.equal(retryDelayMs(10, standard, 0.5), null);
});

test('five failures in a row bring a rest, which doubles to five minutes', () => {
  assert.equal(again(healthy, 4, now, 1).restsUntil, 0);
  let health = again(healthy, 5, now, 0);
  assert.equal(health.restsUntil, now + 10_000);
  const rests: number[] = [];
  for (let n = 0; n < 7; n++) {
    const at = health.restsUntil;
    health = afterFailure(health, failed, at);
    rests.push(health.restsUntil - at);
  }
  assert.deepEqual(rests, [20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000]);
  assert.equal(health.failingSince, now);
});

test('what was under way when the rest began does not lengthen it', () => {
  const resting = again(healthy, 5, now, 0);
  assert.deepEqual(again(resting, 27, now + 1, 0), resting);
});

test('a rest that a clock gave which was set back since is void', () => {
  assert.equal(isResting({ restsUntil: now + 1 }, now), true);
  assert.equal(isResting({ restsUntil: now }, now), false);
  assert.equal(isResting({ restsUntil: now + 365 * 86_400_000 }, now), false);
});

test('answers that ask for rest get it, as long as they say', () => {
  const of = (status: number, retryAfter?: string) => outcomeOfStatus(status, retryAfter, now) as Failed;
  assert.equal(of(429).retryAfterMs, null);
  assert.equal(afterFailure(healthy, of(429), now).restsUntil, now + 1_000);
  assert.equal(afterFailure(healthy, of(503, '120'), now).restsUntil, now + 120_000);
  assert.equal(of(503, new Date(now + 60_000).toUTCString()).retryAfterMs, 60_000);
  assert.equal(of(503, new Date(now - 60_000).toUTCString()).retryAfterMs, 0);
  assert.equal(of(503, '99999999').retryAfterMs, 86_400_000);
  assert.equal(of(503, 'soon').retryAfterMs, null);
  assert.equal(of(500).slowDown, false);
  assert.equal(of(500, '7').slowDown, true);
});

test('each status has its word', () => {
  assert.deepEqual(outcomeOfStatus(204, undefined, now), { kind: 'delivered' });
  const words = [301, 308, 400, 404, 410, 429, 500, 502, 503, 504].map(
    status => (outcomeOfStatus(status, undefined, now) as Failed).problem,
  );
  assert.deepEqual(words, [
    ...['redirect', 'redirect', 'status', 'status', 'gone', 'slow-down', 'status'],
    ...['slow-down', 'slow-down', 'slow-down'],
  ]);
});

test('each error has its word', () => {
  const of = (code: string) => problemOf(Object.assign(new Error(code), { code }));
  assert.deepEqual(
    ['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'EREFUSED', 'EHOSTUNREACH', 'UND_ERR_SOCKET'].map(of),
    ['dns', 'dns', 'refused', 'dns', 'unreachable', 'reset'],
  );
  assert.deepEqual(
    [
      'UND_ERR_CONNECT_TIMEOUT',
      'CERT_HAS_EXPIRED',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'UND_ERR_HEADERS_OVERFLOW',
      'X',
    ].map(of),
    ['timeout', 'tls-time', 'tls-name', 'bad-answer', 'fault'],
  );
  assert.equal(
    problemOf(new AggregateError([Object.assign(new Error('a'), { code: 'ECONNREFUSED' })])),
    'refused',
  );
});

test('days of nothing but failures are the end; one failure after a jump of the clock is not', () => {
  const days = 120 * 3_600_000;
  const health = again(healthy, 5, now, 0);
  assert.equal(isHopeless(health, now + days - 1, days), false);
  assert.equal(isHopeless(health, now + days, days), true);
  assert.equal(isHopeless(again(healthy, 1, now, 0), now + days, days), false);
});
