/** The settings of commands that work without a server; their problems are told all at once. */
import { type Config, readConfig, readEnvironment } from '../platform/config.ts';
import type { Database } from '../platform/database.ts';
import { createLog } from '../platform/log.ts';
import { StartProblem } from '../platform/start-problem.ts';
import type { Server } from './server.ts';

export function configOrProblems(): Config {
  const read = readConfig(readEnvironment());
  if ('problems' in read) throw new StartProblem(read.problems);
  return read.config;
}

/** Runs `work` on the database of the settings, opened for this command alone. */
export async function withDatabase<T>(
  server: Server,
  work: (database: Database, config: Config) => Promise<T>,
): Promise<T> {
  const config = configOrProblems();
  const problems = await server.preflight({ dataFolder: config.dataFolder });
  if (problems.length > 0) throw new StartProblem(problems);
  const database = await server.openDatabase(config, createLog('silent', null));
  try {
    return await work(database, config);
  } finally {
    await database.close();
  }
}
