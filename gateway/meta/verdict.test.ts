import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../canonical/json.ts';
import { delayMs, errorTable } from './error-table.ts';
import { verdictOf } from './verdict.ts';

const answer = (status: number, body: JsonObject | undefined) =>
  verdictOf({ kind: 'answer', status, body }, 1, 0.5);
const error = (code: number, httpStatus = 400) =>
  answer(httpStatus, { error: { code, message: `(#${code}) x`, type: 'OAuthException' } });

test('a yes names its message', () => {
  const body = { messages: [{ id: 'wamid.x' }] };
  assert.deepEqual(answer(200, body), { kind: 'sent', wamid: 'wamid.x', answer: body });
});

test('each code of the table is repeated, or not, as the table says', () => {
  for (const [code, rule] of Object.entries(errorTable)) {
    const verdict = error(Number(code));
    assert.equal(verdict.kind, rule.later === undefined ? 'rejected' : 'later', code);
    if (verdict.kind === 'later') assert.equal(verdict.pause, rule.later?.pause);
    if (verdict.kind === 'rejected') assert.equal(verdict.disconnects, rule.disconnects === true);
  }
});

test('a code nobody knows is a plain no', () => {
  const verdict = error(987654);
  assert.equal(verdict.kind, 'rejected');
});

test('what cannot be read is unknown, never a reason to repeat', () => {
  for (const [status, body] of [
    [200, undefined],
    [200, {}],
    [200, { messages: [] }],
    [502, undefined],
    [500, { error: 'text' }],
    [503, { error: { code: 'none' } }],
  ] as const) {
    assert.equal(
      answer(status, body as JsonObject | undefined).kind,
      'unknown',
      JSON.stringify([status, body]),
    );
  }
  assert.equal(verdictOf({ kind: 'unanswered', reason: 'reset' }, 1, 0.5).kind, 'unknown');
});

test('what never left is repeated', () => {
  assert.equal(verdictOf({ kind: 'unsent', reason: 'refused' }, 1, 0.5).kind, 'later');
});

test('delays grow to a bound, with a fifth of jitter either way', () => {
  const rules = Object.values(errorTable).flatMap(({ later }) => (later === undefined ? [] : [later]));
  fc.assert(
    fc.property(
      fc.constantFrom(...rules),
      fc.integer({ min: 1, max: 60 }),
      fc.double({ min: 0, max: 0.999999, noNaN: true }),
      (rule, n, random) => {
        const delay = delayMs(rule, n, random);
        const plain = Math.min(rule.firstMs * rule.factor ** (n - 1), rule.mostMs);
        assert.ok(delay >= Math.floor(plain * 0.8) && delay <= Math.ceil(plain * 1.2));
      },
    ),
  );
  // 131056: Meta's own word is 4^X seconds, X from 0.
  assert.equal(delayMs(errorTable[131056]!.later!, 1, 0.5), 1_000);
  assert.equal(delayMs(errorTable[131056]!.later!, 4, 0.5), 64_000);
});
