/**
 * Migrations: plain SQL files, forward only, applied in order. Safe when several processes start at once (a lock on
 * PostgreSQL, the write lock on SQLite); a program refuses a schema that is newer than itself.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Database, Tx } from './database.ts';

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

/** Brings the schema up to date and returns the names of what was applied. Throws `NewerSchema`. */
export async function migrate(
  database: Database,
  now: number,
  migrations = readMigrations(),
): Promise<string[]> {
  return database.transact(async tx => {
    if (database.engine === 'postgres') await tx.all('select pg_advisory_xact_lock(927318)');
    await tx.all(
      'create table if not exists schema_versions (version bigint primary key, name text not null, applied_at bigint not null)',
    );
    const current = await schemaVersion(tx);
    const newest = migrations.at(-1)?.version ?? 0;
    if (current > newest) throw new NewerSchema(current, newest);
    const applied: string[] = [];
    for (const migration of migrations.filter(({ version }) => version > current)) {
      for (const statement of migration.statements) await tx.all(statement);
      await tx.all('insert into schema_versions (version, name, applied_at) values ($1, $2, $3)', [
        migration.version,
        migration.name,
        now,
      ]);
      applied.push(migration.name);
    }
    return applied;
  });
}

export class NewerSchema extends Error {
  constructor(found: number, known: number) {
    super(
      `the database has schema version ${found}, this program knows up to ${known}: start a newer Wagate`,
    );
  }
}

async function schemaVersion(tx: Tx): Promise<number> {
  const [row] = await tx.all<{ version: number | null }>(
    'select max(version) as version from schema_versions',
  );
  return row?.version ?? 0;
}
