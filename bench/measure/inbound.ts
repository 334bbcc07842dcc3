/** Statuses of messages that exist, each of them news. */
import { type Bench, type Figure, inTurn, measure, ofPairs } from '../figure.ts';
import { withSubject } from '../subject.ts';

export const inbound = (bench: Bench): Promise<Figure[]> =>
  withSubject(bench, { numbers: 4, perSecond: 10_000 }, async ({ gateways, target }) => {
    // Three statuses per message; more than a quick machine uses up.
    const messages = Math.ceil((12_000 * (bench.seconds * bench.rounds + 1.5)) / 3);
    const seed = { kind: 'fake', target, seconds: 120, countMax: messages, keepIds: true } as const;
    const seeded = await measure(bench, gateways, seed);
    bench.say(`${seeded.count} messages to have statuses of`);
    const pairs = await inTurn(
      bench,
      seconds => measure(bench, gateways, { kind: 'status', target, seconds, freshOnly: true }),
      seconds => measure(bench, [bench.bare], { kind: 'status', target, seconds, freshOnly: false }),
    );
    return [
      ofPairs(bench, pairs, gateways, {
        name: 'inbound',
        what: 'inbound statuses, one per signed POST, committed before the 200',
        baseline: 'bare Fastify that checks the signature',
        goal: 0.5,
      }),
    ];
  });
