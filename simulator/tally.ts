import type { Now } from './clock.ts';
import { createCounts } from './counts.ts';
import type { Accepted } from './ledger.ts';
import type { LimitName } from './limits/limits.ts';
import { createNumberTally, type NumberTally } from './number-tally.ts';

export type Tally = ReturnType<typeof createTally>;

// A Set holds at most 2^24 values.
const mostDistinct = 10_000_000;
const mostNamed = 100;

/** The counts an oracle needs: what was lost, what came twice, how fast it came. By account, summed when asked. */
export function createTally(now: Now) {
  const accounts = new Map<string, ReturnType<typeof createAccountTally>>();
  const numbers = new Map<string, { wabaId: string; tally: NumberTally }>();
  let forgotten = 0;

  function ofAccount(wabaId: string) {
    let counts = accounts.get(wabaId);
    if (!counts) {
      counts = createAccountTally();
      accounts.set(wabaId, counts);
    }
    return counts;
  }

  function ofNumber(wabaId: string, phoneNumberId: string): NumberTally {
    let number = numbers.get(phoneNumberId);
    if (!number) {
      number = { wabaId, tally: createNumberTally() };
      numbers.set(phoneNumberId, number);
    }
    return number.tally;
  }

  return {
    /** Every send that reached the number, accepted or not. */
    arrived: (wabaId: string, phoneNumberId: string) => ofNumber(wabaId, phoneNumberId).arrived(now()),
    /** What a limit refused, or let fail. */
    limited: (wabaId: string, phoneNumberId: string, limit: LimitName) =>
      ofNumber(wabaId, phoneNumberId).limited(limit, now()),
    accepted(message: Accepted, content: string): void {
      ofNumber(message.wabaId, message.phoneNumberId).accepted(message.to, now());
      ofAccount(message.wabaId).accepted(message, content);
    },
    status: (wabaId: string, status: string) => ofAccount(wabaId).status(status),
    forgotten(count: number): void {
      forgotten += count;
    },
    /** `seconds`: how many of each number's last. */
    summary(wabaId?: string, seconds = 0) {
      const chosen = wabaId ? [ofAccount(wabaId)] : [...accounts.values()];
      const counts = chosen.map(account => account.counts);
      const sum = (of: (count: (typeof counts)[number]) => number) =>
        counts.reduce((total, count) => total + of(count), 0);
      const own = [...numbers].filter(([, number]) => !wabaId || number.wabaId === wabaId);
      return {
        accepted: sum(({ accepted }) => accepted),
        withBizOpaque: sum(({ withBizOpaque }) => withBizOpaque),
        distinctBizOpaque: chosen.reduce((total, { distinct }) => total + distinct.size, 0),
        doubled: sum(({ doubled }) => doubled),
        doubledValues: chosen.flatMap(({ doubledValues }) => [...doubledValues]).slice(0, mostNamed),
        repeated: sum(({ repeated }) => repeated),
        repeatedTo: chosen.flatMap(({ repeatedTo }) => [...repeatedTo]).slice(0, mostNamed),
        statuses: {
          sent: sum(({ statuses }) => statuses.sent ?? 0),
          delivered: sum(({ statuses }) => statuses.delivered ?? 0),
          read: sum(({ statuses }) => statuses.read ?? 0),
          failed: sum(({ statuses }) => statuses.failed ?? 0),
        },
        phoneNumbers: Object.fromEntries(
          own.map(([id, { tally }]) => [
            id,
            { ...tally.summary(), ...(seconds > 0 ? { seconds: tally.seconds(seconds) } : {}) },
          ]),
        ),
        forgotten,
      };
    },
    clear(): void {
      accounts.clear();
      numbers.clear();
      forgotten = 0;
    },
  };
}

function createAccountTally() {
  const counts = {
    ...{ accepted: 0, withBizOpaque: 0, doubled: 0, repeated: 0 },
    statuses: {} as Record<string, number>,
  };
  const distinct = new Set<string>();
  const doubledValues = new Set<string>();
  const contents = createCounts();
  const repeatedTo = new Set<string>();

  return {
    ...{ counts, distinct, doubledValues, repeatedTo },
    accepted({ bizOpaque, to }: Accepted, content: string): void {
      counts.accepted += 1;
      if (contents.add(`${to} ${content}`) > 0) {
        counts.repeated += 1;
        if (repeatedTo.size < mostNamed) repeatedTo.add(to);
      }
      if (bizOpaque === null) return;
      counts.withBizOpaque += 1;
      if (distinct.has(bizOpaque)) {
        counts.doubled += 1;
        if (doubledValues.size < mostNamed) doubledValues.add(bizOpaque);
      } else if (distinct.size < mostDistinct) {
        distinct.add(bizOpaque);
      }
    },
    status(status: string): void {
      counts.statuses[status] = (counts.statuses[status] ?? 0) + 1;
    },
  };
}
