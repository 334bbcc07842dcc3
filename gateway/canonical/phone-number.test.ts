import assert from 'node:assert/strict';
import { test } from 'node:test';
import { phoneReader } from './phone-number.ts';

const cases: [text: string, country: string | undefined, digits: string | RegExp][] = [
  ['+90 532 123 45 67', undefined, '905321234567'],
  ['905321234567', undefined, '905321234567'],
  ['00905321234567', undefined, '905321234567'],
  ['+1 (555) 078-3881', undefined, '15550783881'],
  ['0532 123 45 67', 'TR', '905321234567'],
  ['532.123.45.67', 'TR', '905321234567'],
  ['905321234567', 'TR', '905321234567'],
  ['00 90 532 123 45 67', 'US', '905321234567'],
  ['٠٥٣٢١٢٣٤٥٦٧', 'TR', '905321234567'],
  ['254712345678', 'TR', '254712345678'],
  ['+49 1512 3456789', 'TR', '4915123456789'],
  ['011 15 1234 5678', 'AR', '5491112345678'],
  ['+39 06 1234 5678', undefined, '390612345678'],
  ['+52 1 55 1234 5678', undefined, '525512345678'],
  ['5215512345678', undefined, '525512345678'],
  ['0532 123 45 67', undefined, /^is a national number/],
  ['532', 'TR', /^is no phone number of TR/],
  ['+9053', 'TR', /^must be a phone number/],
  ['+90 532 123 45 67 ext 5', undefined, /^must be a phone number/],
  ['call +905321234567', undefined, /^must be a phone number/],
  ['1-800-FLOWERS', 'US', /^is no phone number of US/],
  ['', 'TR', /^is required/],
  ['9'.repeat(100), undefined, /^must be a phone number/],
];

for (const [text, country, expected] of cases) {
  test(`${text.slice(0, 30)}${country === undefined ? '' : ` of ${country}`}`, async () => {
    const reading = (await phoneReader()).read(text, country);
    if (typeof expected === 'string') assert.deepEqual(reading, { digits: expected });
    else assert.match('problem' in reading ? reading.problem : reading.digits, expected);
  });
}
