/** Composition root: everything is opened here in order and closed in reverse. */
import { join } from 'node:path';
import { addNativeApi } from './api/api.ts';
import { newId } from './canonical/ids.ts';
import { demo } from './demo/demo.ts';
import { seedDemo } from './demo/seed-demo.ts';
import { startSimulator } from './demo/simulator-process.ts';
import { type Authenticator, createAuthenticator } from './http/authenticate.ts';
import { addDialectRoutes } from './http/dialect-routes.ts';
import { createListener } from './http/listener.ts';
import { addMetaWebhook } from './http/meta-webhook.ts';
import { addPages } from './http/pages.ts';
import { addProbes } from './http/probes.ts';
import { createReceiver } from './inbound/receive.ts';
import { createAccept } from './messages/accept.ts';
import { createClaimer } from './messages/claimer.ts';
import { createFeed, type Feed } from './messages/feed.ts';
import { createPresence } from './messages/presence.ts';
import { createRelay } from './messages/relay.ts';
import { createSender, type Sender } from './messages/sender.ts';
import { createSweeper } from './messages/sweeper.ts';
import { createWaiters } from './messages/waiters.ts';
import { watchRows } from './messages/waiters-of-others.ts';
import { createGraph } from './meta/graph.ts';
import { refuseMoved } from './move/mark.ts';
import { refuseUnfinished } from './move/record.ts';
import { systemClock } from './platform/clock.ts';
import type { Config } from './platform/config.ts';
import type { Database } from './platform/database.ts';
import { createLog, type Log, plainLines } from './platform/log.ts';
import { migrate, NewerSchema } from './platform/migrate.ts';
import { createNotices, noNotices } from './platform/notices.ts';
import { openPostgres } from './platform/postgres.ts';
import { createSeal, masterKey, type Seal } from './platform/seal.ts';
import { lockFolder } from './platform/single-process.ts';
import { openSqlite } from './platform/sqlite.ts';
import { StartProblem } from './platform/start-problem.ts';
import { agreedPort, isLoopback, portProblem, preflight } from './preflight.ts';
import { keepingOf } from './retention/keeping.ts';
import { createRetention } from './retention/worker.ts';
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

/** What several workers have in common, and a gateway that is one of them is given. */
export interface Shared {
  mode: Gateway['mode'];
  simulatorUrl: string | null;
}

/** Throws `StartProblem` with all that a person has to put right. A worker finds its settings checked. */
export async function createGateway(
  config: Config,
  asWorker?: Shared & { seedsDemo: boolean },
): Promise<Gateway> {
  const problems = asWorker === undefined ? await preflight(config) : [];
  if (problems.length > 0) throw new StartProblem(problems);
  return orClose(closing => open(config, closing, asWorker));
}

/**
 * What is done once for all workers, so that they do not race: settings checked, schema and master key made, port and mode chosen,
 * the simulator started.
 */
export async function prepareWorkers(
  config: Config,
): Promise<{ shared: Shared; config: Config; log: Log; close(): Promise<void> }> {
  const problems = await preflight(config);
  if (problems.length > 0) throw new StartProblem(problems);
  const database = await openDatabase(config, createLog('silent', null));
  let mode: Gateway['mode'];
  try {
    mode = await chooseMode(config, database);
    await openSeal(config, database);
  } finally {
    await database.close();
  }
  const log = openLog(config, mode);
  return orClose(async closing => {
    const simulatorUrl = mode === 'demo' ? await openSimulator(config, log, closing) : null;
    const port = await agreedPort(config.port, config.host);
    const shared = { mode, simulatorUrl };
    return { shared, config: { ...config, port }, log, close: () => closeAll(closing) };
  });
}

/** Closes what was opened when not all of it could be. */
async function orClose<T>(work: (closing: (() => unknown)[]) => Promise<T>): Promise<T> {
  const closing: (() => unknown)[] = [];
  try {
    return await work(closing);
  } catch (error) {
    await closeAll(closing);
    throw error;
  }
}

