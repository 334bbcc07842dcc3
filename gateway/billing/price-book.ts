/** Prices as the send path needs them: in memory, answered at once, never older than a few seconds. */
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import type { Notices } from '../platform/notices.ts';
import { type Category, type Cost, createPriceTable, listPrices, type PriceOf } from './prices.ts';

export interface PriceBook {
  /** What to hold for a message. Where the table has no price it is 0: nobody told us one. */
  quote(asked: { recipientDigits: string | null; category: Category; at: number }): Cost;
  priceOf: PriceOf;
  /** The table was changed, and that is committed: read again, here and in other processes. */
  reload(): Promise<void>;
  /** Reads the table for the first time. */
  start(): Promise<void>;
  stop(): void;
}

const reloadEveryMs = 5_000;

export function createPriceBook(deps: {
  database: Database;
  notices: Notices;
  log: Log;
  feeMicros: number;
}): PriceBook {
  const { database, notices, log, feeMicros } = deps;
  let priceOf: PriceOf = () => undefined;
  let loads = 0;
  let timer: NodeJS.Timeout | undefined;

  async function load(): Promise<void> {
    const mine = ++loads;
    const prices = await listPrices(database);
    // Read before a change, perhaps, when a later look is under way already.
    if (mine === loads) priceOf = createPriceTable(prices);
  }

  const loadAgain = () => void load().catch(error => log.error({ err: error }, 'prices could not be read'));
  notices.hear('prices', loadAgain);

  return {
    quote({ recipientDigits, category, at }) {
      const { market, micros } = priceOf(recipientDigits, category, at) ?? { market: '*', micros: 0 };
      return { fee: feeMicros, price: micros, market, category };
    },
    priceOf: (digits, category, at) => priceOf(digits, category, at),
    async reload() {
      await load();
      notices.tell('prices', null);
    },
    async start() {
      await load();
      timer = setInterval(loadAgain, reloadEveryMs).unref();
    },
    stop: () => clearInterval(timer),
  };
}
