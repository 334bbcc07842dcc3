/** The end of a stream of sends, as the stub sees it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../figure.ts';
import type { Arrivals } from '../stub.ts';

/** Waits until `count` messages have come to the stub, or, without a count, until no more do. */
export async function drained(bench: Bench, what: string, count?: number): Promise<Arrivals> {
  const deadline = Date.now() + 60_000;
  for (let before = -1; ; ) {
    await sleep(500);
    const arrivals = await bench.stub.ask<Arrivals>({ keep: true });
    if (count === undefined ? arrivals.count === before : arrivals.count >= count)
      return bench.stub.ask<Arrivals>({});
    before = arrivals.count;
    if (Date.now() > deadline)
      throw new Error(`${what}: ${arrivals.count} of ${count ?? 'all'} messages in a minute`);
  }
}
