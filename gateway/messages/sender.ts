/**
 * The sender: claims due messages lane by lane, writes each to Meta at its own moment, and settles the verdicts.
 *
 * One claim per lane at a time; what is in flight is bounded for the process and per lane, so that one slow number holds
 * neither memory nor the others. `wake` is a hint: the poll finds everything that is due, whoever queued it.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Graph, GraphAnswer } from '../meta/graph.ts';
import { type Verdict, verdictOf } from '../meta/verdict.ts';
import { createBatcher } from '../platform/batch.ts';
import { CommitUnheard, type Database, type Tx } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import type { NumberBook, SendingNumber } from '../tenants/number-book.ts';
import type { Feed } from './feed.ts';
import { type Journal, sendName } from './journal.ts';
import { type ClaimedMessage, priorities, type Settlement } from './message.ts';
import {
  closeLane,
  dueLanes,
  horizonUs,
  intervalUs,
  type LaneKey,
  laneOpensAt,
  markDue,
  openLane,
  pauseLane,
  slotsPerHorizon,
} from './pace.ts';
import { type Claim, claimMessages, releaseClaims, releaseWholeClaim } from './queue.ts';
import { reasonOf, type SendResult, settle, settlementOf } from './settle.ts';

export interface SenderDeps {
  database: Database;
  graph: Graph;
  numbers: NumberBook;
  feed: Feed;
  log: Log;
  processId: string;
  journal: Journal;
  settled(settlement: Settlement): void;
  now(): number;
  random(): number;
  inFlightMax: number;
  metaTimeoutMs: number;
  uncertainMs: number;
  pollMs: number;
}

export interface Sender {
  start(): void;
  /** No new claims; what is in flight is finished and settled, what was not written yet is given back. */
  stop(): Promise<void>;
  /** A number has work, perhaps. */
  wake(lane: LaneKey): void;
  /** Sends messages that the accept transaction claimed. */
  dispatch(claimed: ClaimedMessage[]): void;
  /** How many more messages may be claimed now. */
  capacity(): number;
  claim(): Claim;
  /** The commit of a claim was not heard of: what it may hold on these lanes goes back to the queue. */
  unhear(held: Claim, lanes: LaneKey[]): void;
}

const yearMs = 365 * 24 * 3_600_000;

