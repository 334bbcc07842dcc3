/**
 * On PostgreSQL another process may have sent what a caller of ours waits for: look at the rows now and then, and at once when it
 * tells us (relay.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import { settlements } from './lookup.ts';
import type { Waiters } from './waiters.ts';

export interface RowLook {
  /** Looks at these messages without waiting for the next round. */
  look(tenantId: string, ids: string[]): void;
  stop(): Promise<void>;
}

export function watchRows(database: Database, waiters: Waiters, log: Log, everyMs: number): RowLook {
  const stopping = new AbortController();
  const named = new Map<string, string[]>();
  let looking: Promise<void> | undefined;

  async function lookAt(ids: Map<string, string[]>): Promise<void> {
    try {
      for (const [tenantId, ofTenant] of ids) {
        for (const settlement of await settlements(database, tenantId, ofTenant.slice(0, 5_000)))
          waiters.resolve(settlement);
      }
    } catch (error) {
      log.error({ err: error }, 'rows of waiting callers could not be read');
    }
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sleep(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      await lookAt(waiters.pending());
    }
  }

  async function lookAtNamed(): Promise<void> {
    while (named.size > 0) {
      const ids = new Map(named);
      named.clear();
      await lookAt(ids);
    }
    looking = undefined;
  }

  const running = loop();
  return {
    look(tenantId, ids) {
      named.set(tenantId, [...(named.get(tenantId) ?? []), ...ids]);
      looking ??= lookAtNamed();
    },
    async stop() {
      stopping.abort();
      await running;
      await looking;
    },
  };
}
