/** What an endpoint adds to a synchronous send: its event and attempt are written with it, and posted meanwhile. */
import { call } from '../../test/harness/programs.ts';
import { must } from '../../test/harness/tenant.ts';
import { type Bench, type Figure, inTurn, measure, median, ofPairs } from '../figure.ts';
import { loopbackEndpoints, newTarget, withSubject } from '../subject.ts';
import { drained } from './drained.ts';

export const announce = (bench: Bench): Promise<Figure[]> =>
  withSubject(
    bench,
    { numbers: 4, perSecond: 10_000, env: loopbackEndpoints },
    async ({ gateways, target }) => {
      const told = await newTarget(gateways[0]!.url, 4, 10_000);
      const body = { url: `${bench.stub.url}/endpoint/hook`, format: 'standard' };
      await must(call(`${gateways[0]!.url}/api/v1/endpoints`, { key: told.key, body }));
      const pairs = await inTurn(
        bench,
        async seconds => {
          const measured = await measure(bench, gateways, { kind: 'cloud', target: told, seconds });
          // What is still to be posted is none of the other tenant's.
          await drained(bench, 'announce');
          return measured;
        },
        seconds => measure(bench, gateways, { kind: 'cloud', target, seconds }),
      );
      const without = (read: 'p50Ms' | 'p99Ms') =>
        median(pairs.map(({ baseline }) => baseline[read])).toFixed(1);
      return [
        {
          ...ofPairs(bench, pairs, gateways, {
            name: 'announce',
            what: 'synchronous send of a tenant with an endpoint',
            baseline: 'of a tenant without',
            goal: 0.5,
          }),
          note: `without an endpoint p50 ${without('p50Ms')} ms, p99 ${without('p99Ms')} ms`,
        },
      ];
    },
  );
