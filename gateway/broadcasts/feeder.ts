/**
 * The feeder: looks after the broadcasts that are due, each by one process at a time. It writes their audiences down, makes messages of
 * recipients as fast as the numbers send, pauses what cannot go on, and ends what is done. `wake` is a hint: a poll finds whatever is due.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { charge } from '../billing/charge.ts';
import type { PriceBook } from '../billing/price-book.ts';
import type { EventDraft } from '../canonical/event.ts';
import type { AnnounceChanges } from '../messages/announce-changes.ts';
import type { Change, Feed } from '../messages/feed.ts';
import type { LaneKey } from '../messages/pace.ts';
import { steadyMs } from '../platform/clock.ts';
import { first, isOutage, type Tx } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import type { Notices } from '../platform/notices.ts';
import type { Seal } from '../platform/seal.ts';
import type { Broadcast, BroadcastKey, FreezingBroadcast, Reason } from './broadcast.ts';
import { type Fed, type FeedDeps, feedStep, type Moment } from './feed.ts';
import { freezeStep } from './freeze.ts';
import { dueBroadcasts, leaveBroadcast, lockHeld, releaseBroadcast, takeBroadcast } from './holds.ts';
import { type Known, type MomentDeps, readMoment, refusedForAll, type Stop } from './moment.ts';
import { nextDueAt } from './recipients.ts';
import { cancelRest, endBroadcast, holdRest, pauseBroadcast, unreleased } from './states.ts';
import { findBroadcast } from './table.ts';
import { broadcastEvent } from './tell.ts';

export interface FeederDeps extends MomentDeps {
  prices: Pick<PriceBook, 'quote'>;
  seal: Pick<Seal, 'digest'>;
  feed: Feed;
  notices: Notices;
  log: Log;
  /** Under which this process stands in `processes`, from before `start` to after `stop`. */
  processId: string;
  messageTtlMs: number;
  /** A number has work. */
  wakeSender(lane: LaneKey): void;
  announce(tx: Tx, tenantId: string, drafts: EventDraft[]): Promise<void>;
  announceChanges: AnnounceChanges;
}

export interface Feeder {
  start(): void;
  /** The step that is under way is finished. */
  stop(): Promise<void>;
  /** A broadcast was launched, resumed, paused or canceled. */
  wake(key: BroadcastKey): void;
}

const pollMs = 1_000;
/** Contacts that one step writes down: on the embedded engine everybody else waits meanwhile. */
const sliceRows = { sqlite: 250, postgres: 2_000 };
/** Between two steps, as a part of what the last one took: PostgreSQL serves others beside it. */
const restShare = { sqlite: 0.25, postgres: 0 };
/** While the numbers send what they have. */
const fullPauseMs = 100;
/** While nothing is left but what is on its way. */
const endPauseMs = 250;
const heldMost = 200;
/** How often it is looked whether Meta refuses everything. */
const refusalsEveryMs = 2_000;

/** What a step says of the next one: after so long, or that the broadcast, as it was seen, is let go until then (null: for good). */
type Next = { afterMs: number } | { until: number | null; seen: Broadcast };

const nameOf = ({ tenantId, broadcastId }: BroadcastKey) => `${tenantId} ${broadcastId}`;

