/** One run: set the stage, make trouble while callers call, let it settle, judge. Ends all it started and removes its folder. */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../test/harness/postgres.ts';
import { call } from '../test/harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant } from '../test/harness/tenant.ts';
import {
  readIncoming,
  readMoney,
  readPeaks,
  readPhones,
  readRows,
  readTimeline,
  settle,
} from './aftermath.ts';
import { askedOf, endBroadcasts, judgeBroadcasts, startBroadcasts } from './broadcasts.ts';
import { control, type Scene, wreakHavoc } from './chaos.ts';
import { provesMoney, startChild } from './child.ts';
import { createMachineClock } from './clock.ts';
import { type Customers, startCustomers } from './customers.ts';
import { createFront } from './front.ts';
import { createGatewayPlace, type GatewayPlace } from './gateways.ts';
import { judgeLimits } from './limits.ts';
import { type Bite, type Load, startLoad } from './load.ts';
import type { Options } from './options.ts';
import { judge, judgeIncoming, judgeMoney, judgePace, type Rates } from './oracle.ts';
import { makePlan } from './plan.ts';
import { createMortalPostgres } from './postgres.ts';
import { createRandom } from './random.ts';
import { type Report, ratePerSecond } from './report.ts';
import { cannotMount, mountSmallDisk } from './small-disk.ts';
import { judgeTold } from './told.ts';
import { startTopUps } from './top-ups.ts';

/** Room for PostgreSQL's own files and what a long run writes. */
const diskMb = 600;
/** Primes, so that no sum of one looks like a sum of the other. */
const rates: Rates = { fee: 1_009, price: 5_303 };
/** Ten messages; the rest comes while they send (top-ups.ts). */
const firstMicros = 10 * (rates.fee + rates.price);
/** A customer that is down for a while is no reason to give up: what is given up is lost here. */
const webhookRetries = Array.from({ length: 40 }, () => '1').join(',');
/** Offences told with their timelines; the rest is counted. */
const timelinesMax = 10;

export async function torture(options: Options, tell: (line: string) => void): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'wagate-torture-'));
  const endings: (() => unknown)[] = [() => options.keep || rmSync(folder, { recursive: true, force: true })];
  const endAll = async () => {
    for (const end of endings.splice(0).reverse()) await end();
  };
  // Ctrl-C leaves nothing behind either.
  const interrupted = () => void endAll().finally(() => process.exit(130));
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  if (options.keep) tell(`folder ${folder}`);
  try {
    return await run(options, folder, endings, tell);
  } finally {
    await endAll();
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  }
}

