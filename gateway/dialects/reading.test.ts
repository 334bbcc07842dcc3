import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../canonical/json.ts';
import { bearer } from './bearer.ts';
import { asPhone } from './phone.ts';
import { asCount, asFlag, asText, given, withoutNulls } from './reading.ts';

describe('bearer', () => {
  const missing = { code: 'credential_missing' };
  const malformed = { code: 'credential_malformed' };
  for (const [header, expected] of [
    ['Bearer pk_1', 'pk_1'],
    ['bearer pk_1', 'pk_1'],
    ['  Bearer   pk_1 ', 'pk_1'],
    [undefined, missing],
    ['', missing],
    ['  ', missing],
    ['Bearer', malformed],
    ['pk_1', malformed],
    ['Basic pk_1', malformed],
    ['Bearer a b', malformed],
    ['OAuth pk_1', malformed],
  ] as const) {
    it(JSON.stringify(header) ?? 'no header', () => assert.deepEqual(bearer(header), expected));
  }
  it('other schemes when asked', () => assert.equal(bearer('OAuth t', ['bearer', 'oauth']), 't'));
});

describe('values', () => {
  it('ids come as strings or whole numbers', () => {
    assert.equal(asText('7'), '7');
    assert.equal(asText(905321234567), '905321234567');
    for (const value of [1.5, 2 ** 53, null, true, {}, [], undefined]) assert.equal(asText(value), undefined);
  });
  it('flags come as booleans, words and digits', () => {
    for (const value of [true, 'true', 'TRUE', '1', 1]) assert.equal(asFlag(value), true);
    for (const value of [false, 'false', '0', 0]) assert.equal(asFlag(value), false);
    for (const value of ['yes', '', null, {}, undefined]) assert.equal(asFlag(value), undefined);
  });
  it('counts come as numbers and digits', () => {
    assert.equal(asCount('60'), 60);
    assert.equal(asCount(0), 0);
    for (const value of [-1, 1.5, '', '1e3', 'x', null]) assert.equal(asCount(value), undefined);
  });
  it('only own members are given', () => assert.equal(given({}, 'toString'), undefined));
});

describe('asPhone', () => {
  for (const [value, digits] of [
    ['905321234567', '905321234567'],
    ['+90 (532) 123-45-67', '905321234567'],
    [905321234567, '905321234567'],
    [' 905321234567 ', '905321234567'],
    ['123456', undefined],
    ['1234567890123456', undefined],
    ['call 905321234567', undefined],
    ['US.13491208655302741918', undefined],
    ['', undefined],
    [null, undefined],
  ] as const) {
    it(JSON.stringify(value), () => assert.equal(asPhone(value)?.digits, digits));
  }
  it('Meta is given the number as it was written', () =>
    assert.equal(asPhone('+90 532 1234567')?.to, '+90 532 1234567'));
});

describe('withoutNulls', () => {
  it('leaves the data of flows alone', () => {
    const body = { a: null, b: { c: null, d: [null, { e: null }] }, data: { f: null } };
    assert.deepEqual(withoutNulls(body), { b: { d: [null, {}] }, data: { f: null } });
  });
  it('changes nothing where nothing is null', () => {
    const plain = fc.letrec(tie => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.array(tie('value')),
        fc.dictionary(fc.string(), tie('value')),
      ),
    })).value;
    fc.assert(
      fc.property(fc.dictionary(fc.string(), plain), body => {
        assert.equal(JSON.stringify(withoutNulls(body as JsonObject)), JSON.stringify(body));
      }),
    );
  });
  it('survives what is nested deeper than the stack', () => {
    let deep: JsonObject = {};
    for (let level = 0; level < 100_000; level++) deep = { deep };
    assert.ok(withoutNulls(deep));
  });
});
