/**
 * One migrated database of each engine, made once per run (test/run.ts). Tests begin from copies: migrating each of the hundreds anew
 * took more time than what most of them try. Without a run, with `node --test` alone, each is migrated where it is opened.
 */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { migrate } from '../../gateway/platform/migrate.ts';
import { openPostgres } from '../../gateway/platform/postgres.ts';
import { openSqlite } from '../../gateway/platform/sqlite.ts';
import type { PostgresServer } from './postgres.ts';

/** Of the database on the server of the run. */
export const templateName = 'wagate_template';

export interface Templates {
  sqlite: string;
  /** undefined without a server. */
  postgres: string | undefined;
}

/** Path and URL of both. Nobody may be connected to the second while it is copied. */
export async function makeTemplates(folder: string, server: PostgresServer | undefined): Promise<Templates> {
  mkdirSync(folder);
  const sqlite = join(folder, 'wagate.db');
  const postgres = await server?.createDatabase(templateName);
  const databases = [openSqlite(sqlite)];
  if (postgres !== undefined)
    databases.push(openPostgres({ url: postgres, connections: 1, onError: () => undefined }));
  for (const database of databases) {
    await migrate(database, 1);
    await database.close();
  }
  return { sqlite, postgres };
}

/** The database file, migrated; none where there is no run to copy one from. */
export function copySqliteTemplate(path: string): void {
  const template = process.env.WAGATE_TEST_SQLITE;
  if (template !== undefined) copyFileSync(template, path);
}
