/** A send whose caller waits for Meta's answer. */
import { type Bench, connections, type Figure, inTurn, measure, ofPairs } from '../figure.ts';
import { withSubject } from '../subject.ts';

export const send = (bench: Bench): Promise<Figure[]> =>
  withSubject(bench, { numbers: 4, perSecond: 10_000 }, async ({ gateways, target }) => {
    const pairs = await inTurn(
      bench,
      seconds => measure(bench, gateways, { kind: 'cloud', target, seconds }),
      seconds => measure(bench, [bench.bare], { kind: 'cloud', target, seconds }),
    );
    return [
      ofPairs(bench, pairs, gateways, {
        name: 'send',
        what: `synchronous send (cloud door, ${connections} connections)`,
        baseline: 'bare Fastify → undici pass-through',
        goal: bench.engine === 'sqlite' ? 0.5 : 0.35,
      }),
    ];
  });
