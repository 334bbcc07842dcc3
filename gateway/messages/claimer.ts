/**
 * The claimer: takes due messages lane by lane, as many as their pace allows now, and hands them to the sender.
 *
 * One claim per lane at a time. `wake` is a hint: the poll finds everything that is due, whoever queued it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { charge } from '../billing/charge.ts';
import { createBatcher } from '../platform/batch.ts';
import { CommitUnheard, type Database, type Tx, together } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import type { AnnounceChanges } from './announce-changes.ts';
import type { Change, Feed } from './feed.ts';
import type { ClaimedMessage, Settlement } from './message.ts';
import {
  closeLane,
  dueLanes,
  horizonUs,
  intervalUs,
  type LaneKey,
  laneOpensAt,
  markDue,
  openLane,
  slotsPerHorizon,
} from './pace.ts';
import { type Claim, claimMessages, releaseWholeClaim } from './queue.ts';
import type { Sender } from './sender.ts';
import { expiredSettlement } from './settle.ts';

export interface ClaimerDeps {
  database: Database;
  sender: Sender;
  feed: Feed;
  announce: AnnounceChanges;
  log: Log;
  processId: string;
  settled(settlement: Settlement): void;
  now(): number;
  metaTimeoutMs: number;
  pollMs: number;
}

export interface Claimer {
  start(): void;
  /** No new claims. */
  stop(): Promise<void>;
  /** A number has work, perhaps. */
  wake(lane: LaneKey): void;
  /** A number will have work at that time. */
  wakeAt(lane: LaneKey, at: number): void;
  /** A claim of this process, for who claims in its own transaction (accept.ts). */
  claim(): Claim;
  /** The commit of a claim was not heard of: what it may hold on these lanes goes back to the queue. */
  unhear(held: Claim, lanes: LaneKey[]): void;
}

type Taken = { claimed: ClaimedMessage[]; expired: string[] } | 'closed';

