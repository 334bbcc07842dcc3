import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readAmount, tellAmount } from '../canonical/money.ts';
import { isRefusal } from '../canonical/refusal.ts';
import { readPriceCsv, writePriceCsv } from './price-csv.ts';
import { createPriceTable, type Price } from './prices.ts';

const october = Date.parse('2026-10-01T00:00:00Z');

describe('the table', () => {
  const priceOf = createPriceTable([
    { market: '1', category: 'marketing', validFrom: 0, micros: 25_000 },
    { market: '1809', category: 'marketing', validFrom: 0, micros: 74_000 },
    { market: '*', category: 'marketing', validFrom: 0, micros: 60_400 },
    { market: '*', category: 'service', validFrom: 0, micros: 0 },
    { market: '*', category: 'service', validFrom: october, micros: 7_700 },
    { market: '91', category: 'authentication', validFrom: 0, micros: 1_400 },
    { market: '91', category: 'authentication-international', validFrom: 0, micros: 28_000 },
    { market: '*', category: 'authentication', validFrom: 0, micros: 7_000 },
  ]);
  const cases: [string, [string | null, string, number], [string, number] | undefined][] = [
    ['the calling code', ['16505551234', 'marketing', 1], ['1', 25_000]],
    ['the longest calling code', ['18095551234', 'marketing', 1], ['1809', 74_000]],
    ['elsewhere', ['905321234567', 'marketing', 1], ['*', 60_400]],
    ['a user without a phone number', [null, 'marketing', 1], ['*', 60_400]],
    ['the day before', ['905321234567', 'service', october - 1], ['*', 0]],
    ['the day itself', ['905321234567', 'service', october], ['*', 7_700]],
    ['before any date', ['905321234567', 'service', -1], undefined],
    ['a category of its own', ['911234567', 'authentication-international', 1], ['91', 28_000]],
    ['a category without one', ['905321234567', 'authentication-international', 1], ['*', 7_000]],
    ['marketing_lite', ['16505551234', 'marketing_lite', 1], ['1', 25_000]],
    ['an unknown category', ['16505551234', 'unheard_of', 1], undefined],
  ];
  for (const [name, asked, expected] of cases)
    test(name, () => {
      const found = priceOf(...asked);
      assert.deepEqual(found && [found.market, found.micros], expected);
    });
});

describe('amounts', () => {
  test('written and read again they are the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 }), micros => {
        assert.equal(readAmount(tellAmount(micros)), micros === 0 ? 0 : micros);
      }),
    );
  });
  for (const [micros, text] of [
    [25_000_000, '25.00'],
    [1_000, '0.001'],
    [-5_500_000, '-5.50'],
    [0, '0.00'],
    [1, '0.000001'],
  ] as const)
    test(text, () => assert.equal(tellAmount(micros), text));
  for (const text of ['', '1,5', '1e3', '0.0000001', '--1', '1234567890', '.5', 'NaN'])
    test(`"${text}" is no amount`, () => assert.equal(readAmount(text), undefined));
});

describe('CSV', () => {
  const head = 'market,category,valid_from,price';
  const issuesOf = (csv: string) => {
    const read = readPriceCsv(csv, 'USD');
    return isRefusal(read) ? read.issues.map(({ path, message }) => `${path} ${message}`) : [];
  };
  test('written and read again it is the same', () => {
    const price = fc.record(
      {
        market: fc.oneof(fc.constant('*'), fc.integer({ min: 1, max: 9_999_999 }).map(String)),
        category: fc.constantFrom('marketing', 'utility', 'service'),
        validFrom: fc.integer({ min: 0, max: 30_000 }).map(day => day * 86_400_000),
        micros: fc.integer({ min: 0, max: 9_999_999_999 }),
      },
      { noNullPrototype: true },
    );
    const name = ({ market, category, validFrom }: Price) => `${market} ${category} ${validFrom}`;
    fc.assert(
      fc.property(fc.uniqueArray(price, { minLength: 1, selector: name }), prices => {
        assert.deepEqual(readPriceCsv(writePriceCsv(prices, 'USD'), 'USD'), prices);
      }),
    );
  });
  test('columns in any order, quotes, a + and comments', () => {
    assert.deepEqual(
      readPriceCsv(
        '# mine\r\nprice,market,category,valid_from\r\n"0.0053",+90,UTILITY,2026-10-01\r\n',
        'USD',
      ),
      [{ market: '90', category: 'utility', validFrom: october, micros: 5_300 }],
    );
  });
  test('everything that is wrong, by line and column', () => {
    assert.deepEqual(
      issuesOf(`${head}\nTR,utility,2026-10-01,0.0053\n90,utility,1.10.2026,free\n90,utility\n`).map(text =>
        text.replace(/ must.*| has.*/, ''),
      ),
      ['line 2, column market', 'line 3, column valid_from', 'line 3, column price', 'line 4'],
    );
  });
  test('a day that does not exist', () => {
    assert.match(
      issuesOf(`${head}\n90,utility,2026-02-30,1`)[0] ?? '',
      /^line 2, column valid_from must be a day/,
    );
  });
  test('the same twice', () => {
    assert.match(
      issuesOf(`${head}\n90,utility,2026-10-01,1\n90,utility,2026-10-01,2`)[0] ?? '',
      /what line 2 says/,
    );
  });
  test('another currency', () => {
    assert.match(issuesOf(`${head},currency\n90,utility,2026-10-01,1,EUR`)[0] ?? '', /must be USD/);
  });
  test('a missing column', () => {
    assert.match(issuesOf('market,category,price\n90,utility,1')[0] ?? '', /valid_from is missing/);
  });
  test('nothing at all', () => {
    assert.match(issuesOf('')[0] ?? '', /must name the columns/);
    assert.match(issuesOf(head)[0] ?? '', /holds no price/);
  });
  test('the sample of the repository is read', () => {
    const sample = readFileSync(join(import.meta.dirname, 'sample-prices.csv'), 'utf8');
    const read = readPriceCsv(sample, 'USD');
    assert.ok(Array.isArray(read) && read.length > 20, JSON.stringify(read));
    assert.match(sample, /SAMPLE PRICES, NOT META'S/);
  });
});
