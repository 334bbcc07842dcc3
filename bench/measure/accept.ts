/** Messages answered at commit, sent meanwhile; beside what the database takes in plain batches. */
import { startChild } from '../child.ts';
import { type Bench, connections, type Figure, measure, median, memory, ofBench } from '../figure.ts';
import type { InsertJob } from '../insert.ts';
import type { Arrivals } from '../stub.ts';
import { withSubject } from '../subject.ts';
import { drained } from './drained.ts';

export const accept = (bench: Bench): Promise<Figure[]> =>
  withSubject(bench, { numbers: 64, perSecond: 1_000 }, async ({ gateways, target, place }) => {
    const plainPlace = (await bench.newDatabase()) ?? `${place.env.WAGATE_DATA}/plain.db`;
    const plain = await startChild('bench/insert.ts', [plainPlace]);
    try {
      const insert = (seconds: number) =>
        plain.ask<{ perSecond: number }>({ seconds, batch: connections } satisfies InsertJob);
      const once = (seconds: number) => measure(bench, gateways, { kind: 'connectly', target, seconds });
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
          ...ofBench(bench, 'accept'),
          ...{ unit: '/s', goal: null, met: null },
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
          ...memory(gateways),
          ...(cpu.length > 0 ? { cpuUs: median(cpu) } : {}),
        },
      ];
    } finally {
      await plain.stop();
    }
  });
