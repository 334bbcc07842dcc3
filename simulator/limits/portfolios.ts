import type { Account, MessagingLimit } from '../accounts.ts';
import { createRecent } from './recent.ts';

/** Unique users; cloud-api.md §6. */
export const usersOf: Record<MessagingLimit, number> = {
  TIER_50: 50,
  TIER_250: 250,
  TIER_2K: 2_000,
  TIER_10K: 10_000,
  TIER_100K: 100_000,
  TIER_UNLIMITED: Number.POSITIVE_INFINITY,
};

/** Whom each portfolio has written to outside the customer service window, within a moving time. Without a limit none is remembered. */
export function createPortfolios() {
  const users = new Map<string, ReturnType<typeof createRecent>>();

  return {
    /** Whether it may write to this user now. */
    hasRoom({ portfolio, messagingLimit }: Account, user: string, periodMs: number, now: number): boolean {
      const written = users.get(portfolio);
      if (!written || messagingLimit === 'TIER_UNLIMITED') return true;
      written.forget(periodMs, now);
      return written.has(user, now - periodMs) || written.size() < usersOf[messagingLimit];
    },
    count({ portfolio, messagingLimit }: Account, user: string, now: number): void {
      if (messagingLimit === 'TIER_UNLIMITED') return;
      let written = users.get(portfolio);
      if (!written) {
        written = createRecent(usersOf.TIER_100K);
        users.set(portfolio, written);
      }
      written.touch(user, now);
    },
    clear: () => users.clear(),
  };
}
