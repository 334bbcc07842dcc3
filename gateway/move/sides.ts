/** The two sides of a move, opened and closed together, while nobody else works on the folder. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import { lockFolder } from '../platform/single-process.ts';
import { StartProblem } from '../platform/start-problem.ts';
import { sourceTables, type Table } from './schema.ts';
import { openSource, type Source } from './source.ts';
import { openTarget } from './target.ts';

export interface MoveDeps {
  dataFolder: string;
  /** URL of the target. */
  to: string;
  uncertainMs: number;
  now(): number;
  log: Log;
  progress(step: Step): void;
}

/** `rows` of `total` of a table are copied or compared. */
export interface Step {
  kind: 'copy' | 'compare';
  table: string;
  rows: number;
  total: number;
}

/** Locks the folder, opens the target, and closes both in the end. */
export async function withBoth<T>(deps: MoveDeps, work: (target: Database) => Promise<T>): Promise<T> {
  const { dataFolder, to } = deps;
  if (!existsSync(databasePath(dataFolder)))
    throw new StartProblem([
      `There is no database in ${dataFolder} to move: name its folder by WAGATE_DATA; an empty start on PostgreSQL needs no move.`,
    ]);
  const unlock = lock(dataFolder);
  try {
    const target = await openTarget(to);
    try {
      return await work(target);
    } finally {
      await target.close();
    }
  } finally {
    unlock();
  }
}

export const databasePath = (dataFolder: string) => join(dataFolder, 'wagate.db');

/** Returns the function that gives the folder back. */
export function lock(dataFolder: string): () => void {
  try {
    return lockFolder(dataFolder);
  } catch (error) {
    if (!(error instanceof StartProblem)) throw error;
    throw new StartProblem([
      `A gateway runs on ${dataFolder}, or another wagate move: stop it (Ctrl-C or SIGTERM), then repeat this command.`,
    ]);
  }
}

/** The embedded database, only to read. */
export async function withSource<T>(
  dataFolder: string,
  work: (source: Source, tables: Table[]) => Promise<T>,
): Promise<T> {
  const source = openSource(databasePath(dataFolder));
  try {
    return await work(source, sourceTables(source));
  } finally {
    source.close();
  }
}
