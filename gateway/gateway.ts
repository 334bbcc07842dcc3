/** Composition root: everything is opened here in order and closed in reverse. */
import { join } from 'node:path';
import { addNativeApi } from './api/api.ts';
import { newId } from './canonical/ids.ts';
import { demo } from './demo/demo.ts';
import { seedDemo } from './demo/seed-demo.ts';
import { startSimulator } from './demo/simulator-process.ts';
import { createAuthenticator } from './http/authenticate.ts';
import { addDialectRoutes } from './http/dialect-routes.ts';
import { createListener } from './http/listener.ts';
import { addMetaWebhook } from './http/meta-webhook.ts';
import { addPages } from './http/pages.ts';
import { addProbes } from './http/probes.ts';
import { createReceiver } from './inbound/receive.ts';
import { createAccept } from './messages/accept.ts';
import { createFeed, type Feed } from './messages/feed.ts';
import { createPresence } from './messages/presence.ts';
import { createSender } from './messages/sender.ts';
import { createSweeper } from './messages/sweeper.ts';
import { createWaiters } from './messages/waiters.ts';
import { watchRows } from './messages/waiters-of-others.ts';
import { createGraph } from './meta/graph.ts';
import { systemClock } from './platform/clock.ts';
import type { Config } from './platform/config.ts';
import type { Database } from './platform/database.ts';
import { createLog, type Log } from './platform/log.ts';
import { migrate, NewerSchema } from './platform/migrate.ts';
import { openPostgres } from './platform/postgres.ts';
import { createSeal, masterKey, type Seal } from './platform/seal.ts';
import { lockFolder } from './platform/single-process.ts';
import { openSqlite } from './platform/sqlite.ts';
import { StartProblem } from './platform/start-problem.ts';
import { isLoopback, portProblem, preflight } from './preflight.ts';
import { createNumberBook, openSecrets } from './tenants/number-book.ts';
import { allNumbers, findNumber } from './tenants/numbers.ts';
import { createTemplateBook } from './tenants/template-book.ts';

export interface Gateway {
  url: string;
  mode: 'demo' | 'live';
  /** Of the simulator that demo mode started. */
  simulatorUrl: string | null;
  feed: Feed;
  database: Database;
  /** Finishes what is in flight, loses nothing, closes everything. */
  close(): Promise<void>;
}

/** Throws `StartProblem` with all that a person has to put right. */
export async function createGateway(config: Config): Promise<Gateway> {
  const problems = await preflight(config);
  if (problems.length > 0) throw new StartProblem(problems);
  const closing: (() => unknown)[] = [];
  try {
    return await open(config, closing);
  } catch (error) {
    await closeAll(closing);
    throw error;
  }
}

