/** Composition root: everything is opened here in order and closed in reverse. */
import { addNativeApi } from './api/api.ts';
import { watchLowBalances } from './billing/low-balance.ts';
import { createPriceBook } from './billing/price-book.ts';
import { createFeeder } from './broadcasts/feeder.ts';
import { newId } from './canonical/ids.ts';
import { demo } from './demo/demo.ts';
import { loadSamplePrices } from './demo/sample-prices.ts';
import { seedDemo } from './demo/seed-demo.ts';
import {
  chooseMode,
  closeAll,
  type Mode,
  openDatabase,
  openLog,
  openSeal,
  openSimulator,
  orClose,
} from './groundwork.ts';
import { type Authenticator, createAuthenticator } from './http/authenticate.ts';
import { addDialectRoutes } from './http/dialect-routes.ts';
import { createLimitMemory } from './http/limit-memory.ts';
import { createListener } from './http/listener.ts';
import { addMetaWebhook } from './http/meta-webhook.ts';
import { addPages } from './http/pages.ts';
import { addProbes } from './http/probes.ts';
import { createReceiver } from './inbound/receive.ts';
import { createAccept } from './messages/accept.ts';
import { createChangeAnnouncer } from './messages/announce-changes.ts';
import { createClaimer } from './messages/claimer.ts';
import { createFeed, type Feed } from './messages/feed.ts';
import { createPresence } from './messages/presence.ts';
import { createRelay } from './messages/relay.ts';
import { createSender, type Sender } from './messages/sender.ts';
import { createSweeper } from './messages/sweeper.ts';
import { createWaiters } from './messages/waiters.ts';
import { watchRows } from './messages/waiters-of-others.ts';
import { createGraph } from './meta/graph.ts';
import { systemClock } from './platform/clock.ts';
import { type Config, networksOf, secondsOf } from './platform/config.ts';
import type { Database } from './platform/database.ts';
import { createLog, plainLines } from './platform/log.ts';
import { createNotices, noNotices } from './platform/notices.ts';
import { createOutbound, targetRules } from './platform/outbound.ts';
import { lockFolder } from './platform/single-process.ts';
import { StartProblem } from './platform/start-problem.ts';
import { createStatistics } from './platform/statistics.ts';
import { preflight } from './preflight.ts';
import { keepingOf } from './retention/keeping.ts';
import { createRetention } from './retention/worker.ts';
import { createEndpointBook } from './tenants/endpoint-book.ts';
import { createNumberBook } from './tenants/number-book.ts';
import { createWordBook } from './tenants/opt-out-words.ts';
import { createTemplateBook } from './tenants/template-book.ts';
import { createAnnouncer } from './webhooks/announce.ts';
import { createEndpointChanges } from './webhooks/endpoint-changes.ts';
import { createNotifier } from './webhooks/notifier.ts';

export interface Gateway {
  url: string;
  mode: Mode;
  /** Of the simulator that demo mode started. */
  simulatorUrl: string | null;
  feed: Feed;
  database: Database;
  /** Finishes what is in flight, loses nothing, closes everything. */
  close(): Promise<void>;
}

