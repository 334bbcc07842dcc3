import { createCounts } from './counts.ts';
import type { LimitName } from './limits/limits.ts';
import { createSlidingSecond } from './sliding-second.ts';

export type NumberTally = ReturnType<typeof createNumberTally>;

type Second = { second: number; arrived: number; accepted: number; limited: number };

/** Seconds with anything in them that are kept. */
const mostSeconds = 120;

/** What one business number did. Times are Unix milliseconds. */
export function createNumberTally() {
  const recipients = createCounts();
  const lastSecond = createSlidingSecond();
  const limited: Record<LimitName, number> = {
    ...{ throughput: 0, pair: 0, spam: 0, portfolio: 0 },
    ...{ unknown: 0, window: 0, marketing: 0 },
  };
  const seconds: Second[] = [];
  let arrived = 0;
  let accepted = 0;
  let peak = 0;

  function secondAt(now: number): Second {
    const second = Math.floor(now / 1000);
    const last = seconds.at(-1);
    if (last?.second === second) return last;
    const fresh = { second, arrived: 0, accepted: 0, limited: 0 };
    seconds.push(fresh);
    if (seconds.length > mostSeconds) seconds.shift();
    return fresh;
  }

  return {
    arrived(now: number): void {
      arrived += 1;
      secondAt(now).arrived += 1;
      lastSecond.add(now);
      peak = Math.max(peak, lastSecond.count(now));
    },
    accepted(to: string, now: number): void {
      accepted += 1;
      secondAt(now).accepted += 1;
      recipients.add(to);
    },
    limited(limit: LimitName, now: number): void {
      limited[limit] += 1;
      secondAt(now).limited += 1;
    },
    summary: () => ({
      arrived,
      accepted,
      recipients: recipients.size(),
      peakPerSecond: peak,
      limited: { ...limited },
    }),
    /** The last of those that had anything in them, oldest first. */
    seconds: (count: number): Second[] => (count > 0 ? seconds.slice(-count) : []),
  };
}
