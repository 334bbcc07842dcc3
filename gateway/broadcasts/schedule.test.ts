import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isLocalTime, momentOf, quietUntil } from './schedule.ts';

const at = (iso: string) => Date.parse(iso);
const night = { from: 21 * 60, to: 8 * 60 };

test('a time on the wall is another moment in each time zone', () => {
  assert.equal(momentOf('2026-12-01T10:00', 'Europe/Istanbul'), at('2026-12-01T07:00:00Z'));
  assert.equal(momentOf('2026-12-01T10:00', 'America/New_York'), at('2026-12-01T15:00:00Z'));
  assert.equal(momentOf('2026-07-01T10:00', 'America/New_York'), at('2026-07-01T14:00:00Z'));
  assert.equal(momentOf('2026-12-01T10:00', 'Pacific/Kiritimati'), at('2026-11-30T20:00:00Z'));
});

test('an hour that comes twice is the first, one that is left out the one after', () => {
  assert.equal(momentOf('2026-10-25T02:30', 'Europe/Berlin'), at('2026-10-25T00:30:00Z'));
  assert.equal(momentOf('2026-03-29T02:30', 'Europe/Berlin'), at('2026-03-29T01:30:00Z'));
});

test('quiet hours over midnight and within a day', () => {
  const zone = 'Europe/Istanbul';
  assert.equal(quietUntil(at('2026-12-01T19:30:00Z'), night, zone), at('2026-12-02T05:00:00Z'));
  assert.equal(quietUntil(at('2026-12-02T04:59:30Z'), night, zone), at('2026-12-02T05:00:00Z'));
  assert.equal(quietUntil(at('2026-12-02T05:00:00Z'), night, zone), undefined);
  assert.equal(quietUntil(at('2026-12-02T17:59:00Z'), night, zone), undefined);
  const noon = { from: 12 * 60, to: 13 * 60 };
  assert.equal(quietUntil(at('2026-12-01T09:15:00Z'), noon, zone), at('2026-12-01T10:00:00Z'));
  assert.equal(quietUntil(at('2026-12-01T10:00:00Z'), noon, zone), undefined);
});

test('whoever is told to wait until then may send within the day', () => {
  const minute = fc.integer({ min: 0, max: 1_439 });
  fc.assert(
    fc.property(
      ...[fc.integer({ min: at('2026-01-01'), max: at('2027-01-01') }), minute, minute],
      fc.constantFrom('UTC', 'Europe/Istanbul', 'Asia/Kolkata', 'America/Sao_Paulo'),
      (ms, from, to, zone) => {
        fc.pre(from !== to);
        const until = quietUntil(ms, { from, to }, zone);
        if (until === undefined) return;
        assert.ok(until > ms && until - ms <= 86_400_000);
        assert.equal(quietUntil(until, { from, to }, zone), undefined);
      },
    ),
  );
});

test('what is a time on the wall', () => {
  assert.ok(isLocalTime('2026-12-01T10:00') && isLocalTime('2026-12-01T10:00:30'));
  for (const text of [
    '2026-12-01',
    '10:00',
    '2026-13-01T10:00',
    '2026-12-01T10:00Z',
    '2026-12-01T10:00+03:00',
  ])
    assert.ok(!isLocalTime(text), text);
});
