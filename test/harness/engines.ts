/** Runs a suite on every engine: the same contract for both. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe } from 'node:test';
import pg from 'pg';
import type { Database } from '../../gateway/platform/database.ts';
import { migrate } from '../../gateway/platform/migrate.ts';
import { openPostgres } from '../../gateway/platform/postgres.ts';
import { openSqlite } from '../../gateway/platform/sqlite.ts';
import { assertMoneyAddsUp } from './prove-money.ts';
import { copySqliteTemplate, templateName } from './templates.ts';

export interface TestDatabase {
  database: Database;
  /** A second opening of the same data, as another process would have it. */
  reopen(): Database;
  /** Fails when its money does not add up. */
  close(): Promise<void>;
}

export type OpenTestDatabase = (options?: { migrated?: boolean }) => Promise<TestDatabase>;

/** URL of the server that test/run.ts started; undefined where PostgreSQL is not installed. */
const postgresUrl = process.env.WAGATE_TEST_POSTGRES;

export function onEachEngine(suite: (engine: 'sqlite' | 'postgres', open: OpenTestDatabase) => void): void {
  describe('sqlite', () => suite('sqlite', options => openTemporarySqlite(options?.migrated ?? true)));
  describe('postgres', { skip: postgresUrl === undefined && 'no PostgreSQL server program found' }, () => {
    suite('postgres', options => openTemporaryPostgres(options?.migrated ?? true));
    after(async () => {
      for (const { database } of emptied.splice(0)) await database.close();
    });
  });
}

async function openTemporarySqlite(migrated: boolean): Promise<TestDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'wagate-test-'));
  const path = join(folder, 'wagate.db');
  if (migrated) copySqliteTemplate(path);
  return prepare(
    () => openSqlite(path),
    migrated,
    async () => rmSync(folder, { recursive: true, force: true }),
  );
}

/**
 * Databases of this process that were given up, emptied and still open: as good as new, while making one and connecting to it takes
 * longer than most tests do.
 */
const emptied: { url: string; database: Database }[] = [];

async function openTemporaryPostgres(migrated: boolean): Promise<TestDatabase> {
  const before = migrated ? emptied.pop() : undefined;
  const url = before?.url ?? (await newPostgresDatabase({ migrated }));
  const open = () => openPostgres({ url, connections: 5, onError: () => undefined });
  if (!migrated) return prepare(open, migrated, async () => undefined);
  const database = before?.database ?? open();
  const others: Database[] = [];
  return {
    database,
    reopen() {
      const other = open();
      others.push(other);
      return other;
    },
    async close() {
      for (const other of others) await other.close();
      await assertMoneyAddsUp(database);
      await database.all(emptyAll);
      emptied.push({ url, database });
    },
  };
}

const emptyAll = `do $$ declare name text; filled boolean; begin
  for name in select relname from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace loop
    execute format('select exists (select from %I)', name) into filled;
    if filled and name <> 'schema_versions' then execute format('truncate %I', name); end if;
  end loop; end $$`;

/** A new database on the test server, empty unless it is to be `migrated`; its URL. */
export async function newPostgresDatabase({ migrated = false } = {}): Promise<string> {
  const name = `test_${process.pid}_${++databases}`;
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  await client.query(`create database ${name}${migrated ? ` template ${templateName}` : ''}`);
  await client.end();
  return postgresUrl!.replace(/\/[^/]*$/, `/${name}`);
}

let databases = 0;

async function prepare(
  open: () => Database,
  migrated: boolean,
  remove: () => Promise<void>,
): Promise<TestDatabase> {
  const opened: Database[] = [];
  const reopen = () => {
    const database = open();
    opened.push(database);
    return database;
  };
  const database = reopen();
  if (migrated) await migrate(database, 1);
  return {
    database,
    reopen,
    async close() {
      try {
        await assertMoneyAddsUp(database);
      } finally {
        for (const one of opened) await one.close();
        await remove();
      }
    },
  };
}
