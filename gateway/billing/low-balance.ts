/** Says in the log which balances have become low. The wallet itself notes since when (wallet.ts). */

import { tellAmount } from '../canonical/money.ts';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';

export interface LowBalances {
  /** One look; what `start` repeats. */
  look(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

const lookEveryMs = 5_000;

export function watchLowBalances(deps: {
  database: Database;
  log: Log;
  currency: string;
  now(): number;
}): LowBalances {
  const { database, log, currency, now } = deps;
  const told = new Map<string, number>();
  let since = now();
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();

  async function look(): Promise<void> {
    const rows = await database.all<{ tenant_id: string; low_since: number; available: number }>(
      `select tenant_id, low_since, topped_up - charged - held as available from wallets
       where low_since is not null and low_since >= $1`,
      [since - lookEveryMs * 12],
    );
    for (const { tenant_id, low_since, available } of rows) {
      if (told.get(tenant_id) === low_since) continue;
      told.set(tenant_id, low_since);
      log.warn(
        { tenant: tenant_id, available: `${tellAmount(available)} ${currency}` },
        'the balance is low: top it up, or sends will be refused (wagate top-up)',
      );
    }
    since = now();
  }

  return {
    look,
    start() {
      timer = setInterval(() => {
        looking = look().catch(error => log.error({ err: error }, 'balances could not be read'));
      }, lookEveryMs).unref();
    },
    async stop() {
      clearInterval(timer);
      await looking;
    },
  };
}
