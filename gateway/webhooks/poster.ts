/**
 * The poster of one endpoint: reads what is due, posts as much of it at once as the endpoint bears, and ends when there is nothing to do,
 * the endpoint rests, or its hold is lost. Until then nobody else posts to the endpoint.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { steadyMs } from '../platform/clock.ts';
import { type Database, isOutage } from '../platform/database.ts';
import { type Log, plainLines } from '../platform/log.ts';
import type { Endpoint } from '../tenants/endpoints.ts';
import { conversationAttempts, type DueAttempt, dueAttempts, fromStart, type Settled } from './attempts.ts';
import { compose, type DeliverDeps, type Delivery, deliver, type Ready, sortOut, unmade } from './deliver.ts';
import type { Posting } from './formats/format.ts';
import { eventsPerPost } from './formats/render.ts';
import { conversationMax, createLineup } from './lineup.ts';
import type { Outcome } from './outcome.ts';
import type { Place, Places } from './places.ts';
import type { Post } from './post.ts';
import { afterFailure, type Health, healthy, isHopeless, isOpen, isResting } from './schedule.ts';
import type { Settlement } from './settle.ts';
import type { EndpointKey, EndpointState } from './states.ts';

/** Takes what would be posted, for an endpoint without a URL; false: nobody listens any more. */
export type Sink = (posting: Posting & { eventId: string }) => boolean | Promise<boolean>;

export interface PosterDeps extends DeliverDeps {
  database: Database;
  places: Places;
  log: Log;
  endpoint(key: EndpointKey): Promise<Endpoint | undefined>;
  sink(key: EndpointKey): Sink | undefined;
  /** Whether it is certain enough that the hold still counts. */
  isSure(): boolean;
  settle(settlement: Settlement): Promise<void>;
  disableAfterMs: number;
  idleMs: number;
}

export interface Poster {
  /** Something is due, perhaps. */
  wake(): void;
  /** Nothing more is posted; what is under way ends. */
  stop(): void;
  /** Nor does what is under way, of which nothing is written then. */
  abort(): void;
  /** Whether it failed or was slow lately. */
  isSlow(): boolean;
  /** Once nothing is under way any more: the next free moment of the endpoint, in Unix µs. */
  done: Promise<number>;
  startedAt: number;
}

const windowMax = 32;
const windowFirst = 2;
/** Attempts in memory, those whose end is not written yet included. */
const sizeMax = 512;
const readMax = 200;
/** What came to stand before the reading position is found after so long. */
const readAgainMs = 1_000;

