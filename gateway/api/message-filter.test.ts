import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { newId } from '../canonical/ids.ts';
import { isRefusal } from '../canonical/refusal.ts';
import type { Principal } from '../http/authenticate.ts';
import type { NumberBook } from '../tenants/number-book.ts';
import { readCursor, readFilter, writeCursor } from './message-filter.ts';

const principal = { tenantId: 't', keyId: 'k', numberIds: null } as Principal;
const noNumbers = { byId: async () => undefined } as unknown as NumberBook;

for (const [to, key] of [
  ['+90 (532) 123-45.67', '905321234567'],
  [' 905321234567 ', '905321234567'],
  ['US.13491208655302741918', 'US.13491208655302741918'],
  ['120363043211234567@g.us', '120363043211234567@g.us'],
  ['123', '123'],
] as const) {
  test(`to=${to} looks for ${key}`, async () => {
    assert.deepEqual(await readFilter({ to }, principal, noNumbers), { to: key });
  });
}

test('a key bound to a number filters by it without being asked', async () => {
  assert.deepEqual(await readFilter({}, { ...principal, numberIds: [7] }, noNumbers), { numberIds: [7] });
});

for (const time of ['2026-12-01', '2026-12-01T09:00:00', 'yesterday', '2026-13-01T00:00:00Z']) {
  test(`since=${time} is refused`, async () => {
    const refusal = await readFilter({ since: time }, principal, noNumbers);
    assert.ok(isRefusal(refusal) && refusal.code === 'field_invalid' && refusal.issues[0].path === 'since');
  });
}

test('since and until', async () => {
  const filter = await readFilter(
    { since: '2026-12-01T09:00:00+03:00', until: '1796115600000' },
    principal,
    noNumbers,
  );
  assert.deepEqual(filter, { since: Date.UTC(2026, 11, 1, 6), until: 1796115600000 });
});

test('a cursor is read back, anything else is refused', () => {
  const id = newId();
  assert.equal(readCursor(writeCursor(id)), id);
  fc.assert(
    fc.property(fc.string(), text => {
      assert.ok(isRefusal(readCursor(text)));
    }),
  );
});
