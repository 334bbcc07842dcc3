type Burst = { startedAt: number; count: number; paidAt: number };
type Rate = { everyMs: number; most: number };

/**
 * One message for each `everyMs` to one user, and up to `most` within such a time if the wait for all of them follows: what is sent
 * at once is borrowed (cloud-api.md §6: after a burst of 20, two minutes).
 */
export function createPairs() {
  const bursts = new Map<string, Burst>();
  let sweepAt = 1024;

  /** Who has paid is like one that never sent; swept when they may have doubled, so that each costs a step or two. */
  function sweep(now: number): void {
    for (const [pair, { paidAt }] of bursts) if (paidAt <= now) bursts.delete(pair);
    sweepAt = Math.max(1024, bursts.size * 2);
  }

  return {
    take(phoneNumberId: string, user: string, { everyMs, most }: Rate, now: number): boolean {
      const pair = `${phoneNumberId} ${user}`;
      const burst = bursts.get(pair);
      if (!burst || burst.paidAt <= now) {
        bursts.set(pair, { startedAt: now, count: 1, paidAt: now + everyMs });
        if (bursts.size > sweepAt) sweep(now);
        return true;
      }
      if (now >= burst.startedAt + everyMs || burst.count >= most) return false;
      burst.count += 1;
      burst.paidAt += everyMs;
      return true;
    },
    /** Pairs that are remembered. */
    size: () => bursts.size,
    clear(): void {
      bursts.clear();
      sweepAt = 1024;
    },
  };
}