/** Opens the database of the settings, brought up to date. For the server and for commands that work without one. */
export async function openDatabase(config: Config, log: Log): Promise<Database> {
  if (config.databaseUrl === null) refuseMoved(config.dataFolder);
  const database =
    config.databaseUrl === null
      ? openSqlite(join(config.dataFolder, 'wagate.db'))
      : openPostgres({
          url: config.databaseUrl,
          connections: config.databaseConnections,
          onError: error => log.error({ err: error }, 'database connection lost'),
        });
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

async function open(
  config: Config,
  closing: (() => unknown)[],
  asWorker: (Shared & { seedsDemo: boolean }) | undefined,
): Promise<Gateway> {
  const now = systemClock.now;
  if (config.databaseUrl === null) closing.push(lockFolder(config.dataFolder));
  const bootLog = createLog('silent', null);
  const database = await openDatabase(config, bootLog);
  closing.push(() => database.close());
  const mode = asWorker?.mode ?? (await chooseMode(config, database));
  const log = openLog(config, mode);
  const seal = await openSeal(config, database);
  const simulatorUrl =
    asWorker !== undefined
      ? asWorker.simulatorUrl
      : mode === 'demo'
        ? await openSimulator(config, log, closing)
        : null;
  const graph = createGraph({
    url: simulatorUrl ?? config.graphUrl,
    version: config.graphVersion,
    timeoutMs: config.metaTimeoutMs,
    connections: config.maxInFlight,
  });
  closing.push(graph.close);

  const processId = newId();
  const { databaseUrl, databaseListenUrl: listenUrl } = config;
  const notices =
    databaseUrl === null ? noNotices : createNotices({ database, databaseUrl, listenUrl, processId, log });
  const numbers = createNumberBook({ database, seal, notices, log, now });
  const templates = createTemplateBook({ database, graph, log, now });
  const feed = createFeed();
  const waiters = createWaiters();
  const rows = watchRows(database, waiters, log, 500);
  closing.push(rows.stop);
  const { answerTimeoutMs } = config;
  const relay = createRelay({ notices, feed, waiters, rows, log, now, answerTimeoutMs });
  closing.push(relay.stop);
  notices.start();
  closing.push(notices.stop);
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
  const presence = createPresence({
    database,
    log,
    dataFolder: config.dataFolder,
    processId,
    pid: process.pid,
    now,
    takeOver: sweeper.takeOver,
  });
  const sending = createSender({
    database,
    graph,
    numbers,
    feed,
    log,
    processId,
    journal: presence.journal,
    settled: waiters.resolve,
    returned: (lane, at) => claimer.wakeAt(lane, at),
    now,
    random: Math.random,
    inFlightMax: config.maxInFlight,
    uncertainMs,
  });
  const sender: Sender = {
    ...sending,
    dispatch(claimed) {
      relay.taken(claimed.map(({ id }) => id));
      sending.dispatch(claimed);
    },
  };
  const claimer = createClaimer({
    database,
    sender,
    feed,
    log,
    processId,
    settled: waiters.resolve,
    now,
    metaTimeoutMs: config.metaTimeoutMs,
    pollMs: 500,
  });
  const { accept, idle: acceptIdle } = createAccept({
    database,
    feed,
    sender,
    claimer,
    now,
    waitingMax: config.maxWaiting,
  });
  const receiver = createReceiver({ database, numbers, feed, log, now, waitingMax: config.maxWaiting });
  const retention = createRetention({
    database,
    feed,
    seal,
    log,
    now,
    processId,
    keeping: keepingOf(config),
    pollMs: 2_000,
  });
  const keys = createAuthenticator({
    database,
    log,
    now,
    operatorKey: mode === 'demo' ? (config.operatorKey ?? demo.operatorKey) : config.operatorKey,
    refusedTenantId: mode === 'demo' ? null : demo.tenantId,
  });
  notices.hear('keys', keys.forget);
  const authenticator: Authenticator = {
    ...keys,
    forget() {
      keys.forget();
      notices.tell('keys', null);
    },
  };

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
    lines: plainLines(log),
    now,
    answerTimeoutMs,
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
    wakeSender: claimer.wake,
    retention,
  };
  await addNativeApi(listener, apiDeps);
  await addMetaWebhook(listener, { receiver, numbers, database, log });
  addPages(listener);
  addProbes(listener, { database, isStopping: () => stopping });

  await presence.start();
  closing.push(presence.stop);
  closing.push(sender.stop);
  claimer.start();
  closing.push(claimer.stop);
  sweeper.start();
  closing.push(sweeper.stop);
  retention.start();
  closing.push(retention.stop);
  // Requests end before what serves them: an accepted one is committed and, if its caller waits, answered.
  closing.push(async () => {
    stopping = true;
    await listener.close();
    await acceptIdle();
    await receiver.idle();
  });
  const url = await listen(listener, config);
  if (simulatorUrl !== null && asWorker?.seedsDemo !== false)
    await seedDemo({ ...apiDeps, url, simulatorUrl });
  log.info({ url, mode, engine: database.engine }, asWorker === undefined ? 'ready' : 'a worker is ready');

  return { url, mode, simulatorUrl, feed, database, close: () => closeAll(closing) };
}

function openLog(config: Config, mode: Gateway['mode']): Log {
  const ofDemo = mode === 'demo' ? join(config.dataFolder, 'wagate.log') : null;
  return createLog(config.logLevel, config.logFile ?? ofDemo);
}

/** Its address. */
async function openSimulator(config: Config, log: Log, closing: (() => unknown)[]): Promise<string> {
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
