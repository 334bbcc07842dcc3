/** What is done to a database before rows are copied from it. */
import { newId } from '../canonical/ids.ts';
import { createChangeAnnouncer } from '../messages/announce-changes.ts';
import { createFeed } from '../messages/feed.ts';
import { createPresence } from '../messages/presence.ts';
import { createSweeper } from '../messages/sweeper.ts';
import type { Database } from '../platform/database.ts';
import { migrate, NewerSchema } from '../platform/migrate.ts';
import { noNotices } from '../platform/notices.ts';
import { openSqlite } from '../platform/sqlite.ts';
import { StartProblem } from '../platform/start-problem.ts';
import { createEndpointBook } from '../tenants/endpoint-book.ts';
import { createAnnouncer } from '../webhooks/announce.ts';
import { databasePath, type MoveDeps } from './sides.ts';

/** Brings the schema up to date and settles what a process that was killed had claimed, where its journal is. */
export async function prepareSource({ dataFolder, uncertainMs, now, log }: MoveDeps): Promise<void> {
  const database = openSqlite(databasePath(dataFolder));
  try {
    await migrateOrTell(database, now());
    const book = createEndpointBook({ notices: noNotices, now });
    const sweeper = createSweeper({
      database,
      feed: createFeed(),
      announce: createChangeAnnouncer(createAnnouncer({ book, now, wake: () => undefined })),
      log,
      settled: () => undefined,
      now,
      uncertainMs,
      everyMs: 1_000,
    });
    const presence = createPresence({
      database,
      log,
      dataFolder,
      processId: newId(),
      pid: process.pid,
      now,
      takeOver: sweeper.takeOver,
    });
    // Its start takes over from the dead.
    await presence.start();
    await presence.stop();
  } finally {
    await database.close();
  }
}

/** Throws `StartProblem` when the schema is newer than this program. */
export async function migrateOrTell(database: Database, now: number): Promise<void> {
  try {
    await migrate(database, now);
  } catch (error) {
    if (error instanceof NewerSchema) throw new StartProblem([`${error.message}.`]);
    throw error;
  }
}
