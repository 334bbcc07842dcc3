/** What stands before a gateway is composed: database, mode, log, master key, simulator. */
import { join } from 'node:path';
import { demo } from './demo/demo.ts';
import { startSimulator } from './demo/simulator-process.ts';
import { refuseMoved } from './move/mark.ts';
import { refuseUnfinished } from './move/record.ts';
import { systemClock } from './platform/clock.ts';
import type { Config } from './platform/config.ts';
import type { Database } from './platform/database.ts';
import { createLog, type Log } from './platform/log.ts';
import { migrate, NewerSchema } from './platform/migrate.ts';
import { openPostgres } from './platform/postgres.ts';
import { createSeal, masterKey, type Seal } from './platform/seal.ts';
import { openSqlite } from './platform/sqlite.ts';
import { StartProblem } from './platform/start-problem.ts';
import { isLoopback, portProblem } from './preflight.ts';
import { openSecrets } from './tenants/number-book.ts';
import { allNumbers, findNumber } from './tenants/numbers.ts';

/** demo: published keys and a simulator of Meta, on loopback only. */
export type Mode = 'demo' | 'live';

/** The database of the settings as it is. */
export function connectDatabase(config: Config, onError: (error: Error) => void): Database {
  return config.databaseUrl === null
    ? openSqlite(join(config.dataFolder, 'wagate.db'))
    : openPostgres({ url: config.databaseUrl, connections: config.databaseConnections, onError });
}

/** Opens the database of the settings, brought up to date. For the server and for commands that work without one. */
export async function openDatabase(config: Config, log: Log): Promise<Database> {
  if (config.databaseUrl === null) refuseMoved(config.dataFolder);
  const database = connectDatabase(config, error => log.error({ err: error }, 'database connection lost'));
  try {
    await refuseUnfinished(database);
    const applied = await migrate(database, systemClock.now());
    if (applied.length > 0) log.info({ applied }, 'migrated');
    return database;
  } catch (error) {
    await database.close();
    if (error instanceof NewerSchema) throw new StartProblem([`${error.message}.`]);
    if (config.databaseUrl === null) throw error;
    throw new StartProblem([
      `PostgreSQL at DATABASE_URL cannot be used: ${(error as Error).message || String(error)}.`,
    ]);
  }
}

/** auto: demo until a number of a real tenant exists. */
export async function chooseMode(config: Config, database: Database): Promise<Mode> {
  const mode =
    config.mode !== 'auto'
      ? config.mode
      : (await allNumbers(database)).every(({ tenantId }) => tenantId === demo.tenantId)
        ? 'demo'
        : 'live';
  if (mode === 'live') return mode;
  const problem = await portProblem('SIMULATOR_PORT', config.simulatorPort, '127.0.0.1');
  const problems = problem === undefined ? [] : [problem];
  if (!isLoopback(config.host)) {
    problems.push(
      `HOST is ${config.host}, but demo mode has published keys and listens on loopback only: add a number first (see docs/operating.md), or set WAGATE_MODE=live.`,
    );
  }
  if (problems.length > 0) throw new StartProblem(problems);
  return mode;
}

export function openLog(config: Config, mode: Mode): Log {
  const ofDemo = mode === 'demo' ? join(config.dataFolder, 'wagate.log') : null;
  return createLog(config.logLevel, config.logFile ?? ofDemo);
}

/** Starts the simulator; returns its address. */
export async function openSimulator(config: Config, log: Log, closing: (() => unknown)[]): Promise<string> {
  const simulator = await startSimulator(config.simulatorPort, () => {
    log.error('the simulator ended');
    process.stderr.write(
      'The simulator of Meta has ended; nothing can be sent until Wagate is started again.\n',
    );
  });
  closing.push(simulator.close);
  return simulator.url;
}

/** Throws when the master key is not the one that sealed what is stored. */
export async function openSeal(config: Config, database: Database): Promise<Seal> {
  const stored = await allNumbers(database);
  const seal = createSeal(masterKey(config.masterKey, config.dataFolder, stored.length === 0));
  const [entry] = stored;
  const number = entry && (await findNumber(database, entry.tenantId, entry.numberId));
  if (number === undefined) return seal;
  try {
    openSecrets(seal, number.id, number.sealed);
    return seal;
  } catch {
    throw new StartProblem([
      `The master key does not open the ${stored.length} number(s) stored here: give back the one they were sealed with (WAGATE_MASTER_KEY, or master.key in ${config.dataFolder}).`,
    ]);
  }
}

/** Closes what was opened when not all of it could be. */
export async function orClose<T>(work: (closing: (() => unknown)[]) => Promise<T>): Promise<T> {
  const closing: (() => unknown)[] = [];
  try {
    return await work(closing);
  } catch (error) {
    await closeAll(closing);
    throw error;
  }
}

/** In reverse: what was opened last is closed first. */
export async function closeAll(closing: (() => unknown)[]): Promise<void> {
  for (const close of closing.splice(0).reverse()) await close();
}
