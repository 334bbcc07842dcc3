/**
 * PostgreSQL chooses its plans by what it knows of a table, and learns that by itself no sooner than a minute after the first rows came,
 * later only when a tenth of the table has changed. Until then it believes that a tenant has next to nothing, and reads all that the
 * tenant has where it should look up a few keys. So we have it look in time: often while a table is young, then once in a minute at most.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from './database.ts';
import type { Log } from './log.ts';

export interface Statistics {
  /** One look; what `start` repeats. Resolves with the tables that were analyzed. */
  look(): Promise<string[]>;
  start(): void;
  stop(): Promise<void>;
}

const lookEveryMs = 5_000;

/** That grow suddenly and are looked up by many keys at once. */
const tables =
  "'messages', 'incoming', 'windows', 'events', 'attempts', 'broadcast_recipients', 'contacts', 'contact_tags'";

/** Above it analyzing reads 30,000 pages, 250 MB: once in a minute. */
const youngRows = 200_000;

const isOutdated = `n_mod_since_analyze > least(500 + n_live_tup / 5, 20000) and (n_live_tup < ${youngRows}
  or coalesce(greatest(last_analyze, last_autoanalyze), to_timestamp(0)) < now() - interval '1 minute')`;

export function createStatistics({ database, log }: { database: Database; log: Log }): Statistics {
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();

  async function look(): Promise<string[]> {
    const rows = await database.all<{ relname: string }>(
      `select relname from pg_stat_user_tables where relname in (${tables}) and ${isOutdated}`,
    );
    for (const { relname } of rows) await database.all(`analyze ${relname}`);
    return rows.map(({ relname }) => relname);
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sleep(lookEveryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      await look().catch(error => log.warn({ err: error }, 'tables could not be analyzed'));
    }
  }

  return {
    look,
    start() {
      if (database.engine === 'postgres') running = loop();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
