import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dialects } from './all.ts';
import { wholeSeconds } from './limit-headers.ts';

const limit = { perSecond: 80, perMinute: 4800, remainingSecond: 79, remainingMinute: 4799 };

test('every dialect but Connexease says its limits in the IETF fields', () => {
  for (const { name, limitHeaders } of dialects) {
    if (name === 'connexease') continue;
    assert.deepEqual(
      limitHeaders(limit),
      {
        'ratelimit-policy': '"sec";q=80;w=1, "min";q=4800;w=60',
        ratelimit: '"sec";r=79;t=1, "min";r=4799;t=60',
      },
      name,
    );
  }
});

test('whoever waits as many seconds as are told waits long enough, and never none', () => {
  for (const [ms, seconds] of [
    [0, 1],
    [1, 1],
    [1_000, 1],
    [1_001, 2],
    [59_999, 60],
  ] as const) {
    assert.equal(wholeSeconds(ms), seconds, `${ms}`);
  }
});
