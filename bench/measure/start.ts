/** From the command to ready, and the memory of a process that has nothing to do. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, rssMb, startChild } from '../child.ts';
import { type Bench, type Figure, median, ofBench } from '../figure.ts';
import { newPlace, startGateway } from '../subject.ts';

const idleMs = 3_000;

export async function start(bench: Bench): Promise<Figure[]> {
  const place = newPlace(await bench.newDatabase());
  const bare = () => startChild('bench/bare.ts', [bench.stub.url, 'secret']);
  try {
    const first = await timed(() => startGateway(place, bench.stub.url));
    const rounds: { ready: number; bareReady: number; idle: number; bareIdle: number }[] = [];
    for (let round = 1; round <= bench.rounds; round++) {
      const ours = await timed(() => startGateway(place, bench.stub.url));
      const theirs = await timed(bare);
      const of = ({ readyMs, idleMb }: Timed) => [readyMs, idleMb] as const;
      const [ready, idle] = of(ours);
      const [bareReady, bareIdle] = of(theirs);
      bench.say(
        `round ${round}: ready in ${Math.round(ready)} ms, idle ${idle} MB; bare ${Math.round(bareReady)} ms, ${bareIdle} MB`,
      );
      rounds.push({ ready, bareReady, idle, bareIdle });
    }
    const common = ofBench(bench, 'start');
    const middle = (key: keyof (typeof rounds)[number]) => median(rounds.map(round => round[key]));
    const [ready, idle] = [middle('ready'), middle('idle')];
    return [
      {
        ...{
          ...common,
          what: 'start to ready',
          unit: ' ms',
          value: ready,
          goal: '≤ 1500 ms',
          met: ready <= 1_500,
        },
        baseline: { what: 'bare Fastify', value: middle('bareReady') },
        ratio: ready / middle('bareReady'),
        note: `the first start, which makes the database: ${Math.round(first.readyMs)} ms`,
      },
      {
        ...{ ...common, what: 'idle memory', unit: ' MB', value: idle, goal: '≤ 150 MB', met: idle <= 150 },
        baseline: { what: 'bare Fastify', value: middle('bareIdle') },
        ratio: idle / middle('bareIdle'),
      },
    ];
  } finally {
    place.remove();
  }
}

interface Timed {
  readyMs: number;
  idleMb: number;
}

async function timed(begin: () => Promise<Child>): Promise<Timed> {
  const at = performance.now();
  const child = await begin();
  const readyMs = performance.now() - at;
  await sleep(idleMs);
  const idleMb = rssMb(child.pid) ?? Number.NaN;
  await child.stop();
  return { readyMs, idleMb };
}
