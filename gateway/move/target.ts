/** The PostgreSQL database a move goes to: its name for people, its opening, and whether it may be moved into. */
import { type Database, first } from '../platform/database.ts';
import { openPostgres } from '../platform/postgres.ts';
import { StartProblem } from '../platform/start-problem.ts';
import { notMoved, quoted, type Table, targetTables } from './schema.ts';

/** Without password and options: for people, logs and the mark. Throws `StartProblem` when it is no URL of PostgreSQL. */
export function shownUrl(to: string): string {
  const url = /^postgres(ql)?:\/\//.test(to) ? URL.parse(to) : null;
  if (url === null)
    throw new StartProblem([
      '--to must be a URL like postgres://user:password@host:5432/database (special characters percent-encoded).',
    ]);
  const user = url.username === '' ? '' : `${url.username}@`;
  return `postgres://${user}${url.host}${url.pathname}`;
}

/** Throws `StartProblem` when it cannot be reached or keeps texts other than in UTF-8. */
export async function openTarget(to: string): Promise<Database> {
  const shown = shownUrl(to);
  // A connection that breaks fails the query that uses it, which tells.
  const target = openPostgres({ url: to, connections: 2, onError: () => undefined });
  try {
    const row = await first<{ encoding: string }>(
      target,
      `select current_setting('server_encoding') as encoding`,
    );
    if (row?.encoding === 'UTF8') return target;
    throw new Error(`its encoding is ${row?.encoding}, not UTF8: make it with encoding 'UTF8'`);
  } catch (error) {
    await target.close();
    throw new StartProblem([`${shown} cannot be used: ${(error as Error).message || String(error)}.`]);
  }
}

/** What speaks against moving into it, undefined when it is empty or has but an empty schema of ours. */
export async function foreignData(target: Database, tables: Table[]): Promise<string | undefined> {
  const there = [...(await targetTables(target)).keys()];
  const ours = new Set([...tables.map(({ name }) => name), ...notMoved.keys()]);
  const foreign = there.filter(name => !ours.has(name));
  if (foreign.length > 0) return `it has tables of something else (${foreign.slice(0, 5).join(', ')})`;
  for (const name of there) {
    if (name === 'schema_versions') continue;
    const row = await first(target, `select 1 as one from ${quoted(name)} limit 1`);
    if (row === undefined) continue;
    return name === 'processes' ? processThere : `it has rows already (table ${name})`;
  }
  return undefined;
}

export const processThere = 'a gateway runs on it, or was killed there (table processes)';

/** A process of a gateway has entered itself and not left. */
export async function hasProcess(target: Database): Promise<boolean> {
  return (await first(target, 'select id from processes limit 1')) !== undefined;
}