/** What several workers have in common, and a gateway that is one of them is given. */
export interface Shared {
  mode: Mode;
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
  const { currency, platformFeeMicros: feeMicros } = config;
  const prices = createPriceBook({ database, notices, log, feeMicros });
  closing.push(prices.stop);
  const templates = createTemplateBook({ database, graph, log, now });
  const words = createWordBook({ database, notices, now });
  const endpoints = createEndpointBook({ notices, now });
  const changeEndpoints = createEndpointChanges({ database, seal, book: endpoints });
  const targets = targetRules(
    [...networksOf(config.webhookAllowNetworks ?? ''), ...(mode === 'demo' ? ['127.0.0.0/8', '::1'] : [])],
    config.webhookAllowHttp === 'true',
  );
  const outbound = createOutbound({ rules: targets, connectTimeoutMs: 5_000 });
  closing.push(() => outbound.destroy());
  const announcer = createAnnouncer({ book: endpoints, now, wake: keys => notifier.wake(keys) });
  const notifier = createNotifier({
    ...{ database, seal, endpoints, numbers, notices, log, processId, now, random: Math.random },
    rules: targets,
    timeoutMs: config.webhookTimeoutMs,
    retrySeconds: secondsOf(config.webhookRetrySeconds),
    disableAfterMs: config.webhookDisableAfterHours * 3_600_000,
    announce: announcer.announce,
  });
  const announce = createChangeAnnouncer(announcer);
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
    announce,
    log,
    settled: waiters.resolve,
    now,
    uncertainMs,
    everyMs: 2_000,
  });
  const statistics = createStatistics({ database, log });
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
    announce,
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
    announce,
    log,
    processId,
    settled: waiters.resolve,
    now,
    metaTimeoutMs: config.metaTimeoutMs,
    pollMs: 500,
  });
  const {
    accept,
    preview,
    idle: acceptIdle,
  } = createAccept({
    database,
    feed,
    announce,
    sender,
    claimer,
    seal,
    now,
    waitingMax: config.maxWaiting,
  });
  const receiver = createReceiver({
    ...{ database, numbers, templates, words, seal, feed, log, now },
    ...{ waitingMax: config.maxWaiting, priceOf: prices.priceOf },
    ...{ announce: announcer.announce, announceChanges: announce },
  });
  const messageTtlMs = config.messageTtlSeconds * 1000;
  const feeder = createFeeder({
    ...{ database, numbers, templates, prices, seal, feed, notices, log, processId, messageTtlMs, now },
    ...{ wakeSender: claimer.wake, announce: announcer.announce, announceChanges: announce },
  });
  const retention = createRetention({
    database,
    feed,
    announce,
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
    keyLimits: { perSecond: config.keyPerSecond, perMinute: config.keyPerMinute },
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
    trustedProxies: config.trustedProxies === null ? [] : networksOf(config.trustedProxies),
  });
  addDialectRoutes(listener, {
    database,
    authenticator,
    numbers,
    templates,
    accept,
    preview,
    limits: createLimitMemory(),
    prices,
    waiters,
    graph,
    log,
    lines: plainLines(log),
    now,
    answerTimeoutMs,
    messageTtlMs,
    ...{ seal, changeEndpoints, targets, outbound, feeder },
  });
  const apiDeps = {
    database,
    authenticator,
    numbers,
    words,
    templates,
    graph,
    seal,
    feed,
    announce,
    ...{ announcer, changeEndpoints, targets, notifier, feeder },
    log,
    now,
    publicUrl: mode === 'demo' ? null : config.publicUrl,
    demoTenantId: demo.tenantId,
    wakeSender: claimer.wake,
    retention,
    prices,
    currency,
    processId,
  };
  await addNativeApi(listener, apiDeps);
  await addMetaWebhook(listener, { receiver, numbers, database, log });
  addPages(listener);
  addProbes(listener, { database, isStopping: () => stopping });

  if (mode === 'demo') await loadSamplePrices(database, currency);
  await prices.start();
  const lowBalances = watchLowBalances({
    ...{ database, log, currency },
    announce: announcer.announce,
  });
  await presence.start();
  closing.push(presence.stop);
  closing.push(sender.stop);
  claimer.start();
  closing.push(claimer.stop);
  statistics.start();
  closing.push(statistics.stop);
  sweeper.start();
  closing.push(sweeper.stop);
  feeder.start();
  closing.push(feeder.stop);
  notifier.start();
  closing.push(notifier.stop);
  retention.start();
  closing.push(retention.stop);
  lowBalances.start();
  closing.push(lowBalances.stop);
  // Requests end before what serves them: an accepted one is committed and, if its caller waits, answered.
  closing.push(async () => {
    stopping = true;
    await listener.close();
    await acceptIdle();
    await receiver.idle();
  });
  const url = await listen(listener, config);
  if (simulatorUrl !== null && asWorker?.seedsDemo !== false)
    closing.push(await seedDemo({ ...apiDeps, url, simulatorUrl }));
  log.info({ url, mode, engine: database.engine }, asWorker === undefined ? 'ready' : 'a worker is ready');

  return { url, mode, simulatorUrl, feed, database, close: () => closeAll(closing) };
}

async function listen(listener: Awaited<ReturnType<typeof createListener>>, config: Config): Promise<string> {
  await listener.listen({ port: config.port, host: config.host });
  const address = listener.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : config.port;
  const host = config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : config.host;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