export function createFeeder(deps: FeederDeps): Feeder {
  const { database, log, now, processId, feed } = deps;
  const { prices, seal, messageTtlMs } = deps;
  const feedDeps: FeedDeps = { prices, seal, messageTtlMs };
  const held = new Map<string, { wake(): void; done: Promise<void> }>();
  const stopping = new AbortController();
  let looking: Promise<void> = Promise.resolve();
  let isRunning = false;

  function wake(key: BroadcastKey): void {
    deps.notices.tell('broadcast', [key.tenantId, key.broadcastId]);
    take(key);
  }

  deps.notices.hear('broadcast', told => {
    const [tenantId, broadcastId] = Array.isArray(told) ? (told as unknown[]) : [];
    if (typeof tenantId === 'string' && typeof broadcastId === 'string') take({ tenantId, broadcastId });
  });

  function take(key: BroadcastKey): void {
    const name = nameOf(key);
    const mine = held.get(name);
    mine?.wake();
    if (mine !== undefined || !isRunning || held.size >= heldMost) return;
    let signal = Promise.withResolvers<void>();
    const next = () => signal.promise;
    const renew = () => {
      signal = Promise.withResolvers();
    };
    const done = look(key, next, renew)
      .catch(error =>
        log.error({ err: error, broadcast: key.broadcastId }, 'a broadcast could not be looked after'),
      )
      .finally(() => held.delete(name));
    held.set(name, { wake: () => signal.resolve(), done });
  }

  /** As long as this process has the broadcast: step after step. */
  async function look(key: BroadcastKey, woken: () => Promise<void>, renew: () => void): Promise<void> {
    if (!(await takeBroadcast(database, processId, key))) return;
    const since = now();
    let lookedAt = since;
    while (!stopping.signal.aborted) {
      renew();
      let next: Next | undefined;
      try {
        if (now() - lookedAt > refusalsEveryMs) {
          lookedAt = now();
          await pauseIfRefused(key, since);
        }
        next = await step(key);
      } catch (error) {
        log.error({ err: error, broadcast: key.broadcastId }, 'a step of a broadcast failed');
        // Anything but an outage comes again at once: the poll tries it a while later, perhaps elsewhere.
        if (!isOutage(error)) break;
        next = { afterMs: 1_000 };
      }
      if (next === undefined) return;
      if ('seen' in next) return letGo(next.seen, next.until);
      const pause = sleep(next.afterMs, undefined, { signal: stopping.signal, ref: false }).catch(
        () => undefined,
      );
      await Promise.race([pause, woken()]);
    }
    await database
      .transact(tx => leaveBroadcast(tx, processId, key))
      .catch(error => log.error({ err: error }, 'a broadcast was not let go'));
  }

  const letGo = (seen: Broadcast, dueAt: number | null) =>
    database.transact(tx => releaseBroadcast(tx, processId, seen, dueAt));

  /** undefined: it is not ours any more. */
  async function step(key: BroadcastKey): Promise<Next | undefined> {
    const before = await findBroadcast(database, key.tenantId, key.broadcastId);
    if (before === undefined) return undefined;
    if (isFreezing(before)) return freeze(key);
    const moment = await readMoment(deps, before);
    const done = await database.transact(async tx => {
      const broadcast = await lockHeld(tx, processId, key);
      return broadcast === undefined ? undefined : stepHeld(tx, broadcast, moment);
    });
    if (done === undefined) return undefined;
    const { messages, changes, held: ids } = done;
    const { tenantId } = key;
    // By itself, because everyone locks the wallet before a lane. What a crash leaves undone here the next step finds.
    if (ids.length > 0) await database.transact(tx => charge(tx, [{ tenantId, ids }], moment.nowMs));
    feed.publish([
      ...changes,
      ...messages.map(({ id, createdAt }): Change => ({ tenantId, id, status: 'queued', at: createdAt })),
    ]);
    for (const numberId of new Set(messages.map(one => one.numberId)))
      deps.wakeSender({ tenantId, numberId });
    return done.next;
  }

  /** One slice of the audience; then whoever waits for the database has a turn. */
  async function freeze(key: BroadcastKey): Promise<Next | undefined> {
    const beganAt = steadyMs();
    const isOurs = await database.transact(async tx => {
      const broadcast = await lockHeld(tx, processId, key);
      if (broadcast !== undefined && isFreezing(broadcast))
        await freezeStep(tx, broadcast, seal, sliceRows[database.engine], now());
      return broadcast !== undefined;
    });
    return isOurs ? { afterMs: (steadyMs() - beganAt) * restShare[database.engine] } : undefined;
  }

  interface Done {
    next: Next;
    messages: Fed['messages'];
    /** Messages that were canceled. */
    changes: Change[];
    /** Messages that were canceled, now or before, with money on them still. */
    held: string[];
  }

  async function stepHeld(tx: Tx, broadcast: Broadcast, moment: Known): Promise<Done> {
    const nothing = { messages: [], changes: [], held: [] };
    const { state } = broadcast;
    if (isFreezing(broadcast)) return { ...nothing, next: { afterMs: 0 } };
    if (state === 'paused') {
      const isOver = await holdRest(tx, broadcast);
      return { ...nothing, next: isOver ? { until: null, seen: broadcast } : { afterMs: endPauseMs } };
    }
    if (state === 'canceled' || state === 'completed') {
      const { canceled, isOver } = await cancelRest(tx, broadcast, moment.nowMs);
      const changes = changesOf(broadcast, canceled, moment.nowMs);
      await deps.announceChanges(tx, changes);
      const ids = await unreleased(tx, broadcast);
      const isDone = isOver && ids.length === 0;
      const next = isDone ? { until: null, seen: broadcast } : { afterMs: endPauseMs };
      return { ...nothing, changes, held: ids, next };
    }
    if (state === 'scheduled') return { ...nothing, next: await startIfDue(tx, broadcast, moment) };
    if (state === 'draft') return { ...nothing, next: { until: null, seen: broadcast } };
    return { ...nothing, ...(await run(tx, broadcast, moment)) };
  }

  async function startIfDue(tx: Tx, broadcast: Broadcast, { nowMs }: Known): Promise<Next> {
    const { tenantId, id, startAt } = broadcast;
    if (startAt !== null && startAt > nowMs) return { until: startAt, seen: broadcast };
    await tx.all(
      `update broadcasts set state = 'running', updated_at = $3 where tenant_id = $1 and id = $2`,
      [...[tenantId, id, nowMs]],
    );
    return { afterMs: 0 };
  }

  async function run(
    tx: Tx,
    broadcast: Broadcast,
    moment: Known,
  ): Promise<{ next: Next; messages: Fed['messages'] }> {
    const { nowMs } = moment;
    const { tenantId, endsAt, takeMost } = broadcast;
    const key = { tenantId, broadcastId: broadcast.id };
    if (broadcast.startedAt === null) return { messages: [], next: await begin(tx, broadcast, nowMs) };
    if (endsAt !== null && endsAt <= nowMs) {
      await end(tx, broadcast, 'expired', 'Its time to live was over before everyone had a message.', nowMs);
      return { messages: [], next: { afterMs: 0 } };
    }
    const dueAt = await nextDueAt(tx, key);
    const isTaken = takeMost !== null && broadcast.taken >= takeMost;
    if (dueAt === undefined && !(await isOpen(tx, broadcast))) {
      await end(tx, broadcast, null, null, nowMs);
      return { messages: [], next: { afterMs: 0 } };
    }
    const stop = moment.stop ?? (isTaken && dueAt !== undefined ? limitReached(takeMost) : null);
    if (stop !== null) {
      await pause(tx, key, stop, nowMs);
      return { messages: [], next: { afterMs: 0 } };
    }
    if (dueAt === undefined) return { messages: [], next: { afterMs: endPauseMs } };
    // Everyone who is left sleeps, perhaps past the end.
    if (dueAt > nowMs)
      return { messages: [], next: { until: Math.min(dueAt, endsAt ?? dueAt), seen: broadcast } };
    const fed = await feedStep(tx, feedDeps, broadcast, moment as Moment);
    if (fed.stop !== null) await pause(tx, key, fed.stop, nowMs);
    return { messages: fed.messages, next: { afterMs: fed.looked > 0 ? 0 : fullPauseMs } };
  }

  async function begin(tx: Tx, broadcast: Broadcast, nowMs: number): Promise<Next> {
    await tx.all('update broadcasts set started_at = $3 where tenant_id = $1 and id = $2', [
      ...[broadcast.tenantId, broadcast.id, nowMs],
    ]);
    await tell(tx, 'broadcast.started', broadcast, nowMs);
    return { afterMs: 0 };
  }

  const tell = (tx: Tx, type: Parameters<typeof broadcastEvent>[0], broadcast: Broadcast, at: number) =>
    deps.announce(tx, broadcast.tenantId, [broadcastEvent(type, broadcast, at)]);

  async function pause(tx: Tx, key: BroadcastKey, { reason, detail }: Stop, nowMs: number): Promise<void> {
    const moved = await pauseBroadcast(tx, key, reason, detail, nowMs);
    if (moved !== undefined && 'broadcast' in moved) {
      log.warn({ tenant: key.tenantId, broadcast: key.broadcastId, reason, detail }, 'broadcast paused');
      await tell(tx, 'broadcast.paused', moved.broadcast, nowMs);
    }
  }

  /** Something of it is queued or on its way. */
  async function isOpen(tx: Tx, { tenantId, id }: Broadcast): Promise<boolean> {
    const open = await first(
      tx,
      `select id from messages where tenant_id = $1 and broadcast_id = $2 and status in ('queued', 'held', 'sending') limit 1`,
      [tenantId, id],
    );
    return open !== undefined;
  }

  async function end(
    tx: Tx,
    broadcast: Broadcast,
    reason: Reason | null,
    detail: string | null,
    nowMs: number,
  ): Promise<void> {
    await endBroadcast(tx, broadcast, 'completed', reason, detail, nowMs);
    await tell(tx, 'broadcast.completed', { ...broadcast, state: 'completed', reason, detail }, nowMs);
  }

  async function pauseIfRefused(key: BroadcastKey, since: number): Promise<void> {
    const stop = await refusedForAll(database, key, since);
    if (stop !== null) await database.transact(tx => pause(tx, key, stop, now()));
  }

  async function lookForWork(): Promise<void> {
    for (const key of await dueBroadcasts(database, processId, now(), heldMost)) take(key);
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      await lookForWork().catch(error => log.error({ err: error }, 'the feeder could not look for work'));
      await sleep(pollMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  return {
    start() {
      isRunning = true;
      looking = loop();
    },
    async stop() {
      isRunning = false;
      stopping.abort();
      await looking;
      while (held.size > 0) await Promise.all([...held.values()].map(({ done }) => done));
    },
    wake,
  };
}

const isFreezing = (broadcast: Broadcast): broadcast is FreezingBroadcast =>
  broadcast.freezing !== null && broadcast.state !== 'canceled';

const limitReached = (most: number): Stop => ({
  reason: 'limit',
  detail: `It was launched for ${most} messages; resume it for the others.`,
});

const changesOf = ({ tenantId }: Broadcast, ids: string[], at: number): Change[] =>
  ids.map(id => ({ tenantId, id, status: 'canceled', at }));