export function createSender(deps: SenderDeps): Sender {
  const { database, graph, numbers, feed, log, now, processId } = deps;
  const active = new Map<number, LaneKey & { again: boolean }>();
  const inFlight = new Map<string, Promise<void>>();
  const inFlightByNumber = new Map<number, number>();
  const nextWriteUs = new Map<number, number>();
  const unheard = new Set<{ lane: LaneKey; claim: Claim }>();
  let lastUntil = 0;
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  let started = false;
  let poll: NodeJS.Timeout | undefined;
  let freed: (() => void)[] = [];

  const results = createBatcher<SendResult, undefined>({
    run: settleBatch,
    sizeMax: 500,
    waitingMax: Number.POSITIVE_INFINITY,
  });

  async function settleBatch(batch: SendResult[]): Promise<undefined[]> {
    await database.transact(tx => settle(tx, batch, deps.uncertainMs));
    feed.publish(
      batch.map(({ message, verdict, at }) => ({
        tenantId: message.tenantId,
        id: message.id,
        status: statusAfter[verdict.kind],
        at,
        ...(verdict.kind === 'sent' ? {} : { reason: reasonOf(verdict) }),
      })),
    );
    for (const result of batch) {
      const settlement = settlementOf(result);
      if (settlement !== undefined) deps.settled(settlement);
    }
    return batch.map(() => undefined);
  }

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

  const capacity = () => (stopping.signal.aborted ? 0 : Math.max(0, deps.inFlightMax - inFlight.size));

  function unhear(held: Claim, lanes: LaneKey[]): void {
    for (const lane of lanes) unheard.add({ lane, claim: held });
  }

  function dispatch(claimed: ClaimedMessage[]): void {
    for (const message of claimed) {
      inFlightByNumber.set(message.numberId, (inFlightByNumber.get(message.numberId) ?? 0) + 1);
      const done = send(message)
        .catch(error => log.error({ err: error, message: message.id }, 'send could not be settled'))
        .finally(() => {
          inFlight.delete(message.id);
          const left = inFlightByNumber.get(message.numberId)! - 1;
          if (left > 0) inFlightByNumber.set(message.numberId, left);
          else inFlightByNumber.delete(message.numberId);
          const listeners = freed;
          freed = [];
          for (const listener of listeners) listener();
        });
      inFlight.set(message.id, done);
    }
  }

  async function send(message: ClaimedMessage): Promise<void> {
    const wait = message.slotUs / 1000 - now();
    if (wait >= 1) {
      const interrupted = await sleep(wait, false, { signal: stopping.signal }).catch(() => true);
      if (interrupted) return release(message);
    }
    const startedAt = now();
    const verdict = await ask(message);
    const at = now();
    log.info(
      {
        message: message.id,
        tenant: message.tenantId,
        number: message.numberId,
        dialect: message.dialect,
        type: message.type,
        try: message.tries,
        verdict: verdict.kind,
        ...(verdict.kind === 'sent' ? { wamid: verdict.wamid } : { reason: reasonOf(verdict) }),
        ms: at - startedAt,
      },
      'send',
    );
    // Before the caller hears of it: its next request must find the number disconnected.
    if (verdict.kind === 'rejected' && verdict.disconnects) await disconnect(message, reasonOf(verdict), at);
    await settleUntilDone({ message, verdict, claimedBy: processId, at });
    deps.journal.end(sendName(message.id, message.tries));
    if (verdict.kind === 'later') wakeAt(message, at + verdict.delayMs);
  }

  /** What is queued waits until the number is connected again (resumeLane) or its time to live is over. */
  async function disconnect(lane: LaneKey, reason: string, at: number): Promise<void> {
    try {
      await numbers.disconnect(lane.tenantId, lane.numberId, reason);
      await database.transact(tx => pauseLane(tx, lane, 'lane', at + yearMs));
    } catch (error) {
      log.error({ err: error, number: lane.numberId }, 'disconnection could not be written');
    }
  }

  async function ask(message: ClaimedMessage): Promise<Verdict> {
    return verdictOf(await request(message), message.tries, deps.random());
  }

  async function request(message: ClaimedMessage): Promise<GraphAnswer> {
    let number: SendingNumber | undefined;
    try {
      number = await numbers.byId(message.numberId);
    } catch (error) {
      return { kind: 'unsent', reason: `the number could not be read: ${(error as Error).message}` };
    }
    if (number === undefined) return { kind: 'unsent', reason: 'the number is not known any more' };
    await turn(number);
    return graph.request({
      method: 'POST',
      path: `/${number.phoneNumberId}/${message.endpoint}`,
      accessToken: number.accessToken,
      body: message.body,
      beginning: () => deps.journal.begin(sendName(message.id, message.tries)),
    });
  }

  /**
   * Sends that are late, because the database or the process was busy, must not go out together: Meta counts arrivals, not
   * slots. Spaced at 98 % of the rate they catch up slowly with slots that are spaced at 96 %.
   */
  async function turn(number: SendingNumber): Promise<void> {
    const nowUs = now() * 1000;
    const atUs = Math.max(nowUs, nextWriteUs.get(number.id) ?? 0);
    if (nextWriteUs.size > 50_000) nextWriteUs.clear();
    nextWriteUs.set(number.id, atUs + Math.ceil(1_000_000 / (number.perSecond * 0.98)));
    if (atUs - nowUs >= 1_000) await sleep((atUs - nowUs) / 1000);
  }

  /** Meta's answer exists only here until it is written: a database that is away is waited for. */
  async function settleUntilDone(result: SendResult): Promise<void> {
    for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, 5_000)) {
      try {
        await results.add(result);
        return;
      } catch (error) {
        log.error(
          { err: error, message: result.message.id, verdict: result.verdict.kind },
          'settlement waits for the database',
        );
        await sleep(pauseMs);
      }
    }
  }

  async function release(message: ClaimedMessage): Promise<void> {
    await database.transact(async tx => {
      await releaseClaims(tx, message, [message.id], processId);
      await markDue(tx, message, now());
    });
  }

  function wake(lane: LaneKey): void {
    if (!started || stopping.signal.aborted) return;
    const running = active.get(lane.numberId);
    if (running !== undefined) running.again = true;
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
      while (run.again && !stopping.signal.aborted) {
        run.again = false;
        await room(run.numberId);
        if (stopping.signal.aborted) return;
        const taken = await claimFrom(run);
        if (taken === 'closed') {
          const opensAt = await laneOpensAt(database, run);
          if (opensAt - now() > 1_000) return wakeAt(run, opensAt);
          await sleep(Math.max(1, opensAt - now()));
          run.again = true;
        } else if (taken > 0) run.again = true;
      }
    } finally {
      active.delete(run.numberId);
      if (run.again && !stopping.signal.aborted) wake(run);
    }
  }

  async function claimFrom(lane: LaneKey): Promise<number | 'closed'> {
    const at = now();
    const held = claim();
    const taken = await database
      .transact(tx => takeDue(tx, lane, at, held))
      .catch(error => {
        if (error instanceof CommitUnheard) unhear(held, [lane]);
        throw error;
      });
    if (taken === 'closed') return 'closed';
    const { claimed, expired } = taken;
    feed.publish(expired.map(id => ({ tenantId: lane.tenantId, id, status: 'expired', at })));
    for (const id of expired) deps.settled(expiredSettlement(lane.tenantId, id));
    dispatch(claimed);
    return claimed.length + expired.length;
  }

  /** All it takes is returned: a transaction may be run again, and then what its first run took was never taken. */
  async function takeDue(
    tx: Tx,
    lane: LaneKey,
    at: number,
    held: Claim,
  ): Promise<{ claimed: ClaimedMessage[]; expired: string[] } | 'closed'> {
    const state = await openLane(tx, lane, at);
    if (state === undefined) return 'closed';
    const claimed: ClaimedMessage[] = [];
    const expired: string[] = [];
    const nextUs = Math.max(state.nextUs, at * 1000);
    const limit = Math.min(
      Math.max(1, Math.floor((at * 1000 + horizonUs - nextUs) / intervalUs(state.perSecond))),
      slotsPerHorizon(state.perSecond),
      Math.max(1, capacity()),
    );
    for (const priority of Object.values(priorities)) {
      if (priority === priorities.bulk && state.bulkPausedUntil > at) continue;
      if (claimed.length >= limit) continue;
      const taken = await claimMessages(tx, lane, priority, at, limit - claimed.length, held);
      for (const message of taken.claimed) {
        claimed.push({ ...message, slotUs: nextUs + claimed.length * intervalUs(state.perSecond) });
      }
      expired.push(...taken.expired);
    }
    const after = claimed.length === 0 ? state.nextUs : nextUs + claimed.length * intervalUs(state.perSecond);
    await closeLane(tx, lane, after, claimed.length === 0 ? null : held.until);
    return { claimed, expired };
  }

  /** Waits until the process and the lane may have one more message in flight. */
  async function room(numberId: number): Promise<void> {
    const laneMax = Math.ceil(deps.inFlightMax / 2);
    while (
      !stopping.signal.aborted &&
      (capacity() === 0 || (inFlightByNumber.get(numberId) ?? 0) >= laneMax)
    ) {
      await new Promise<void>(resolve => freed.push(resolve));
    }
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
      started = true;
      const next = async () => {
        await lookForWork();
        if (!stopping.signal.aborted) poll = setTimeout(() => void next(), deps.pollMs);
      };
      void next();
    },
    async stop() {
      stopping.abort();
      clearTimeout(poll);
      for (const listener of freed) listener();
      while (inFlight.size > 0) await Promise.all(inFlight.values());
      while (active.size > 0) await sleep(5);
      await results.idle();
    },
    wake,
    dispatch,
    capacity,
    claim,
    unhear,
  };
}

const statusAfter = { sent: 'accepted', later: 'queued', rejected: 'failed', unknown: 'uncertain' } as const;

export function expiredSettlement(tenantId: string, id: string): Settlement {
  return {
    tenantId,
    id,
    status: 'expired',
    wamid: null,
    answer: null,
    waId: null,
    error: null,
    reason: 'it waited past its time to live',
  };
}