async function run(
  options: Options,
  folder: string,
  endings: (() => unknown)[],
  tell: (line: string) => void,
): Promise<Report> {
  const startedAt = Date.now();
  const random = createRandom(options.seed);
  const plan = makePlan(random.stream('plan'), options);
  const scene = await setStage(options, folder, endings);
  const { gateways, tenants, simulatorUrl, postgres, clock } = scene;
  const customers: Customers = await startCustomers(scene.frontUrl, tenants, random.stream('customers'));
  endings.push(() => customers.close());
  if (!options.short && scene.diskSkipped !== null) tell(`disk full: SKIPPED, ${scene.diskSkipped}`);

  const load: Load = startLoad(gateways, simulatorUrl, tenants, random.stream('load'), options);
  const purse = { firstMicros, costMicros: rates.fee + rates.price, pauseMaxMs: options.topUpPauseMaxMs };
  const topUps = startTopUps(scene.frontUrl, tenants, random.stream('top-ups'), purse);
  const broadcasts = startBroadcasts(
    scene.frontUrl,
    tenants,
    random.stream('broadcasts'),
    options.broadcastPauseMaxMs,
  );
  const stopLoad = async () => {
    await load.stop();
    await broadcasts.stop();
  };
  endings.push(stopLoad);
  const done = await wreakHavoc(scene, plan, tell);
  await stopLoad();

  await postgres?.start();
  clock.catchUp();
  const up = await Promise.all(gateways.map(gateway => gateway.up(20_000)));
  await topUps.stop();
  customers.calmDown();
  const place = { gatewayUrl: scene.frontUrl, simulatorUrl, tenants };
  const found = await endBroadcasts(scene.frontUrl, tenants, options.settleMs);
  const settling = await settle(place, options.settleMs, customers);
  const rows = await readRows(place);
  const atPhones = await readPhones(place);
  const numbers = tenants.map(({ phoneNumberId }) => phoneNumberId);
  const asked = [...load.asked, ...askedOf(broadcasts.launched)];
  const { offences, uncertain } = judge(asked, rows, atPhones, numbers);
  offences.push(...judgeBroadcasts(broadcasts.launched, found, rows));
  offences.push(...judgeIncoming(load.written, await readIncoming(place, load.written)));
  const inOrder = done.clockSteps === 0;
  offences.push(...judgeTold(customers.heard, rows, atPhones, load.written, tenants.length, inOrder));
  const peaks = await readPeaks(place);
  offences.push(...judgePace(peaks, ratePerSecond));
  offences.push(...judgeLimits(load.asked, options.limits, clock.stepsAt));
  const money = await readMoney(place, topUps.micros);
  const paid = judgeMoney(money, rows, atPhones, numbers, rates);
  offences.push(...paid.offences);
  const moneyProved = await provesMoney(scene.env);
  const told = (kind: string) => load.asked.filter(one => one.told.kind === kind).length;
  const bitten = (by: Bite) => load.asked.filter(one => one.told.bite === by).length;
  const timelineOf = async (tenant: number, id: string | null) =>
    id === null ? null : await readTimeline(place, tenant, id);
  return {
    seed: options.seed,
    engine: options.engine,
    calm: options.calm,
    processes: options.processes,
    ms: Date.now() - startedAt,
    done,
    requests: { taken: told('taken'), refused: told('no'), unknown: told('unknown') },
    bitten: { limit: bitten('limit'), balance: bitten('balance') },
    topUps: topUps.count,
    lowestMicros: topUps.lowestMicros,
    repeated: load.asked.filter(({ times }) => times > 1).length,
    broadcasts: {
      launched: broadcasts.launched.filter(one => one.told === 'taken').length,
      moves: broadcasts.moves,
      completed: found.filter(({ state }) => state === 'completed').length,
      canceled: found.filter(({ state }) => state === 'canceled').length,
    },
    messages: rows.length,
    atPhones: atPhones.length,
    incoming: load.written.length,
    told: {
      posts: customers.posts,
      events: customers.heard.length,
      taken: customers.heard.filter(({ taken }) => taken).length,
      unsigned: customers.unsigned,
    },
    microsCharged: money.reduce((sum, { charged }) => sum + charged, 0),
    microsAstray: paid.microsAstray,
    moneyProved,
    peakPerSecond: Math.max(0, ...Object.values(peaks)),
    faultsTold: load.asked.filter(one => one.told.status === 500).length,
    diskSkipped: scene.diskSkipped,
    settled: settling.settled && up.every(Boolean),
    settleMs: settling.ms,
    offences: await Promise.all(
      offences.map(async (offence, i) => ({
        ...offence,
        timeline: i < timelinesMax ? await timelineOf(offence.tenant, offence.id) : null,
      })),
    ),
    uncertain,
    crashes: gateways.flatMap(({ faults }) => faults.crashes),
    uncleanStops: gateways.flatMap(({ faults }) => faults.uncleanStops),
    failedStarts: gateways.reduce((sum, { faults }) => sum + faults.failedStarts, 0),
  };
}

