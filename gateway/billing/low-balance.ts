/** Tells of balances that have become low, once each, in the log and to the tenant. The wallet itself notes since when (wallet.ts). */
import type { EventDraft } from '../canonical/event.ts';
import { tellAmount } from '../canonical/money.ts';
import { type Database, first, type Tx } from '../platform/database.ts';
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
  announce(tx: Tx, tenantId: string, drafts: EventDraft[]): Promise<void>;
  log: Log;
  currency: string;
}): LowBalances {
  const { database, announce, log, currency } = deps;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();

  async function look(): Promise<void> {
    const rows = await database.all<{ tenant_id: string }>(
      'select tenant_id from wallets where low_since is not null and (low_told is null or low_told <> low_since)',
    );
    for (const { tenant_id } of rows) {
      const available = await database.transact(tx => tell(tx, tenant_id));
      if (available === undefined) continue;
      log.warn(
        { tenant: tenant_id, available: `${tellAmount(available)} ${currency}` },
        'the balance is low: top it up, or sends will be refused (wagate top-up)',
      );
    }
  }

  /** What is left, in micros; undefined when another process has told of it, or it is not low any more. */
  async function tell(tx: Tx, tenantId: string): Promise<number | undefined> {
    const told = await first<{ low_since: number; low_below: number; available: number }>(
      tx,
      `update wallets set low_told = low_since
       where tenant_id = $1 and low_since is not null and (low_told is null or low_told <> low_since)
       returning low_since, low_below, topped_up - charged - held as available`,
      [tenantId],
    );
    if (told === undefined) return undefined;
    const { low_since: at, low_below: threshold, available } = told;
    const balance = { available: tellAmount(available), threshold: tellAmount(threshold), currency };
    const nobody = { numberId: null, person: null, messageId: null, meta: null };
    await announce(tx, tenantId, [{ ...nobody, type: 'balance.low', at, data: { balance } }]);
    return available;
  }

  return {
    look,
    start() {
      timer = setInterval(() => {
        looking = look().catch(error => log.error({ err: error }, 'balances could not be told of'));
      }, lookEveryMs).unref();
    },
    async stop() {
      clearInterval(timer);
      await looking;
    },
  };
}
