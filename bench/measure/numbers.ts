/** From one number to many: what a process accepts and hands over, and the memory it takes. */
import { type Bench, type Figure, measure, median, memory, ofBench } from '../figure.ts';
import type { Arrivals } from '../stub.ts';
import { withSubject } from '../subject.ts';
import { handOver } from './dispatch.ts';
import { drained } from './drained.ts';

interface Measured {
  count: number;
  accept: number;
  dispatch: number;
  memory: { rssMb?: number };
}

export async function numbers(bench: Bench): Promise<Figure[]> {
  const all: Measured[] = [];
  for (const count of bench.numbers) all.push(await withCount(bench, count));
  const [first] = all;
  return (['accept', 'dispatch'] as const).flatMap(what =>
    all.map(one => ({
      ...ofBench(bench, 'numbers'),
      what: `${what}, ${one.count.toLocaleString('en')} ${one.count === 1 ? 'number' : 'numbers'}`,
      ...{ unit: '/s', value: one[what], goal: null, met: null, ...one.memory },
      baseline:
        one === first ? null : { what: `with ${first!.count.toLocaleString('en')}`, value: first![what] },
      ratio: one === first ? null : one[what] / first![what],
    })),
  );
}

/** At a rate that no number reaches, so that the pace is not what is measured. */
const withCount = (bench: Bench, count: number): Promise<Measured> =>
  withSubject(bench, { numbers: count, perSecond: 10_000 }, async ({ gateways, target }) => {
    const accept = async (seconds: number) => {
      const { perSecond } = await measure(bench, gateways, { kind: 'connectly', target, seconds });
      await drained(bench, 'numbers');
      return perSecond;
    };
    await bench.stub.ask<Arrivals>({});
    await accept(1.5);
    const rounds = [];
    for (let round = 1; round <= bench.rounds; round++) {
      rounds.push({
        accept: await accept(bench.seconds),
        dispatch: await handOver(bench, gateways, target, Math.ceil(1_000 * bench.seconds)),
      });
    }
    const measured = {
      count,
      accept: median(rounds.map(round => round.accept)),
      dispatch: median(rounds.map(round => round.dispatch)),
      memory: memory(gateways),
    };
    bench.say(
      `${count} numbers: accept ${Math.round(measured.accept)}/s, dispatch ${Math.round(measured.dispatch)}/s, ${measured.memory.rssMb} MB`,
    );
    return measured;
  });
