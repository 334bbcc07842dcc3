import { createCounts } from '../counts.ts';

const dayMs = 86_400_000;

/** How many marketing templates each user got today (UTC), from any business: Meta counts all of them. */
export function createMarketing() {
  const got = createCounts();
  let today = 0;

  return {
    /** True when the user may have one more, which then counts. */
    take(user: string, most: number, now: number): boolean {
      const day = Math.floor(now / dayMs);
      if (day !== today) got.clear();
      today = day;
      if (got.times(user) >= most) return false;
      got.add(user);
      return true;
    },
    clear: () => got.clear(),
  };
}
