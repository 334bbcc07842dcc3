/** On PostgreSQL another process may have sent what a caller of ours waits for: look at the rows now and then. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import { settlements } from './lookup.ts';
import type { Waiters } from './waiters.ts';

/** Returns the function that ends the looking. */
export function watchRows(
  database: Database,
  waiters: Waiters,
  log: Log,
  everyMs: number,
): () => Promise<void> {
  const stopping = new AbortController();
  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sleep(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      try {
        for (const [tenantId, ids] of waiters.pending()) {
          for (const settlement of await settlements(database, tenantId, ids.slice(0, 5_000)))
            waiters.resolve(settlement);
        }
      } catch (error) {
        log.error({ err: error }, 'rows of waiting callers could not be read');
      }
    }
  }
  const running = loop();
  return async () => {
    stopping.abort();
    await running;
  };
}
