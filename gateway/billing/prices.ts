/**
 * What a message may cost: our fee, and Meta's price by the recipient's calling code and the category, from a table of the whole
 * installation with effective dates. The longest calling code that has the category wins, `*` is everywhere else.
 */
import type { Sql, Tx } from '../platform/database.ts';

export const categories = ['marketing', 'utility', 'authentication', 'service'] as const;
export type Category = (typeof categories)[number];

/** In micros: our fee once Meta has accepted the message, Meta's price once it is delivered. */
export interface Cost {
  fee: number;
  price: number;
  /** Calling code of the price, `*` for elsewhere. */
  market: string;
  category: Category;
}

export interface Price {
  /** Digits that phone numbers there begin with, or `*`. */
  market: string;
  category: string;
  /** Unix ms. */
  validFrom: number;
  micros: number;
}

/** Price in force at `at`; undefined where the table has none. `digits` null: a recipient without a phone number. */
export type PriceOf = (
  digits: string | null,
  category: string,
  at: number,
) => { market: string; micros: number } | undefined;

/** Meta's names that have rates of their own at most in some markets: elsewhere they cost what the next one costs. */
const costsAs: Record<string, string> = {
  'authentication-international': 'authentication',
  authentication_international: 'authentication',
  marketing_lite: 'marketing',
  group_marketing: 'marketing',
  group_utility: 'utility',
  group_service: 'service',
};

export function createPriceTable(prices: Price[]): PriceOf {
  const byName = new Map<string, Price[]>();
  let longest = 0;
  for (const price of prices) {
    const name = `${price.category} ${price.market}`;
    const dated = byName.get(name) ?? [];
    dated.push(price);
    byName.set(name, dated);
    longest = Math.max(longest, price.market.length);
  }
  for (const dated of byName.values()) dated.sort((a, b) => b.validFrom - a.validFrom);

  const priceOf: PriceOf = (digits, category, at) => {
    const known = digits ?? '';
    for (let length = Math.min(longest, known.length); length >= 0; length--) {
      const market = length === 0 ? '*' : known.slice(0, length);
      const price = byName.get(`${category} ${market}`)?.find(({ validFrom }) => validFrom <= at);
      if (price !== undefined) return { market, micros: price.micros };
    }
    const next = costsAs[category];
    return next === undefined ? undefined : priceOf(digits, next, at);
  };
  return priceOf;
}

export async function listPrices(sql: Sql): Promise<Price[]> {
  const rows = await sql.all<{ market: string; category: string; valid_from: number; micros: number }>(
    'select market, category, valid_from, micros from prices order by market, category, valid_from',
  );
  return rows.map(({ valid_from, ...row }) => ({ ...row, validFrom: valid_from }));
}

/** Adds prices, or new amounts for those there are; with `replace` nothing else remains. */
export async function savePrices(tx: Tx, prices: Price[], replace: boolean): Promise<void> {
  if (replace) await tx.all('delete from prices');
  await tx.all(
    `insert into prices (market, category, valid_from, micros)
     select value ->> 'market', value ->> 'category', cast(value ->> 'validFrom' as bigint), cast(value ->> 'micros' as bigint)
     from json_rows($1) where true
     on conflict (market, category, valid_from) do update set micros = excluded.micros`,
    [JSON.stringify(prices)],
  );
}
