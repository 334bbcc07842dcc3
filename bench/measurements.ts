/** The measurements by name, in the order they run. Each cleans up what it started. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, startChild } from './child.ts';
import { type Bench, connections, type Figure, inTurn, measure, median, memory, ofPairs } from './figure.ts';
import type { InsertJob } from './insert.ts';
import { pace } from './pace.ts';
import type { Target } from './requests.ts';
import { start } from './start.ts';
import type { Arrivals } from './stub.ts';
import { newPlace, newTarget, type Place, startGateway } from './subject.ts';

export const measurements: Record<string, (bench: Bench) => Promise<Figure[]>> = {
  send: bench => withGateway(bench, 4, 10_000, send),
  inbound: bench => withGateway(bench, 4, 10_000, inbound),
  accept: bench => withGateway(bench, 64, 1_000, accept),
  dispatch: bench => withGateway(bench, 64, 1_000, dispatch),
  pace: bench => withGateway(bench, 0, 0, pace),
  start,
};

type OnGateway = (bench: Bench, gateway: Child, target: Target, place: Place) => Promise<Figure[]>;

async function withGateway(
  bench: Bench,
  numbers: number,
  perSecond: number,
  work: OnGateway,
): Promise<Figure[]> {
  const place = newPlace(await bench.newDatabase());
  try {
    const gateway = await startGateway(place, bench.stub.url);
    try {
      return await work(bench, gateway, await newTarget(gateway.url, numbers, perSecond), place);
    } finally {
      await gateway.stop();
    }
  } finally {
    place.remove();
  }
}

async function send(bench: Bench, gateway: Child, target: Target): Promise<Figure[]> {
  const on = (server: Child) => (seconds: number) =>
    measure(bench, server, { kind: 'cloud', target, seconds });
  const pairs = await inTurn(bench, on(gateway), on(bench.bare));
  const texts = { name: 'send', engine: bench.engine, goal: bench.engine === 'sqlite' ? 0.5 : 0.35 };
  const what = `synchronous send (cloud door, ${connections} connections)`;
  return [ofPairs(pairs, gateway, { ...texts, what, baseline: 'bare Fastify → undici pass-through' })];
}

/** Statuses of messages that exist, each of them news. */
async function inbound(bench: Bench, gateway: Child, target: Target): Promise<Figure[]> {
  // Three statuses per message; more than a quick machine uses up.
  const messages = Math.ceil((12_000 * (bench.seconds * bench.rounds + 1.5)) / 3);
  const seed = { kind: 'fake', target, seconds: 120, countMax: messages, keepIds: true } as const;
  const seeded = await measure(bench, gateway, seed);
  bench.say(`${seeded.count} messages to have statuses of`);
  const on = (server: Child, freshOnly: boolean) => (seconds: number) =>
    measure(bench, server, { kind: 'status', target, seconds, freshOnly });
  const pairs = await inTurn(bench, on(gateway, true), on(bench.bare, false));
  const what = 'inbound statuses, one per signed POST, committed before the 200';
  const baseline = 'bare Fastify that checks the signature';
  return [ofPairs(pairs, gateway, { name: 'inbound', engine: bench.engine, what, baseline, goal: 0.5 })];
}