export function createClaimer(deps: ClaimerDeps): Claimer {
  const { database, sender, feed, log, now, processId } = deps;
  const active = new Map<number, LaneKey & { again: boolean }>();
  const unheard = new Set<{ lane: LaneKey; claim: Claim }>();
  // Lanes that are woken in one turn are claimed from in one transaction. Each lane is in here once at most (`active`).
  const claims = createBatcher<LaneKey, Taken>({
    run: claimFrom,
    sizeMax: 64,
    waitingMax: Number.POSITIVE_INFINITY,
  });
  let lastUntil = 0;
  let running = false;
  let poll: NodeJS.Timeout | undefined;

  /** A claim outlives the wait for its slot, connecting, and the slowest answer; after that nobody can still be sending it. */
  function claim(): Claim {
    lastUntil = Math.max(lastUntil + 1, now() + deps.metaTimeoutMs * 3 + 5_000);
    return { by: processId, until: lastUntil };
  }

  /** Without this they would count as being sent, then as uncertain, though nobody ever sends them. */
  async function giveBackUnheard(): Promise<void> {
    for (const one of [...unheard]) {
      const at = now();
      const released = await database.transact(async tx => {
        const ids = await releaseWholeClaim(tx, one.lane, one.claim);
        if (ids.length > 0) await markDue(tx, one.lane, at);
        return ids;
      });
      const reason = 'the commit of its claim was not heard of';
      const { tenantId } = one.lane;
      feed.publish(released.map(id => ({ tenantId, id, status: 'queued', at, reason })));
      // Asked again while it counts: behind a connection that broke the commit may still come.
      if (released.length > 0 || one.claim.until <= at) unheard.delete(one);
    }
  }

  function unhear(held: Claim, lanes: LaneKey[]): void {
    for (const lane of lanes) unheard.add({ lane, claim: held });
  }

  function wake(lane: LaneKey): void {
    if (!running) return;
    const draining = active.get(lane.numberId);
    if (draining !== undefined) draining.again = true;
    else {
      const run = { ...lane, again: true };
      active.set(lane.numberId, run);
      void drain(run).catch(error => log.error({ err: error, number: lane.numberId }, 'claim failed'));
    }
  }

  function wakeAt(lane: LaneKey, at: number): void {
    const wait = at - now();
    if (wait < 60_000) setTimeout(() => wake(lane), Math.max(0, wait)).unref();
  }

  /** Claims from one lane until nothing is due, waiting for its pace and for room. */
  async function drain(run: LaneKey & { again: boolean }): Promise<void> {
    try {
      while (run.again && running) {
        run.again = false;
        await sender.room(run.numberId);
        if (!running) return;
        const taken = await claims.add(run);
        if (taken === 'closed') {
          const opensAt = await laneOpensAt(database, run, now());
          if (opensAt - now() > 1_000) return wakeAt(run, opensAt);
          await sleep(Math.max(1, opensAt - now()));
          run.again = true;
        } else if (taken.claimed.length + taken.expired.length > 0) run.again = true;
      }
    } finally {
      active.delete(run.numberId);
      if (run.again && running) wake(run);
    }
  }

  async function claimFrom(lanes: LaneKey[]): Promise<Taken[]> {
    const at = now();
    const held = claim();
    const room = Math.floor(sender.capacity() / lanes.length);
    // Locked in one order by every process, so that no two wait for each other.
    const sorted = lanes.toSorted((a, b) => a.numberId - b.numberId);
    const taken = await database
      .transact(tx =>
        together(sorted.map(async lane => [lane.numberId, await takeDue(tx, lane, at, held, room)] as const)),
      )
      .catch(error => {
        if (error instanceof CommitUnheard) unhear(held, lanes);
        throw error;
      });
    await release(sorted, taken, at);
    const byNumber = new Map(taken);
    return lanes.map(lane => {
      const ofLane = byNumber.get(lane.numberId)!;
      if (ofLane !== 'closed') hand(lane, ofLane, at);
      return ofLane;
    });
  }

  /** By itself, because everyone locks the wallet before a lane. What a crash leaves undone here is retention's (billing/charge.ts). */
  async function release(lanes: LaneKey[], taken: (readonly [number, Taken])[], at: number): Promise<void> {
    const charging = taken.flatMap(([, ofLane], i) =>
      ofLane === 'closed' || ofLane.expired.length === 0
        ? []
        : [{ tenantId: lanes[i]!.tenantId, ids: ofLane.expired }],
    );
    if (charging.length === 0) return;
    await database
      .transact(tx => charge(tx, charging, at))
      .catch(error => log.error({ err: error }, 'what expired messages held is released later'));
  }

  function hand(lane: LaneKey, { claimed, expired }: Exclude<Taken, 'closed'>, at: number): void {
    feed.publish(expiries(lane, expired, at));
    for (const id of expired) deps.settled(expiredSettlement(lane.tenantId, id));
    sender.dispatch(claimed);
  }

  /** All it takes is returned: a transaction may be run again, and then what its first run took was never taken. */
  async function takeDue(tx: Tx, lane: LaneKey, at: number, held: Claim, room: number): Promise<Taken> {
    const state = await openLane(tx, lane, at);
    if (state === undefined) return 'closed';
    const nextUs = Math.max(state.nextUs, at * 1000);
    const limit = Math.min(
      Math.max(1, Math.floor((at * 1000 + horizonUs - nextUs) / intervalUs(state.perSecond))),
      slotsPerHorizon(state.perSecond),
      Math.max(1, room),
    );
    const taken = await claimMessages(tx, lane, state.bulkPausedUntil <= at, at, limit, held);
    const interval = intervalUs(state.perSecond);
    const claimed = taken.claimed.map((message, i) => ({ ...message, slotUs: nextUs + i * interval }));
    const after = claimed.length === 0 ? state.nextUs : nextUs + claimed.length * interval;
    await closeLane(tx, lane, after, claimed.length === 0 ? null : held.until);
    await deps.announce(tx, expiries(lane, taken.expired, at));
    return { claimed, expired: taken.expired };
  }

  async function lookForWork(): Promise<void> {
    try {
      await giveBackUnheard();
      for (const lane of await dueLanes(database, now(), 1_000)) wake(lane);
    } catch (error) {
      log.error({ err: error }, 'poll failed');
    }
  }

  return {
    start() {
      running = true;
      const next = async () => {
        await lookForWork();
        if (running) poll = setTimeout(() => void next(), deps.pollMs);
      };
      void next();
    },
    async stop() {
      running = false;
      clearTimeout(poll);
      while (active.size > 0) await sleep(5);
    },
    wake,
    wakeAt,
    claim,
    unhear,
  };
}

const expiries = ({ tenantId }: LaneKey, ids: string[], at: number): Change[] =>
  ids.map(id => ({ tenantId, id, status: 'expired', at }));
