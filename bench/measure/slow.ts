/** One number's upstream hangs: what the callers of other numbers notice of it. */
import {
  type Bench,
  connections,
  type Figure,
  type Measured,
  measure,
  median,
  memory,
  ofBench,
} from '../figure.ts';
import type { Slow } from '../stub.ts';
import { newTarget, withSubject } from '../subject.ts';

const answerMs = 10_000;
const goal = 2;

export const slow = (bench: Bench): Promise<Figure[]> =>
  withSubject(bench, { numbers: 4, perSecond: 10_000 }, async ({ gateways, target }) => {
    const hanging = await newTarget(gateways[0]!.url, 1, 1_000);
    const { phoneNumberId } = hanging.numbers[0]!;
    const send = (seconds: number) => measure(bench, gateways, { kind: 'cloud', target, seconds });
    await send(1.5);
    const rounds: { without: Measured; beside: Measured }[] = [];
    for (let round = 1; round <= bench.rounds; round++) {
      const without = await send(bench.seconds);
      await bench.stub.ask({ slow: { phone: phoneNumberId, ms: answerMs } } satisfies Slow);
      // More than may be in flight at once, so that it takes all it can get.
      await measure(bench, gateways, { kind: 'connectly', target: hanging, seconds: 30, countMax: 1_000 });
      const beside = await send(bench.seconds);
      await bench.stub.ask({ slow: null } satisfies Slow);
      bench.say(
        `round ${round}: p99 ${beside.p99Ms.toFixed(1)} ms beside it, ${without.p99Ms.toFixed(1)} ms without`,
      );
      rounds.push({ without, beside });
    }
    const middle = (read: (round: (typeof rounds)[number]) => number) => median(rounds.map(read));
    const ratio = middle(({ without, beside }) => beside.p99Ms / without.p99Ms);
    return [
      {
        ...ofBench(bench, 'slow'),
        what: `p99 of synchronous sends (${connections} connections) while another number's upstream takes ${answerMs / 1000} s`,
        ...{ unit: ' ms', value: middle(({ beside }) => beside.p99Ms), ratio },
        baseline: { what: 'without it', value: middle(({ without }) => without.p99Ms) },
        ...{ goal: `ratio ≤ ${goal}`, met: ratio <= goal },
        p50Ms: middle(({ beside }) => beside.p50Ms),
        p99Ms: middle(({ beside }) => beside.p99Ms),
        maxMs: Math.max(...rounds.map(({ beside }) => beside.maxMs)),
        ...memory(gateways),
      },
    ];
  });
