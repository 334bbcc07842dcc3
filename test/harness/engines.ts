/** Runs a suite on every engine: the same contract for both. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'node:test';
import pg from 'pg';
import type { Database } from '../../gateway/platform/database.ts';
import { migrate } from '../../gateway/platform/migrate.ts';
import { openPostgres } from '../../gateway/platform/postgres.ts';
import { openSqlite } from '../../gateway/platform/sqlite.ts';
import { assertMoneyAddsUp } from './prove-money.ts';

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
  describe('postgres', { skip: postgresUrl === undefined && 'no PostgreSQL server program found' }, () =>
    suite('postgres', options => openTemporaryPostgres(options?.migrated ?? true)),
  );
}

async function openTemporarySqlite(migrated: boolean): Promise<TestDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'wagate-test-'));
  const path = join(folder, 'wagate.db');
  return prepare(
    () => openSqlite(path),
    migrated,
    async () => rmSync(folder, { recursive: true, force: true }),
  );
}

async function openTemporaryPostgres(migrated: boolean): Promise<TestDatabase> {
  const url = await newPostgresDatabase();
  return prepare(
    () => openPostgres({ url, connections: 5, onError: () => undefined }),
    migrated,
    async () => undefined,
  );
}

/** A new empty database on the test server; its URL. */
export async function newPostgresDatabase(): Promise<string> {
  const name = `test_${process.pid}_${++databases}`;
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  await client.query(`create database ${name}`);
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
