import assert from 'node:assert/strict';
import { it } from 'node:test';
import { phoneNames } from './phone-names.ts';

for (const [one, other, about] of [
  ['5511987654321', '551187654321', 'a Brazilian mobile phone with and without its ninth digit'],
  ['5215512345678', '525512345678', 'a Mexican phone with and without the 1'],
  ['5491123456789', '541123456789', 'an Argentinian phone with and without the 9'],
] as const) {
  it(about, () => {
    assert.deepEqual(phoneNames(one), [one, other]);
    assert.deepEqual(phoneNames(other), [other, one]);
  });
}

for (const name of ['905321234567', '551132345678', 'US.13491208655302741918', '52', ''])
  it(`${JSON.stringify(name)} has no other form`, () => assert.deepEqual(phoneNames(name), [name]));
