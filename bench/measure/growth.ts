/** Accept and claim on a table with years of messages, beside the same on an empty one, in turn. */
import { join } from 'node:path';
import type { Child } from '../child.ts';
import { type Bench, type Figure, measure, median, memory, ofBench } from '../figure.ts';
import { fill } from '../fill.ts';
import type { Target } from '../requests.ts';
import type { Arrivals } from '../stub.ts';
import { newPlace, newTarget, type Place, startGateway } from '../subject.ts';
import { handOver } from './dispatch.ts';
import { drained } from './drained.ts';

/** Within 1.5 times the empty table's. */
const goal = 1 / 1.5;

interface Side {
  place: Place;
  gateway: Child;
  target: Target;
}

export async function growth(bench: Bench): Promise<Figure[]> {
  const open: { place: Place; gateway?: Child }[] = [];
  const side = async (): Promise<Side> => {
    const one: (typeof open)[number] = { place: newPlace(await bench.newDatabase()) };
    open.push(one);
    const gateway = await startGateway(one.place, bench.stub.url);
    one.gateway = gateway;
    return { place: one.place, gateway, target: await newTarget(gateway.url, 64, 1_000) };
  };
  try {
    const empty = await side();
    const full = await side();
    // Nobody else at the database while it is filled; a new start also reads it anew.
    await full.gateway.stop();
    const startedAt = performance.now();
    const megabytes = await fill({
      place: full.place.env.DATABASE_URL ?? join(full.place.env.WAGATE_DATA!, 'wagate.db'),
      rows: bench.rows,
      tenantId: full.target.tenantId,
      numberIds: full.target.numbers.map(({ id }) => id),
    });
    const tookS = Math.round((performance.now() - startedAt) / 1000);
    bench.say(`${bench.rows} rows, ${megabytes} MB, made in ${tookS} s`);
    full.gateway = await startGateway(full.place, bench.stub.url);
    open[1]!.gateway = full.gateway;
    return await compare(bench, empty, full, `a database of ${megabytes} MB`);
  } finally {
    for (const { place, gateway } of open) {
      await gateway?.stop();
      place.remove();
    }
  }
}

async function compare(bench: Bench, empty: Side, full: Side, note: string): Promise<Figure[]> {
  const accept = async ({ gateway, target }: Side, seconds: number) => {
    const { perSecond } = await measure(bench, [gateway], { kind: 'connectly', target, seconds });
    await drained(bench, 'growth');
    return perSecond;
  };
  const claim = ({ gateway, target }: Side) =>
    handOver(bench, [gateway], target, Math.ceil(1_000 * bench.seconds));
  await bench.stub.ask<Arrivals>({});
  for (const side of [empty, full]) await accept(side, 1.5);
  const rounds: Record<'accept' | 'claim', { empty: number; full: number }>[] = [];
  for (let round = 1; round <= bench.rounds; round++) {
    const one = {
      accept: { empty: await accept(empty, bench.seconds), full: await accept(full, bench.seconds) },
      claim: { empty: await claim(empty), full: await claim(full) },
    };
    const told = (['accept', 'claim'] as const).map(
      what => `${what} ${Math.round(one[what].full)}/s, empty ${Math.round(one[what].empty)}/s`,
    );
    bench.say(`round ${round}: ${told.join('; ')}`);
    rounds.push(one);
  }
  const rowsText = `${bench.rows.toLocaleString('en')} rows`;
  return (['accept', 'claim'] as const).map(what => {
    const middle = (read: (pair: { empty: number; full: number }) => number) =>
      median(rounds.map(round => read(round[what])));
    const ratio = middle(pair => pair.full / pair.empty);
    return {
      ...ofBench(bench, 'growth'),
      what: `${what === 'accept' ? 'accept' : 'claim and dispatch'} on ${rowsText}`,
      ...{ unit: '/s', value: middle(({ full }) => full), ratio },
      baseline: { what: 'on an empty table', value: middle(pair => pair.empty) },
      ...{ goal: `ratio ≥ ${goal.toFixed(2)}`, met: ratio >= goal, note },
      ...memory([full.gateway]),
    };
  });
}
