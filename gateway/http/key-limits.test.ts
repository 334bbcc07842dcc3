import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dialects } from '../dialects/all.ts';
import { limitsFor, nearest } from './key-limits.ts';

const unset = { perSecond: null, perMinute: null };

test('where nobody sets a limit, what the vendor documents', () => {
  for (const { name } of dialects) {
    const expected =
      name === 'connectly' ? { perSecond: 200, perMinute: 12_000 } : { perSecond: 80, perMinute: 4_800 };
    assert.deepEqual(limitsFor({ limits: unset }, name), expected, name);
  }
});

test('key before tenant before installation before dialect, each limit by itself', () => {
  const limits = nearest(
    { perSecond: 5, perMinute: null },
    { perSecond: 6, perMinute: 60 },
    { perSecond: 7, perMinute: 70 },
  );
  assert.deepEqual(limits, { perSecond: 5, perMinute: 60 });
  assert.deepEqual(nearest(unset, unset, { perSecond: 7, perMinute: null }), {
    perSecond: 7,
    perMinute: null,
  });
  assert.deepEqual(limitsFor({ limits: { perSecond: 7, perMinute: null } }, 'connectly'), {
    perSecond: 7,
    perMinute: 12_000,
  });
});
