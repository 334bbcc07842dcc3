/** The demo's prices: a sample, and only where nobody has imported any. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readPriceCsv } from '../billing/price-csv.ts';
import { listPrices, savePrices } from '../billing/prices.ts';
import { isRefusal } from '../canonical/refusal.ts';
import type { Database } from '../platform/database.ts';

const file = join(import.meta.dirname, '..', 'billing', 'sample-prices.csv');

/** True when they were loaded. In another currency there is no sample. */
export async function loadSamplePrices(database: Database, currency: string): Promise<boolean> {
  const prices = readPriceCsv(readFileSync(file, 'utf8'), currency);
  if (isRefusal(prices)) return false;
  if ((await listPrices(database)).length > 0) return false;
  await database.transact(tx => savePrices(tx, prices, false));
  return true;
}
