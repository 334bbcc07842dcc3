import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  capsOf,
  type Deed,
  everyPower,
  type KeyPowers,
  mayNot,
  readPowers,
  writePowers,
} from './key-powers.ts';

const ip = '203.0.113.7';
const read: Deed = { what: 'read', ip };
const manage: Deed = { what: 'manage', ip };
const markRead: Deed = { what: 'mark_read', numberId: 7, ip };
const text: Deed = { what: 'send', numberId: 7, template: null, ip };
const promo: Deed = { what: 'send', numberId: 7, template: 'promo', ip };

const rows: [KeyPowers, Deed, string | undefined][] = [
  [{}, text, undefined],
  [{ access: 'read' }, read, undefined],
  [{ access: 'read' }, text, 'it may only read'],
  [{ access: 'read' }, { what: 'send', ip }, 'it may only read'],
  [{ access: 'read' }, markRead, 'it may only read'],
  [{ access: 'read' }, manage, 'it may only read'],
  [{ access: 'send' }, text, undefined],
  [{ access: 'send' }, markRead, undefined],
  [{ access: 'send' }, read, 'it may only send'],
  [{ access: 'send' }, manage, 'it may only send'],
  [{ templates: ['promo'] }, promo, undefined],
  [{ templates: ['promo'] }, { what: 'send', ip }, undefined],
  [{ templates: ['promo'] }, read, undefined],
  [{ templates: ['promo'] }, markRead, undefined],
  [{ templates: ['promo'] }, text, 'it may only send the template promo'],
  [{ templates: ['a', 'b'] }, promo, 'it may only send the templates a, b'],
  [{ templates: [...'abcdefg'] }, promo, 'it may only send the templates a, b, c, d, e and 2 more'],
  [{ numbers: [7, 8] }, text, undefined],
  [{ numbers: [8] }, text, 'it may only use number 8'],
  [{ numbers: [8, 9] }, markRead, 'it may only use numbers 8, 9'],
  [{ numbers: [8] }, read, undefined],
  [{ addresses: ['203.0.113.0/24', '::1'] }, read, undefined],
  [{ addresses: ['203.0.113.0/24'] }, { what: 'read', ip: '::ffff:203.0.113.9' }, undefined],
  [{ addresses: ['::1'] }, { what: 'read', ip: '::1' }, undefined],
  [{ addresses: ['10.0.0.0/8'] }, read, 'it may not be used from 203.0.113.7'],
  [
    { addresses: ['0.0.0.0/0', '::/0'] },
    { what: 'read', ip: '' },
    'it may not be used from an unknown address',
  ],
  [{ addresses: ['10.0.0.0/8'], access: 'send' }, read, 'it may not be used from 203.0.113.7'],
];

for (const [powers, deed, reason] of rows) {
  test(`${JSON.stringify(powers)}: ${JSON.stringify(deed)} ${reason ?? 'is let through'}`, () => {
    assert.equal(mayNot(powers, deed), reason);
    const kept = readPowers(writePowers(powers));
    assert.ok(kept !== undefined);
    assert.equal(mayNot(kept, deed), reason);
  });
}

test('what is kept and cannot be read lets nothing through: perhaps a restriction of a newer version', () => {
  for (const text of [
    ...['', '{', '[]', 'null', '"read"', '{"recipients":["90"]}', '{"access":"write"}', '{"access":null}'],
    ...[
      '{"templates":[]}',
      '{"templates":"promo"}',
      '{"numbers":["7"]}',
      '{"numbers":[1.5]}',
      '{"messagesPerDay":-1}',
    ],
    ...[
      '{"microsPerDay":"5"}',
      '{"addresses":["10.0.0.0/33"]}',
      '{"addresses":[7]}',
      '{"__proto__":{}}',
      '{"toString":1}',
    ],
  ])
    assert.equal(readPowers(text), undefined, text);
});

test('no powers are kept as null and are everything', () => {
  assert.equal(writePowers({}), null);
  assert.equal(readPowers(null), everyPower);
});

test('caps', () => {
  assert.equal(capsOf({ access: 'send' }), null);
  assert.deepEqual(capsOf({ messagesPerDay: 5 }), { messages: 5, micros: null });
  assert.deepEqual(capsOf({ microsPerDay: 5 }), { messages: null, micros: 5 });
});