/** Opens the database of the settings, brought up to date. For the server and for commands that work without one. */
export async function openDatabase(config: Config, log: Log): Promise<Database> {
  const database =
    config.databaseUrl === null
      ? openSqlite(join(config.dataFolder, 'wagate.db'))
      : openPostgres(config.databaseUrl, config.databaseConnections, error =>
          log.error({ err: error }, 'database connection lost'),
        );
  try {
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

async function open(config: Config, closing: (() => unknown)[]): Promise<Gateway> {
  const now = systemClock.now;
  if (config.databaseUrl === null) closing.push(lockFolder(config.dataFolder));
  const bootLog = createLog('silent', null);
  const database = await openDatabase(config, bootLog);
  closing.push(() => database.close());
  const mode = await chooseMode(config, database);
  const log = createLog(
    config.logLevel,
    config.logFile ?? (mode === 'demo' ? join(config.dataFolder, 'wagate.log') : null),
  );
  const seal = await openSeal(config, database);

  const simulatorEnded = () => {
    log.error('the simulator ended');
    process.stderr.write(
      'The simulator of Meta has ended; nothing can be sent until Wagate is started again.\n',
    );
  };
  const simulator = mode === 'demo' ? await startSimulator(config.simulatorPort, simulatorEnded) : null;
  if (simulator !== null) closing.push(simulator.close);
  const graph = createGraph({
    url: simulator?.url ?? config.graphUrl,
    version: config.graphVersion,
    timeoutMs: config.metaTimeoutMs,
    connections: config.maxInFlight,
  });
  closing.push(graph.close);

  const numbers = createNumberBook({ database, seal, log, now });
  const templates = createTemplateBook({ database, graph, log, now });
  const feed = createFeed();
  const waiters = createWaiters();
  const uncertainMs = config.uncertainSeconds * 1000;
  const sweeper = createSweeper({
    database,
    feed,
    log,
    settled: waiters.resolve,
    now,
    uncertainMs,
    everyMs: 2_000,
  });
  const processId = newId();
  const presence = createPresence({
    database,
    log,
    dataFolder: config.dataFolder,
    processId,
    pid: process.pid,
    now,
    takeOver: sweeper.takeOver,
  });
  const sender = createSender({
    database,
    graph,
    numbers,
    feed,
    log,
    processId,
    journal: presence.journal,
    settled: waiters.resolve,
    now,
    random: Math.random,
    inFlightMax: config.maxInFlight,
    metaTimeoutMs: config.metaTimeoutMs,
    uncertainMs,
    pollMs: 500,
  });
  const { accept, idle: acceptIdle } = createAccept({
    database,
    feed,
    sender,
    now,
    waitingMax: config.maxWaiting,
  });
  const receiver = createReceiver({ database, numbers, feed, log, now, waitingMax: config.maxWaiting });
  const authenticator = createAuthenticator({
    database,
    log,
    now,
    operatorKey: mode === 'demo' ? (config.operatorKey ?? demo.operatorKey) : config.operatorKey,
    refusedTenantId: mode === 'demo' ? null : demo.tenantId,
  });

  let stopping = false;
  const listener = await createListener({
    log,
    bodyLimitBytes: config.bodyLimitBytes,
    waitingMax: config.maxWaiting,
  });
  addDialectRoutes(listener, {
    database,
    authenticator,
    numbers,
    templates,
    accept,
    waiters,
    graph,
    log,
    now,
    answerTimeoutMs: config.answerTimeoutMs,
    messageTtlMs: config.messageTtlSeconds * 1000,
  });
  const apiDeps = {
    database,
    authenticator,
    numbers,
    templates,
    graph,
    seal,
    feed,
    log,
    now,
    publicUrl: mode === 'demo' ? null : config.publicUrl,
    demoTenantId: demo.tenantId,
    wakeSender: sender.wake,
  };
  await addNativeApi(listener, apiDeps);
  await addMetaWebhook(listener, { receiver, numbers, database, log });
  addPages(listener);
  addProbes(listener, { database, isStopping: () => stopping });

  await presence.start();
  closing.push(presence.stop);
  sender.start();
  closing.push(sender.stop);
  sweeper.start();
  closing.push(sweeper.stop);
  closing.push(watchRows(database, waiters, log, 500));
  // Requests end before what serves them: an accepted one is committed and, if its caller waits, answered.
  closing.push(async () => {
    stopping = true;
    await listener.close();
    await acceptIdle();
    await receiver.idle();
  });
  const url = await listen(listener, config);
  if (simulator !== null) await seedDemo({ ...apiDeps, url, simulatorUrl: simulator.url });
  log.info({ url, mode, engine: database.engine }, 'ready');

  return { url, mode, simulatorUrl: simulator?.url ?? null, feed, database, close: () => closeAll(closing) };
}

/** Throws when the master key is not the one that sealed what is stored. */
async function openSeal(config: Config, database: Database): Promise<Seal> {
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

/** auto: demo until a number of a real tenant exists. */
async function chooseMode(config: Config, database: Database): Promise<'demo' | 'live'> {
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

async function listen(listener: Awaited<ReturnType<typeof createListener>>, config: Config): Promise<string> {
  await listener.listen({ port: config.port, host: config.host });
  const address = listener.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : config.port;
  const host = config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : config.host;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function closeAll(closing: (() => unknown)[]): Promise<void> {
  for (const close of closing.splice(0).reverse()) await close();
}