export function createPoster(deps: PosterDeps, key: EndpointKey, state: EndpointState): Poster {
  const { database, places, log, now } = deps;
  const { tenantId, endpointId } = key;
  const lines = plainLines(log);
  const lineup = createLineup();
  const underWay = new Set<Post>();
  const running = new Set<Promise<void>>();
  let signal = Promise.withResolvers<void>();
  let stopped = false;
  let aborted = false;
  let health: Health = state;
  let window = health.failures === 0 ? windowFirst : 1;
  let late = false;
  let posting = 0;
  let handed: Place | undefined;
  let asked = false;
  let wantsRead = true;
  /** Something was read and left out. */
  let leftOut = false;
  let position = fromStart;
  let readFromStartAt = 0;
  /** In steady ms; what another clock said is not believed for longer than a batch takes. */
  let freeAt = steadyMs() + Math.min(Math.max(0, state.nextUs / 1000 - now()), 60_000);

  const notify = () => signal.resolve();
  const isSlow = () => late || health.failures > 0;

  async function work(): Promise<number> {
    let isIdle = false;
    try {
      while (!stopped) {
        signal = Promise.withResolvers();
        const endpoint = await deps.endpoint(key);
        if (endpoint === undefined || !mayPost(endpoint) || isResting(health, now())) break;
        if (wantsRead && !lineup.hasNext() && lineup.size() < sizeMax) await read(endpoint);
        start(endpoint);
        if (lineup.size() > 0) isIdle = false;
        else if (!wantsRead) {
          // A last look from the beginning, a while later, so that what a notice did not tell is found without taking the endpoint anew.
          if (isIdle) break;
          isIdle = true;
          await Promise.race([signal.promise, pause(deps.idleMs)]);
          wantsRead = true;
          position = fromStart;
          continue;
        }
        if (!wantsRead || lineup.hasNext() || lineup.size() >= sizeMax) await signal.promise;
      }
    } catch (error) {
      log.error({ err: error, endpoint: endpointId }, 'posting to an endpoint ended early');
    }
    stopped = true;
    if (handed !== undefined) places.give(handed);
    handed = undefined;
    while (running.size > 0) await Promise.all(running);
    return Math.round((now() + Math.max(0, freeAt - steadyMs())) * 1000);
  }

  const pause = (ms: number) => sleep(ms, undefined, { ref: false });

  function mayPost(endpoint: Endpoint): boolean {
    return endpoint.status === 'active' && (endpoint.url !== null || deps.sink(key) !== undefined);
  }

  const limit = (endpoint: Endpoint) =>
    isSlow() || isOpen(health) || endpoint.url === null ? 1 : Math.floor(window);

  async function read(endpoint: Endpoint): Promise<void> {
    const at = steadyMs();
    if (at - readFromStartAt > readAgainMs) position = fromStart;
    if (position === fromStart) readFromStartAt = at;
    const wanted = Math.min(readMax, Math.max(10, 3 * limit(endpoint) * eventsPerPost(endpoint)));
    // From the beginning, what is under way comes first.
    const most = wanted + (position === fromStart ? lineup.size() : 0);
    lineup.reading();
    const found = await dueAttempts(database, tenantId, endpointId, position, now(), most);
    const { isPartial, unknown } = lineup.add(found);
    leftOut ||= isPartial;
    for (const conversation of unknown) {
      const whole = await conversationAttempts(database, tenantId, endpointId, conversation, conversationMax);
      const notYet = whole.findIndex(({ dueAt }) => dueAt > now());
      lineup.add(notYet < 0 ? whole : whole.slice(0, notYet));
    }
    const last = found.at(-1);
    if (last !== undefined) position = { dueAt: last.dueAt, eventId: last.eventId };
    // The end of what is due: the next look begins at the beginning, when something has happened.
    wantsRead = found.length === most;
    if (!wantsRead) position = fromStart;
  }

  function start(endpoint: Endpoint): void {
    while (!stopped && posting < limit(endpoint) && lineup.hasNext() && deps.isSure()) {
      const wait = freeAt - steadyMs();
      if (wait > 0 && endpoint.perSecond !== null) {
        void pause(Math.ceil(wait)).then(notify);
        break;
      }
      const place = handed ?? places.take(isSlow() ? 'slow' : 'quick');
      handed = undefined;
      if (place === undefined) {
        ask();
        break;
      }
      begin(endpoint, place);
    }
    if (handed !== undefined) places.give(handed);
    handed = undefined;
  }

  function ask(): void {
    if (asked) return;
    asked = true;
    places.wait(isSlow() ? 'slow' : 'quick', place => {
      asked = false;
      if (stopped) return places.give(place);
      handed = place;
      notify();
    });
  }

  function begin(endpoint: Endpoint, place: Place): void {
    const sameNumber = (one: DueAttempt, other: DueAttempt) =>
      endpoint.signsWith !== 'app' || one.event?.numberId === other.event?.numberId;
    const attempts = lineup.next(eventsPerPost(endpoint), sameNumber);
    if (endpoint.perSecond !== null)
      freeAt = Math.max(freeAt, steadyMs()) + (attempts.length * 1000) / endpoint.perSecond;
    posting++;
    place.late = () => {
      late = true;
      window = 1;
    };
    const run = handle(endpoint, attempts, place)
      .catch(error => {
        log.error({ err: error, endpoint: endpointId }, 'a webhook could not be posted');
        lineup.end(attempts, true);
        stopped = true;
      })
      .finally(() => {
        running.delete(run);
        notify();
      });
    running.add(run);
  }

  async function handle(endpoint: Endpoint, attempts: DueAttempt[], place: Place): Promise<void> {
    const startedAt = steadyMs();
    const { ready, skipped } = sortOut(attempts, endpoint);
    const delivery = await postTo(endpoint, ready).finally(() => {
      posting--;
      places.give(place);
    });
    // Aborted, or nobody listens: they stay pending, and whoever has the endpoint next posts them.
    if (delivery === undefined) {
      stopped = true;
      if (skipped.length > 0) await write({ ...unchanged, settled: skipped });
      return lineup.end(attempts, true);
    }
    const { outcome, settled } = delivery;
    if (outcome !== null) lines.info({ ...key, events: ready.length, ...told(outcome, settled) }, 'webhook');
    if (outcome?.kind === 'failed' && outcome.problem === 'fault')
      log.error({ err: delivery.error, endpoint: endpointId }, 'a webhook could not be posted');
    const learned = outcome === null ? unchanged : learn(endpoint, outcome, steadyMs() - startedAt);
    notify();
    await write({ ...learned, settled: [...settled, ...skipped] });
    const failed = settled.some(({ nextAt }) => nextAt !== null);
    lineup.end(attempts, failed);
    // What stood behind it in its conversation is read again, and so is what this brought forward.
    if (failed || learned.recovered || leftOut) {
      wantsRead = true;
      leftOut = false;
      position = fromStart;
    }
  }

  async function postTo(endpoint: Endpoint, ready: Ready[]): Promise<Delivery | undefined> {
    if (ready.length === 0) return { settled: [], outcome: null, error: undefined };
    let made: Posting;
    try {
      made = await compose(ready, endpoint, deps);
    } catch (error) {
      if (isOutage(error)) throw error;
      // One event that cannot be told must not keep the others.
      log.error(
        { err: error, endpoint: endpointId, event: ready[0]!.eventId },
        'a webhook could not be made',
      );
      return unmade(ready, endpoint, deps);
    }
    if (aborted) return undefined;
    if (endpoint.url === null) return toSink(endpoint, ready, made);
    let post: Post | undefined;
    const delivery = await deliver(ready, endpoint, made, deps, began => {
      post = began;
      underWay.add(began);
    });
    if (post !== undefined) underWay.delete(post);
    return delivery;
  }

  async function toSink(endpoint: Endpoint, ready: Ready[], made: Posting): Promise<Delivery | undefined> {
    const startedAt = steadyMs();
    const listening = { ...deps, post: () => taken(startedAt, made, ready[0]!.eventId) };
    return deliver(ready, endpoint, made, listening, () => undefined);
  }

  function taken(startedAt: number, made: Posting, eventId: string): Post {
    const isTaken = (async () => (await deps.sink(key)?.({ ...made, eventId })) ?? false)();
    const done = isTaken.then(yes =>
      yes && !aborted
        ? {
            outcome: { kind: 'delivered' } as const,
            tookMs: Math.round(steadyMs() - startedAt),
            answer: null,
          }
        : undefined,
    );
    return { done, abort: () => undefined };
  }

  const unchanged: Omit<Settlement, 'settled'> = { key, health: null, recovered: false, disable: null };

  /** How it goes with the endpoint after this. */
  function learn(endpoint: Endpoint, outcome: Outcome, tookMs: number): Omit<Settlement, 'settled'> {
    const before = health;
    if (outcome.kind === 'delivered') {
      health = healthy;
      late = tookMs >= lateMs && late;
      if (!late) window = Math.min(windowMax, window + 1);
      return {
        ...unchanged,
        health: before.failures > 0 ? health : null,
        recovered: isOpen(before),
      };
    }
    window = 1;
    health = afterFailure(health, outcome, now());
    const hopeless = isHopeless(health, now(), deps.disableAfterMs);
    const disable =
      outcome.problem === 'gone'
        ? 'The endpoint answered 410: it asks for no more.'
        : hopeless
          ? `Nothing could be delivered since ${new Date(health.failingSince!).toISOString()}.`
          : null;
    if (disable !== null) {
      stopped = true;
      log.warn({ ...key, url: endpoint.url, reason: disable }, 'endpoint disabled');
    }
    return { ...unchanged, health, disable };
  }

  /** Until the database takes it; when the poster is to abort they stay pending and are posted again. */
  async function write(settlement: Settlement): Promise<void> {
    for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, 5_000)) {
      try {
        return await deps.settle(settlement);
      } catch (error) {
        log.error({ err: error, endpoint: endpointId }, 'what came of webhooks waits for the database');
        if (aborted) return;
        await pause(pauseMs);
      }
    }
  }

  const told = (outcome: Outcome, [first]: Settled[]) => ({
    event: first!.eventId,
    attempt: first!.n,
    result: first!.state,
    ...(outcome.kind === 'failed' ? { problem: outcome.problem } : {}),
    ...(first!.httpStatus === null ? {} : { status: first!.httpStatus }),
    ms: first!.tookMs,
  });

  return {
    wake() {
      wantsRead = true;
      notify();
    },
    stop() {
      stopped = true;
      notify();
    },
    abort() {
      stopped = true;
      aborted = true;
      for (const post of underWay) post.abort();
      notify();
    },
    isSlow,
    done: work(),
    startedAt: steadyMs(),
  };
}

/** Who answers sooner is not slow any more. */
const lateMs = 1_000;
