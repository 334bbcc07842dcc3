/** Everything is accepted first, for one moment in the future: then the process does nothing but hand it over. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from '../child.ts';
import { type Bench, connections, type Figure, measure, median, memory, ofBench } from '../figure.ts';
import type { Target } from '../requests.ts';
import type { Arrivals } from '../stub.ts';
import { withSubject } from '../subject.ts';
import { drained } from './drained.ts';

/** Messages per second and process. */
const goal = 5_000;

export const dispatch = (bench: Bench): Promise<Figure[]> =>
  withSubject(bench, { numbers: 64, perSecond: 1_000 }, async ({ gateways, target }) => {
    const messages = Math.ceil(goal * bench.seconds);
    const rounds: { handed: number; straight: number }[] = [];
    for (let round = 1; round <= bench.rounds; round++) {
      const handed = await handOver(bench, gateways, target, messages);
      // The same bytes from a plain undici pool.
      const straight = await measure(bench, [bench.stub], {
        kind: 'cloud',
        target,
        seconds: bench.seconds / 2,
      });
      await bench.stub.ask<Arrivals>({});
      bench.say(`round ${round}: ${Math.round(handed)}/s, straight ${Math.round(straight.perSecond)}/s`);
      rounds.push({ handed, straight: straight.perSecond });
    }
    const value = median(rounds.map(({ handed }) => handed));
    return [
      {
        ...ofBench(bench, 'dispatch'),
        ...{ unit: '/s', value, goal: `≥ ${goal}/s`, met: value >= goal },
        what: `dispatch of ${messages} due messages of 64 numbers`,
        baseline: {
          what: `undici straight to the stub, ${connections} connections`,
          value: median(rounds.map(({ straight }) => straight)),
        },
        ratio: median(rounds.map(({ handed, straight }) => handed / straight)),
        ...memory(gateways),
      },
    ];
  });

/** Messages per second that the stub got of so many that were due at once. */
export async function handOver(
  bench: Bench,
  gateways: Child[],
  target: Target,
  messages: number,
): Promise<number> {
  const schedule = (seconds: number, countMax: number, sendAt: number) =>
    measure(bench, gateways, { kind: 'scheduled', target, seconds, countMax, sendAt });
  // How quickly they are accepted: tried with a few for tomorrow.
  const { perSecond } = await schedule(1, messages, Date.now() + 86_400_000);
  // Long enough to accept them all; whatever is accepted late is no longer pure dispatch, so that is an error.
  const sendAt = Date.now() + Math.ceil((messages / perSecond) * 2_000) + 2_000;
  await schedule(120, messages, sendAt);
  if (Date.now() > sendAt) throw new Error('accepting took longer than foreseen');
  await bench.stub.ask<Arrivals>({});
  await sleep(sendAt - Date.now());
  return (await drained(bench, 'dispatch', messages)).perSecond;
}