/** Messages answered at commit, sent meanwhile; beside what the database takes in plain batches. */
async function accept(bench: Bench, gateway: Child, target: Target, place: Place): Promise<Figure[]> {
  const plainPlace = (await bench.newDatabase()) ?? `${place.env.WAGATE_DATA}/plain.db`;
  const plain = await startChild('bench/insert.ts', [plainPlace]);
  try {
    const insert = (seconds: number) =>
      plain.ask<{ perSecond: number }>({ seconds, batch: connections } satisfies InsertJob);
    const once = (seconds: number) => measure(bench, gateway, { kind: 'connectly', target, seconds });
    await once(1.5);
    await bench.stub.ask<Arrivals>({});
    const rounds = [];
    for (let round = 1; round <= bench.rounds; round++) {
      const accepted = await once(bench.seconds);
      await drained(bench, 'accept');
      const { perSecond } = await insert(bench.seconds);
      bench.say(
        `round ${round}: ${Math.round(accepted.perSecond)}/s, plain inserts ${Math.round(perSecond)}/s`,
      );
      rounds.push({ accepted, perSecond });
    }
    const cpu = rounds.flatMap(({ accepted }) => accepted.cpuPerRequestUs ?? []);
    return [
      {
        ...{ name: 'accept', engine: bench.engine, unit: '/s', goal: null, met: null },
        what: `accept (connectly door, ${connections} connections, 64 numbers, sending meanwhile)`,
        value: median(rounds.map(({ accepted }) => accepted.perSecond)),
        baseline: {
          what: `plain inserts in batches of ${connections}`,
          value: median(rounds.map(({ perSecond }) => perSecond)),
        },
        ratio: median(rounds.map(({ accepted, perSecond }) => accepted.perSecond / perSecond)),
        p50Ms: median(rounds.map(({ accepted }) => accepted.p50Ms)),
        p99Ms: median(rounds.map(({ accepted }) => accepted.p99Ms)),
        maxMs: Math.max(...rounds.map(({ accepted }) => accepted.maxMs)),
        ...memory(gateway),
        ...(cpu.length > 0 ? { cpuUs: median(cpu) } : {}),
      },
    ];
  } finally {
    await plain.stop();
  }
}

/** Everything is accepted first, for one moment in the future: then the process does nothing but hand it over. */
async function dispatch(bench: Bench, gateway: Child, target: Target): Promise<Figure[]> {
  const goal = 5_000;
  const messages = Math.ceil(goal * bench.seconds);
  const rounds: { handed: number; straight: number }[] = [];
  for (let round = 1; round <= bench.rounds; round++) {
    // Long enough to accept them all; whatever is accepted late is no longer pure dispatch, so that is an error.
    const sendAt = Date.now() + Math.ceil((messages / 600) * 1000) + 3_000;
    await measure(bench, gateway, { kind: 'scheduled', target, seconds: 60, countMax: messages, sendAt });
    if (Date.now() > sendAt) throw new Error('accepting took longer than foreseen');
    await bench.stub.ask<Arrivals>({});
    await sleep(sendAt - Date.now());
    const { perSecond: handed } = await drained(bench, 'dispatch', messages);
    // The same bytes from a plain undici pool.
    const straight = await measure(bench, bench.stub, { kind: 'cloud', target, seconds: bench.seconds / 2 });
    await bench.stub.ask<Arrivals>({});
    bench.say(`round ${round}: ${Math.round(handed)}/s, straight ${Math.round(straight.perSecond)}/s`);
    rounds.push({ handed, straight: straight.perSecond });
  }
  const value = median(rounds.map(({ handed }) => handed));
  return [
    {
      ...{
        name: 'dispatch',
        engine: bench.engine,
        unit: '/s',
        value,
        goal: `≥ ${goal}/s`,
        met: value >= goal,
      },
      what: `dispatch of ${messages} due messages of 64 numbers`,
      baseline: {
        what: `undici straight to the stub, ${connections} connections`,
        value: median(rounds.map(({ straight }) => straight)),
      },
      ratio: median(rounds.map(({ handed, straight }) => handed / straight)),
      ...memory(gateway),
    },
  ];
}

/** Waits until `count` messages have come to the stub, or, without a count, until no more do. */
async function drained(bench: Bench, what: string, count?: number): Promise<Arrivals> {
  const deadline = Date.now() + 60_000;
  for (let before = -1; ; ) {
    await sleep(500);
    const arrivals = await bench.stub.ask<Arrivals>({ keep: true });
    if (count === undefined ? arrivals.count === before : arrivals.count >= count)
      return bench.stub.ask<Arrivals>({});
    before = arrivals.count;
    if (Date.now() > deadline)
      throw new Error(`${what}: ${arrivals.count} of ${count ?? 'all'} messages in a minute`);
  }
}
