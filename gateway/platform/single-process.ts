/**
 * The embedded database is for one process. A lock held by an open SQLite transaction says so, and ends with its
 * process however that ends.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartProblem } from './start-problem.ts';

/** Returns the function that gives the lock back. Throws `StartProblem` when another process holds it. */
export function lockFolder(folder: string): () => void {
  const lock = new DatabaseSync(join(folder, 'process.lock'), { timeout: 0 });
  try {
    lock.exec('begin exclusive');
  } catch {
    lock.close();
    throw new StartProblem([
      `Another Wagate uses the folder ${folder}: stop it, or set WAGATE_DATA to another folder, or DATABASE_URL to use PostgreSQL with many processes.`,
    ]);
  }
  return () => lock.close();
}
