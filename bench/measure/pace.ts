/** One number with more to send than it may: what Meta sees in any one second, and how much of the rate is used. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from '../child.ts';
import { type Bench, type Figure, measure, memory, ofBench } from '../figure.ts';
import type { Target } from '../requests.ts';
import type { Arrivals } from '../stub.ts';
import { withSubject } from '../subject.ts';

export async function pace(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const perSecond of [80, 1_000])
    figures.push(
      ...(await withSubject(bench, { numbers: 1, perSecond }, ({ gateways, target }) =>
        paceOf(bench, gateways, target, perSecond),
      )),
    );
  return figures;
}

async function paceOf(bench: Bench, gateways: Child[], target: Target, perSecond: number): Promise<Figure[]> {
  const messages = perSecond * Math.max(8, bench.seconds * 2);
  await bench.stub.ask<Arrivals>({});
  await measure(bench, gateways, { kind: 'connectly', target, seconds: 60, countMax: messages });
  const deadline = Date.now() + 60_000;
  let arrivals: Arrivals;
  do {
    await sleep(250);
    arrivals = await bench.stub.ask<Arrivals>({ keep: true });
  } while (arrivals.count < messages && Date.now() < deadline);
  await bench.stub.ask<Arrivals>({});
  const { count, peak } = Object.values(arrivals.phones)[0]!;
  if (count !== messages) throw new Error(`${count} of ${messages} messages arrived`);
  // Before its first posts are taken the number has less to send than it may.
  const used = arrivals.perSecond / perSecond;
  const common = { ...ofBench(bench, 'pace'), baseline: { what: 'the rate', value: perSecond } };
  const what = `one number at ${perSecond}/s`;
  bench.say(`${what}: at most ${peak} in a second, ${(used * 100).toFixed(1)} % used`);
  return [
    {
      ...{
        ...common,
        what: `${what}: most in any one second`,
        unit: '',
        value: peak,
        ratio: peak / perSecond,
      },
      ...{ goal: `≤ ${perSecond}`, met: peak <= perSecond },
    },
    {
      ...{ ...common, what: `${what}: used`, unit: '/s', value: used * perSecond, ratio: used },
      ...{ goal: 'ratio ≥ 0.95', met: used >= 0.95, ...memory(gateways) },
    },
  ];
}
