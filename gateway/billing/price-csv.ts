/**
 * Price tables as CSV: `market,category,valid_from,price` and optionally `currency`, in any order of columns. Lines that begin with #
 * are left out. Everything that is wrong is told at once, by line and column.
 */

import { readAmount, tellAmount } from '../canonical/money.ts';
import { type Issue, invalid, type RefusalOf } from '../canonical/refusal.ts';
import type { Price } from './prices.ts';

const columns = ['market', 'category', 'valid_from', 'price'] as const;
const issuesMax = 20;
const dayMs = 86_400_000;

type Cell = { value: string | number } | { rule: Issue['rule']; message: string };

const wrong = (message: string, rule: Issue['rule'] = 'format'): Cell => ({ rule, message });

/** How each column is read; its error says what it should look like. */
const readers: Record<(typeof columns)[number], (text: string) => Cell> = {
  market: text =>
    /^([1-9]\d{0,6}|\*)$/.test(text.replace(/^\+/, ''))
      ? { value: text.replace(/^\+/, '') }
      : wrong('must be the digits a phone number there begins with (90), or * for elsewhere'),
  category: text =>
    /^[a-z][a-z_-]{0,39}$/.test(text.toLowerCase())
      ? { value: text.toLowerCase() }
      : wrong('must be a category of Meta such as marketing, utility, authentication or service'),
  valid_from: text => {
    const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
    // Date.parse makes March of 30 February.
    return Number.isFinite(ms) && new Date(ms).toISOString().startsWith(text)
      ? { value: ms }
      : wrong('must be a day such as 2026-10-01; it begins at 00:00 UTC');
  },
  price: text => {
    const micros = readAmount(text);
    if (micros === undefined) return wrong('must be an amount such as 0.0625, with at most six decimals');
    return micros < 0 ? wrong('must not be below 0') : { value: micros };
  },
};

export function readPriceCsv(csv: string, currency: string): Price[] | RefusalOf<'field_invalid'> {
  const lines = csv
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((text, i) => ({ text, line: i + 1 }))
    .filter(({ text }) => text.trim() !== '' && !text.startsWith('#'));
  const [head, ...rows] = lines;
  const names = cellsOf(head?.text ?? '').map(name => name.toLowerCase());
  const missing = columns.filter(name => !names.includes(name));
  if (head === undefined || missing.length > 0)
    return invalid(
      `line ${head?.line ?? 1}`,
      'required',
      `must name the columns market,category,valid_from,price; ${missing.join(', ')} is missing`,
    );
  if (rows.length === 0) return invalid(`line ${head.line + 1}`, 'required', 'holds no price');

  const issues: Issue[] = [];
  const firstLines = new Map<string, number>();
  const prices = rows.flatMap(({ text, line }): Price[] => {
    const at = (column: string) => `line ${line}, column ${column}`;
    const cells = cellsOf(text);
    if (cells.length !== names.length) {
      const message = `has ${cells.length} columns, the heading has ${names.length}`;
      issues.push({ path: `line ${line}`, rule: 'count', message });
      return [];
    }
    const read = Object.fromEntries(
      columns.map(name => {
        const cell = readers[name](cells[names.indexOf(name)]!);
        if ('value' in cell) return [name, cell.value];
        issues.push({
          path: at(name),
          rule: cell.rule,
          message: `${cell.message}; it says "${cells[names.indexOf(name)]!.slice(0, 40)}"`,
        });
        return [name, undefined];
      }),
    );
    const said = names.includes('currency') ? cells[names.indexOf('currency')]!.toUpperCase() : currency;
    if (said !== currency)
      issues.push({
        path: at('currency'),
        rule: 'conflict',
        message: `must be ${currency}, the currency of this installation (WAGATE_CURRENCY); it says "${said.slice(0, 40)}"`,
      });
    const { market, category, valid_from: validFrom, price: micros } = read;
    const name = `${market} ${category} ${validFrom}`;
    const before = firstLines.get(name);
    if (before !== undefined) {
      const message = `says again what line ${before} says: one price for a market, category and day`;
      issues.push({ path: `line ${line}`, rule: 'unique', message });
    }
    firstLines.set(name, line);
    return [{ market, category, validFrom, micros } as Price];
  });
  const [first, ...more] = issues.slice(0, issuesMax);
  return first === undefined ? prices : { code: 'field_invalid', issues: [first, ...more] };
}

/** Values hold no commas, so that quotes are only taken off. */
const cellsOf = (line: string) =>
  line.split(',').map(cell =>
    cell
      .trim()
      .replace(/^"(.*)"$/, '$1')
      .trim(),
  );

export function writePriceCsv(prices: Price[], currency: string): string {
  const lines = prices.map(({ market, category, validFrom, micros }) =>
    [market, category, dayOf(validFrom), tellAmount(micros), currency].join(','),
  );
  return `${['market,category,valid_from,price,currency', ...lines].join('\n')}\n`;
}

export const dayOf = (ms: number): string =>
  new Date(Math.floor(ms / dayMs) * dayMs).toISOString().slice(0, 10);
