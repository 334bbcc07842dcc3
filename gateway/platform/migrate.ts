/**
 * Migrations: plain SQL files, forward only, applied in order, each in a transaction of its own. Safe when several processes start at
 * once (a lock on PostgreSQL, the write lock on SQLite) and while processes of the version before go on working
 * (migrations/README.md is the rule for who writes one); a program refuses a schema that is newer than itself.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, first, type Sql, type Tx } from './database.ts';
import { distribute, hasCitus } from './distribute.ts';
import { levelTenants, unlevelTables } from './level-tenants.ts';

export interface Migration {
  version: number;
  name: string;
  statements: string[];
}

const folder = join(import.meta.dirname, '..', '..', 'migrations');

export function readMigrations(): Migration[] {
  return readdirSync(folder)
    .filter(file => /^\d{4}-[a-z0-9-]+\.sql$/.test(file))
    .sort()
    .map(file => ({
      version: Number(file.slice(0, 4)),
      name: file.slice(5, -'.sql'.length),
      statements: readFileSync(join(folder, file), 'utf8')
        .replace(/^--.*$/gm, '')
        .split(/;\s*$/m)
        .map(statement => statement.trim())
        .filter(statement => statement !== ''),
    }));
}

export interface MigrateOptions {
  /** How long a statement may queue for a table's lock. Whoever comes behind it in that queue waits as long. */
  lockWaitMs: number;
  /** How often a migration that did not get its lock is begun anew, and the pause before that. */
  attempts: number;
  pauseMs: number;
}

/** Two minutes of trying, in which nobody else is held up for more than a second at a time. */
const patience: MigrateOptions = { lockWaitMs: 1_000, attempts: 60, pauseMs: 1_000 };

/**
 * Brings the schema up to date and returns the names of what was applied; on Citus spreads it by tenant. Throws `NewerSchema`,
 * and `TableBusy` when a table's lock was not to be had.
 */
export async function migrate(
  database: Database,
  now: number,
  migrations = readMigrations(),
  options = patience,
): Promise<string[]> {
  const applied: string[] = [];
  while (!(await isUpToDate(database, migrations))) {
    const name = await locked(database, options, tx => applyNext(tx, now, migrations));
    if (name !== undefined) applied.push(name);
  }
  if (database.engine === 'postgres') {
    if ((await unlevelTables(database)).length > 0)
      await locked(database, options, async tx => levelTenants(tx, await unlevelTables(tx)));
    if (await hasCitus(database)) await locked(database, options, distribute);
  }
  return applied;
}

/** A step that waits for no table's lock for long. */
const locked = <T>(database: Database, options: MigrateOptions, step: (tx: Tx) => Promise<T>): Promise<T> =>
  patiently(options, () =>
    database.transact(async tx => {
      await lock(database, tx);
      await limitLockWait(database, tx, options.lockWaitMs);
      return step(tx);
    }),
  );

/** Without any lock, so that the starts after the first neither wait nor hold up. */
async function isUpToDate(database: Database, migrations: Migration[]): Promise<boolean> {
  const isThere =
    database.engine === 'postgres'
      ? `select 1 as one from pg_class where oid = to_regclass('schema_versions')`
      : `select 1 as one from sqlite_schema where name = 'schema_versions'`;
  return (
    (await first(database, isThere)) !== undefined &&
    nextAfter(await schemaVersion(database), migrations) === undefined
  );
}

/** One process migrates at a time; the others wait here, as long as it takes. SQLite's write lock does the same. */
async function lock(database: Database, tx: Tx): Promise<void> {
  if (database.engine === 'postgres') await tx.all('select pg_advisory_xact_lock(927318)');
}

/**
 * A statement that waits for a table's lock, behind a backup or a forgotten psql, makes every statement that comes after it wait
 * as well: then the whole product stands still. So it gives up soon and tries again.
 */
async function limitLockWait(database: Database, tx: Tx, lockWaitMs: number): Promise<void> {
  if (database.engine === 'postgres') await tx.all(`set local lock_timeout = ${Math.ceil(lockWaitMs)}`);
}

/** Applies the first migration that is missing and returns its name; undefined when none is. */
async function applyNext(tx: Tx, now: number, migrations: Migration[]): Promise<string | undefined> {
  await tx.all(
    'create table if not exists schema_versions (version bigint primary key, name text not null, applied_at bigint not null)',
  );
  const next = nextAfter(await schemaVersion(tx), migrations);
  // Another process was quicker.
  if (next === undefined) return undefined;
  for (const statement of next.statements) await tx.all(statement);
  await tx.all('insert into schema_versions (version, name, applied_at) values ($1, $2, $3)', [
    next.version,
    next.name,
    now,
  ]);
  return next.name;
}

function nextAfter(current: number, migrations: Migration[]): Migration | undefined {
  const newest = migrations.at(-1)?.version ?? 0;
  if (current > newest) throw new NewerSchema(current, newest);
  return migrations.find(({ version }) => version > current);
}

async function patiently<T>({ attempts, pauseMs }: MigrateOptions, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if ((error as { code?: unknown }).code !== lockNotAvailable) throw error;
      if (attempt === attempts) throw new TableBusy(attempts, error);
      await sleep(pauseMs);
    }
  }
}

const lockNotAvailable = '55P03';

export class NewerSchema extends Error {
  constructor(found: number, known: number) {
    super(
      `the database has schema version ${found}, this program knows up to ${known}: start a newer Wagate`,
    );
  }
}

class TableBusy extends Error {
  constructor(attempts: number, cause: unknown) {
    super(
      `a migration did not get the lock of its table in ${attempts} attempts, because a transaction has held it all the time; nothing was changed. Find that transaction (select pid, xact_start, state, query from pg_stat_activity where xact_start is not null order by xact_start), end it, and start again`,
      { cause },
    );
  }
}

export async function schemaVersion(sql: Sql): Promise<number> {
  const [row] = await sql.all<{ version: number | null }>(
    'select max(version) as version from schema_versions',
  );
  return row?.version ?? 0;
}
