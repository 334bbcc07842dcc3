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
  type Closing,
  closeLanes,
  dueLanes,
  horizonUs,
  intervalUs,
  type Lane,
  type LaneKey,
  laneOpensAt,
  markDue,
  openLanes,
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

/** again: more of the lane's queue is due. */
type Taken = { claimed: ClaimedMessage[]; expired: string[]; again: boolean } | 'closed';

/** Lanes locked by one transaction. */
const lanesPerClaim = 250;
const lanesPerLook = 1_000;

export function createClaimer(deps: ClaimerDeps): Claimer {
  const { database, sender, feed, log, now, processId } = deps;
  const active = new Map<number, LaneKey & { again: boolean }>();
  const unheard = new Set<{ lane: LaneKey; claim: Claim }>();
  // Lanes that are woken in one turn are claimed from in one transaction. Each lane is in here once at most (`active`).
  const claims = createBatcher<LaneKey, Taken>({
    run: claimFrom,
    sizeMax: lanesPerClaim,
    waitingMax: Number.POSITIVE_INFINITY,
  });
  let lastUntil = 0;
  let running = false;
  let looking: Promise<void> | undefined;
  let endPause = () => {};
  let thinned: () => unknown = () => {};
  let hasClaimed = false;

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
        } else if (taken.again) run.again = true;
      }
    } finally {
      active.delete(run.numberId);
      if (run.again && running) wake(run);
      if (active.size < lanesPerClaim) thinned();
    }
  }

  async function claimFrom(lanes: LaneKey[]): Promise<Taken[]> {
    const at = now();
    const held = claim();
    const room = Math.floor(sender.capacity() / lanes.length);
    // Locked in one order by every process (see accept.ts), so that no two wait for each other.
    const byTenant = [...Map.groupBy(lanes, ({ tenantId }) => tenantId)].sort(([a], [b]) => (a < b ? -1 : 1));
    const taken = await database
      .transact(tx =>
        together(byTenant.map(([tenantId, ofTenant]) => takeDue(tx, tenantId, ofTenant, at, held, room))),
      )
      .catch(error => {
        if (error instanceof CommitUnheard) unhear(held, lanes);
        throw error;
      });
    const byNumber = new Map(taken.flatMap(ofTenant => [...ofTenant]));
    const takenOf = ({ numberId }: LaneKey) => byNumber.get(numberId) ?? 'closed';
    await release(lanes, takenOf, at);
    return lanes.map(lane => {
      const ofLane = takenOf(lane);
      if (ofLane !== 'closed') hand(lane, ofLane, at);
      return ofLane;
    });
  }

  /** By itself, because everyone locks the wallet before a lane. What a crash leaves undone here is retention's (billing/charge.ts). */
  async function release(lanes: LaneKey[], takenOf: (lane: LaneKey) => Taken, at: number): Promise<void> {
    const charging = lanes.flatMap(lane => {
      const ofLane = takenOf(lane);
      return ofLane === 'closed' || ofLane.expired.length === 0
        ? []
        : [{ tenantId: lane.tenantId, ids: ofLane.expired }];
    });
    if (charging.length === 0) return;
    await database
      .transact(tx => charge(tx, charging, at))
      .catch(error => log.error({ err: error }, 'what expired messages held is released later'));
  }

  function hand(lane: LaneKey, { claimed, expired }: Exclude<Taken, 'closed'>, at: number): void {
    feed.publish(expiries(lane, expired, at));
    for (const id of expired) deps.settled(expiredSettlement(lane.tenantId, id));
    if (claimed.length > 0) hasClaimed = true;
    sender.dispatch(claimed);
  }

  /**
   * Of those lanes of a tenant that are open. All it takes is returned: a transaction may be run again, and then what its first run took
   * was never taken.
   */
  async function takeDue(
    tx: Tx,
    tenantId: string,
    lanes: LaneKey[],
    at: number,
    held: Claim,
    room: number,
  ): Promise<Map<number, Taken>> {
    const numberIds = lanes.map(({ numberId }) => numberId);
    const open = await openLanes(tx, tenantId, numberIds, at);
    if (open.size === 0) return new Map();
    const asks = [...open].map(([numberId, lane]) => ({
      numberId,
      limit: Math.min(slotsNow(lane, at), Math.max(1, room)),
      bulk: lane.bulkPausedUntil <= at,
    }));
    const taken = await claimMessages(tx, tenantId, asks, at, held);
    const closings: Closing[] = [];
    const result = new Map<number, Taken>();
    for (const [numberId, lane] of open) {
      const { claimed, expired, nextDueAt } = taken.get(numberId)!;
      const nextUs = Math.max(lane.nextUs, at * 1000);
      const interval = intervalUs(lane.perSecond);
      const isNone = claimed.length === 0;
      closings.push({
        numberId,
        nextUs: isNone ? lane.nextUs : nextUs + claimed.length * interval,
        dueAt: nextDueAt,
        sweepAt: isNone ? null : held.until,
      });
      result.set(numberId, {
        claimed: claimed.map((message, i) => ({ ...message, slotUs: nextUs + i * interval })),
        expired,
        again: claimed.length + expired.length > 0 && nextDueAt !== null && nextDueAt <= at,
      });
    }
    await closeLanes(tx, tenantId, closings);
    const changes = lanes.flatMap(lane => expiries(lane, taken.get(lane.numberId)?.expired ?? [], at));
    await deps.announce(tx, changes);
    return result;
  }

  /** How many moments of a lane are left until the horizon. */
  function slotsNow({ nextUs, perSecond }: Lane, at: number): number {
    const leftUs = at * 1000 + horizonUs - Math.max(nextUs, at * 1000);
    return Math.min(Math.max(1, Math.floor(leftUs / intervalUs(perSecond))), slotsPerHorizon(perSecond));
  }

  /** True when there may be more than one look finds. */
  async function lookForWork(): Promise<boolean> {
    try {
      await giveBackUnheard();
      const lanes = await dueLanes(database, now(), lanesPerLook);
      for (const lane of lanes) wake(lane);
      return lanes.length === lanesPerLook;
    } catch (error) {
      log.error({ err: error }, 'poll failed');
      return false;
    }
  }

  /** Ends before its time when what the last look found is nearly done. Not when that gave nothing: such lanes would be found again. */
  async function untilNextLook(isMore: boolean): Promise<void> {
    if (!running) return;
    const pause = new AbortController();
    hasClaimed = false;
    thinned = () => isMore && hasClaimed && pause.abort();
    endPause = () => pause.abort();
    await sleep(deps.pollMs, undefined, { signal: pause.signal }).catch(() => undefined);
  }

  async function look(): Promise<void> {
    while (running) await untilNextLook(await lookForWork());
  }

  return {
    start() {
      running = true;
      looking = look();
    },
    async stop() {
      running = false;
      endPause();
      await looking;
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