async function setStage(
  options: Options,
  folder: string,
  endings: (() => unknown)[],
): Promise<Scene & { frontUrl: string; diskSkipped: string | null; env: Record<string, string> }> {
  // PostgreSQL runs as another user, who has to come through.
  chmodSync(folder, 0o711);
  const why = options.short ? 'the short form leaves it out' : cannotMount();
  const disk = why === false ? mountSmallDisk(join(folder, 'disk'), diskMb) : undefined;
  if (disk !== undefined)
    endings.push(() => {
      if (options.keep) cpSync(disk.folder, join(folder, 'kept'), { recursive: true });
      disk.remove();
    });
  const onDisk = disk?.folder ?? folder;
  const data = join(onDisk, 'wagate');
  mkdirSync(data, { mode: 0o700 });
  const postgres =
    options.engine === 'postgres' ? await createMortalPostgres(join(onDisk, 'postgres')) : undefined;
  if (postgres !== undefined) endings.push(() => postgres.stop('SIGQUIT'));

  const simulator = startChild(
    'simulator/main.ts',
    ['--port', '0', '--quiet'],
    {},
    join(folder, 'simulator.log'),
  );
  endings.push(async () => {
    simulator.signal('SIGKILL');
    await simulator.ended;
  });
  const simulatorUrl = await simulator.ready;
  // Meta repeats a failed webhook for days; here it has to be minutes.
  await control(simulatorUrl, '/control/settings', 'PUT', { retryBaseMs: 100, retryMaxMs: 1_000 });

  const clock = createMachineClock(join(folder, 'clock'));
  const env = {
    ...clock.env,
    WAGATE_DATA: data,
    WAGATE_MODE: 'live',
    WAGATE_MASTER_KEY: '5a'.repeat(32),
    WAGATE_OPERATOR_KEY: operatorKey,
    WAGATE_LOG_LEVEL: options.keep ? 'info' : 'warn',
    WAGATE_ANSWER_TIMEOUT_MS: '3000',
    META_GRAPH_URL: simulatorUrl,
    META_TIMEOUT_MS: '1000',
    WAGATE_WEBHOOK_ALLOW_NETWORKS: '127.0.0.0/8',
    WAGATE_WEBHOOK_ALLOW_HTTP: 'true',
    WAGATE_WEBHOOK_TIMEOUT_MS: '1000',
    WAGATE_WEBHOOK_RETRY_SECONDS: webhookRetries,
    WAGATE_PLATFORM_FEE_MICROS: String(rates.fee),
    ...(postgres === undefined ? {} : { DATABASE_URL: postgres.url }),
  };
  const gateways: GatewayPlace[] = [];
  for (let i = 0; i < options.processes; i++) {
    const gateway = createGatewayPlace(await freePort(), env, join(folder, `gateway-${i}.log`));
    endings.push(() => gateway.end());
    gateways.push(gateway);
    if (!(await gateway.up(60_000))) throw new Error(`gateway ${i} did not start; --keep leaves its log`);
  }
  const front = await createFront(gateways);
  endings.push(() => front.close());

  // To the harness the front is the gateway: tenants are made and webhooks come through it.
  const program = {
    url: front.url,
    simulatorUrl,
    output: () => '',
    stop: async () => 0,
    kill: async () => undefined,
  };
  const tenants: TestTenant[] = [];
  const ofTenant = { throughput: 'STANDARD', key: { ...options.limits } } as const;
  for (let i = 0; i < options.tenants; i++)
    tenants.push(await newPrepaidTenant(front.url, await newTenant(program, simulatorUrl, ofTenant)));
  const diskSkipped = why === false ? null : why;
  return { gateways, tenants, simulatorUrl, postgres, disk, clock, frontUrl: front.url, diskSkipped, env };
}

async function newPrepaidTenant(url: string, tenant: TestTenant): Promise<TestTenant> {
  const operator = { key: operatorKey };
  const csv = `market,category,valid_from,price\n90,service,2025-01-01,${rates.price / 1_000_000}\n`;
  await must(call(`${url}/api/v1/prices`, { ...operator, body: { csv } }));
  const path = `${url}/api/v1/tenants/${tenant.tenantId}`;
  await must(
    call(`${path}/top-ups`, { ...operator, body: { amount: (firstMicros / 1_000_000).toFixed(6) } }),
  );
  await must(call(path, { ...operator, method: 'PATCH', body: { billing: 'prepaid' } }));
  return tenant;
}
