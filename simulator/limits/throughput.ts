import type { PhoneNumber } from '../accounts.ts';
import { createSlidingSecond, type SlidingSecond } from '../sliding-second.ts';

/** Messages per second by level; cloud-api.md §6. 20: a number that is shared with the WhatsApp Business app. */
export const perSecond: Record<PhoneNumber['throughput'], number> = {
  STANDARD: 80,
  HIGH: 1000,
  NOT_APPLICABLE: 20,
};

/** How many sends a number may make in any one second. One that is refused does not count against the next. */
export function createThroughput() {
  const passed = new Map<string, SlidingSecond>();

  return {
    take({ id, throughput }: PhoneNumber, now: number): boolean {
      let second = passed.get(id);
      if (!second) {
        second = createSlidingSecond();
        passed.set(id, second);
      }
      if (second.count(now) >= perSecond[throughput]) return false;
      second.add(now);
      return true;
    },
    clear: () => passed.clear(),
  };
}
