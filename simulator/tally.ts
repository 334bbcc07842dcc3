import type { Accepted } from './ledger.ts';

type Counts = {
  accepted: number;
  withBizOpaque: number;
  doubled: number;
  distinct: Set<string>;
  doubledValues: Set<string>;
  statuses: Record<string, number>;
};
type Lane = {
  wabaId: string;
  arrived: number;
  accepted: number;
  peak: number;
  recent: number[];
  head: number;
};

// A Set holds at most 2^24 values.
const mostDistinct = 10_000_000;

/** The counts an oracle needs: what was lost, what came twice, how fast it came. By account, summed when asked. */
export function createTally() {
  const accounts = new Map<string, Counts>();
  const lanes = new Map<string, Lane>();
  let forgotten = 0;

  function countsOf(wabaId: string): Counts {
    let counts = accounts.get(wabaId);
    if (!counts) {
      counts = {
        accepted: 0,
        withBizOpaque: 0,
        doubled: 0,
        distinct: new Set(),
        doubledValues: new Set(),
        statuses: { sent: 0, delivered: 0, read: 0, failed: 0 },
      };
      accounts.set(wabaId, counts);
    }
    return counts;
  }

  function laneOf(wabaId: string, phoneNumberId: string): Lane {
    let lane = lanes.get(phoneNumberId);
    if (!lane) {
      lane = { wabaId, arrived: 0, accepted: 0, peak: 0, recent: [], head: 0 };
      lanes.set(phoneNumberId, lane);
    }
    return lane;
  }

  return {
    /** Every send that reached the number, accepted or not: that is what a throughput limit counts. */
    arrived(wabaId: string, phoneNumberId: string): void {
      const lane = laneOf(wabaId, phoneNumberId);
      lane.arrived += 1;
      const now = performance.now();
      lane.recent.push(now);
      while ((lane.recent[lane.head] ?? now) <= now - 1000) lane.head += 1;
      lane.peak = Math.max(lane.peak, lane.recent.length - lane.head);
      if (lane.head > 4096 && lane.head * 2 > lane.recent.length) {
        lane.recent = lane.recent.slice(lane.head);
        lane.head = 0;
      }
    },
    accepted({ wabaId, phoneNumberId, bizOpaque }: Accepted): void {
      const counts = countsOf(wabaId);
      counts.accepted += 1;
      laneOf(wabaId, phoneNumberId).accepted += 1;
      if (bizOpaque === null) return;
      counts.withBizOpaque += 1;
      if (counts.distinct.has(bizOpaque)) {
        counts.doubled += 1;
        if (counts.doubledValues.size < 100) counts.doubledValues.add(bizOpaque);
      } else if (counts.distinct.size < mostDistinct) {
        counts.distinct.add(bizOpaque);
      }
    },
    status(wabaId: string, status: string): void {
      const { statuses } = countsOf(wabaId);
      statuses[status] = (statuses[status] ?? 0) + 1;
    },
    forgotten(count: number): void {
      forgotten += count;
    },
    summary(wabaId?: string) {
      const chosen = wabaId ? [countsOf(wabaId)] : [...accounts.values()];
      const sum = (of: (counts: Counts) => number) => chosen.reduce((total, counts) => total + of(counts), 0);
      const own = [...lanes].filter(([, lane]) => !wabaId || lane.wabaId === wabaId);
      return {
        accepted: sum(counts => counts.accepted),
        withBizOpaque: sum(counts => counts.withBizOpaque),
        distinctBizOpaque: sum(counts => counts.distinct.size),
        doubled: sum(counts => counts.doubled),
        doubledValues: chosen.flatMap(counts => [...counts.doubledValues]).slice(0, 100),
        statuses: {
          sent: sum(counts => counts.statuses.sent ?? 0),
          delivered: sum(counts => counts.statuses.delivered ?? 0),
          read: sum(counts => counts.statuses.read ?? 0),
          failed: sum(counts => counts.statuses.failed ?? 0),
        },
        phoneNumbers: Object.fromEntries(
          own.map(([id, lane]) => [
            id,
            { arrived: lane.arrived, accepted: lane.accepted, peakPerSecond: lane.peak },
          ]),
        ),
        forgotten,
      };
    },
    clear(): void {
      accounts.clear();
      lanes.clear();
      forgotten = 0;
    },
  };
}
