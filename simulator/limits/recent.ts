/**
 * Keys with the time each was last touched, forgotten when that is long ago, or when there are more than `most`: then the one that
 * was touched first.
 */
export function createRecent(most: number) {
  // In the order of touching: a Map keeps that of insertion.
  let times = new Map<string, number>();
  let lookedAt = Number.NEGATIVE_INFINITY;

  return {
    touch(key: string, at: number): void {
      const before = times.get(key);
      times.delete(key);
      times.set(key, before === undefined ? at : Math.max(before, at));
      if (times.size <= most) return;
      const oldest = times.keys().next();
      if (!oldest.done) times.delete(oldest.value);
    },
    /** Whether it was touched after that time. */
    has: (key: string, after: number) => (times.get(key) ?? Number.NEGATIVE_INFINITY) > after,
    /**
     * Forgets what was touched before now - keepMs. At most once a second (and more often only if that is long beside keepMs), for a
     * look goes past all that was deleted at the front of the Map.
     */
    forget(keepMs: number, now: number): void {
      if (now - lookedAt < Math.min(1000, keepMs / 1000)) return;
      lookedAt = now;
      for (const [key, at] of times) {
        if (at > now - keepMs) break;
        times.delete(key);
      }
    },
    size: () => times.size,
    clear(): void {
      times = new Map();
      lookedAt = Number.NEGATIVE_INFINITY;
    },
  };
}
