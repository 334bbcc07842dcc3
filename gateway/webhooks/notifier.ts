/**
 * The notifier: posts what is pending to the endpoints, each endpoint by one process at a time. `wake` is a hint: a poll finds whatever is
 * due and nobody's, whoever wrote it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventDraft } from '../canonical/event.ts';
import { createBatcher } from '../platform/batch.ts';
import { steadyMs } from '../platform/clock.ts';
import type { Database, Tx } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import type { Notices } from '../platform/notices.ts';
import { createOutbound, type TargetRules } from '../platform/outbound.ts';
import type { Seal } from '../platform/seal.ts';
import type { EndpointBook } from '../tenants/endpoint-book.ts';
import { type Endpoint, openEndpoint, type SealedEndpoint } from '../tenants/endpoints.ts';
import type { NumberBook } from '../tenants/number-book.ts';
import { createPlaces } from './places.ts';
import { post } from './post.ts';
import { createPoster, type Poster, type PosterDeps, type Sink } from './poster.ts';
import { type Settlement, settle } from './settle.ts';
import {
  beforeAll,
  dueEndpoints,
  type EndpointKey,
  heldEndpoints,
  type Released,
  releaseEndpoints,
  takeEndpoints,
} from './states.ts';

export interface NotifierDeps {
  database: Database;
  seal: Pick<Seal, 'open'>;
  /** Tells when what is known of a tenant's endpoints is no longer true: then it answers with another list. */
  endpoints: EndpointBook;
  notices: Notices;
  numbers: Pick<NumberBook, 'byId'>;
  log: Log;
  /** Under which this process stands in `processes` (messages/presence.ts), from before `start` to after `stop`. */
  processId: string;
  rules: TargetRules;
  timeoutMs: number;
  retrySeconds: readonly number[];
  disableAfterMs: number;
  now(): number;
  random(): number;
  /** Writes events, and for whom they are to be posted, in a transaction that the notifier has. */
  announce(tx: Tx, tenantId: string, drafts: EventDraft[]): Promise<void>;
  /** How often it looks for what nobody told it of; 2 s unless told otherwise. */
  pollMs?: number;
}

export interface Notifier {
  start(): void;
  /** What is under way ends, if it ends soon; nothing is lost either way. */
  stop(): Promise<void>;
  /** Something is pending for these endpoints, perhaps. */
  wake(keys: EndpointKey[]): void;
  /** Takes what is posted to an endpoint without a URL, until the function it returns is called. One at a time per endpoint. */
  listen(key: EndpointKey, sink: Sink): () => void;
}

const pollMsDefault = 2_000;
/** How often it is checked what this process still holds, and for how long that is believed: less than it takes to be declared dead. */
const checkMs = 1_000;
const sureMs = 3_000;
const idleMs = 2_000;
/** How long a stop waits for what is under way. */
const graceMs = 2_000;
const places = { quickMax: 256, slowMax: 256, slowAfterMs: 1_000 };
/** Endpoints that one process holds: those that are quick, and all. */
const heldMax = { quick: 500, all: 2_000 };
/** For so long it is not asked again for an endpoint that could not be taken. */
const elsewhereMs = 1_000;
const elsewhereMax = 10_000;

/** Keys in one notice, which has to be shorter than PostgreSQL's limit. */
const noticeMax = 60;
const tellEveryMs = 20;

const nameOf = ({ tenantId, endpointId }: EndpointKey) => `${tenantId} ${endpointId}`;

export function createNotifier(deps: NotifierDeps): Notifier {
  const { database, log, now, processId } = deps;
  const posters = new Map<string, Poster>();
  /** Asked for and not answered, or let go and not written. */
  const between = new Map<string, { again: boolean }>();
  const elsewhere = new Map<string, number>();
  /** Of the endpoints that are posted to at the moment. */
  const opened = new Map<string, Pick<SealedEndpoint, 'sealed'> & { list: unknown; endpoint: Endpoint }>();
  const toTell = new Map<string, EndpointKey>();
  const sinks = new Map<string, { key: EndpointKey; sink: Sink }>();
  const stopping = new AbortController();
  const agent = createOutbound({ rules: deps.rules, connectTimeoutMs: Math.min(deps.timeoutMs, 10_000) });
  const room = createPlaces(places);
  let loops: Promise<unknown> = Promise.resolve();
  let position = beforeAll;
  let isRunning = false;
  let sureAt = Number.NEGATIVE_INFINITY;

  const takes = createBatcher<EndpointKey, undefined>({
    run: take,
    sizeMax: 500,
    waitingMax: Number.POSITIVE_INFINITY,
  });
  const releases = createBatcher<Released, undefined>({
    run: release,
    sizeMax: 500,
    waitingMax: Number.POSITIVE_INFINITY,
  });
  const settlements = createBatcher<Settlement, undefined>({
    run: settleBatch,
    sizeMax: 200,
    waitingMax: Number.POSITIVE_INFINITY,
  });

  const posterDeps: PosterDeps = {
    database,
    log,
    now,
    places: room,
    random: deps.random,
    retrySeconds: deps.retrySeconds,
    disableAfterMs: deps.disableAfterMs,
    idleMs,
    endpoint,
    sink: key => sinks.get(nameOf(key))?.sink,
    isSure: () => steadyMs() - sureAt < sureMs,
    appSecret: async id => (await deps.numbers.byId(id))?.appSecret ?? null,
    post: (url, headers, body) => post(agent, url, headers, body, { timeoutMs: deps.timeoutMs, now }),
    settle: settlement => settlements.add(settlement),
  };

  /** As the book has it: after a change at once, and after a change elsewhere of which no notice came within two seconds. */
  async function endpoint(key: EndpointKey): Promise<Endpoint | undefined> {
    const name = nameOf(key);
    const list = await deps.endpoints.of(database, key.tenantId);
    const known = opened.get(name);
    if (known?.list === list) return known.endpoint;
    const found = list.find(({ id }) => id === key.endpointId);
    if (found === undefined) return undefined;
    const { sealed } = found;
    const endpoint = openEndpoint(found, deps.seal, known);
    if (posters.has(name)) opened.set(name, { list, sealed, endpoint });
    return endpoint;
  }

  async function settleBatch(batch: Settlement[]): Promise<undefined[]> {
    const disabled = await database.transact(tx =>
      settle(tx, batch, { processId, now, announce: deps.announce }),
    );
    if (disabled.length > 0) deps.endpoints.forget();
    return batch.map(() => undefined);
  }

  function wake(keys: EndpointKey[]): void {
    if (isRunning) for (const key of keys) wakeOne(key);
  }

  function wakeOne(key: EndpointKey): void {
    const name = nameOf(key);
    const poster = posters.get(name);
    const asked = between.get(name);
    if (poster !== undefined) poster.wake();
    else if (asked !== undefined) asked.again = true;
    else if ((elsewhere.get(name) ?? 0) > steadyMs()) tellOthers(key);
    else if (hasRoom()) {
      between.set(name, { again: false });
      void takes.add(key).catch(error => {
        between.delete(name);
        log.error({ err: error, endpoint: key.endpointId }, 'an endpoint could not be taken');
      });
    }
  }

  /** Another process posts to it, perhaps: it need not wait for its next look. */
  function tellOthers(key: EndpointKey): void {
    if (toTell.size === 0) setTimeout(tell, tellEveryMs).unref();
    if (toTell.size < elsewhereMax) toTell.set(nameOf(key), key);
  }

  function tell(): void {
    const keys = [...toTell.values()].map(({ tenantId, endpointId }) => [tenantId, endpointId]);
    toTell.clear();
    for (let n = 0; n < keys.length; n += noticeMax)
      deps.notices.tell('attempts', keys.slice(n, n + noticeMax));
  }

  deps.notices.hear('attempts', told => {
    for (const one of Array.isArray(told) ? (told as unknown[]) : []) {
      if (!Array.isArray(one)) continue;
      const [tenantId, endpointId] = one as unknown[];
      posters.get(nameOf({ tenantId: String(tenantId), endpointId: String(endpointId) }))?.wake();
    }
  });

  function hasRoom(): boolean {
    const all = posters.size + between.size;
    if (all < heldMax.quick) return true;
    if (all >= heldMax.all) return false;
    let quick = between.size;
    for (const poster of posters.values()) if (!poster.isSlow()) quick++;
    return quick < heldMax.quick;
  }

  async function take(keys: EndpointKey[]): Promise<undefined[]> {
    const wanted = keys.map(key => ({ ...key, listens: sinks.has(nameOf(key)) }));
    // What is certain now was so when the transaction began.
    const at = steadyMs();
    const taken = await database.transact(tx => takeEndpoints(tx, processId, wanted, now()));
    if (taken.length > 0) sureAt = Math.max(sureAt, at);
    const states = new Map(taken.map(({ state, ...key }) => [nameOf(key), state]));
    for (const key of keys) {
      const name = nameOf(key);
      const state = states.get(name);
      between.delete(name);
      if (state === undefined) {
        if (elsewhere.size >= elsewhereMax) elsewhere.clear();
        elsewhere.set(name, steadyMs() + elsewhereMs);
        tellOthers(key);
        continue;
      }
      const poster = createPoster(posterDeps, key, state);
      posters.set(name, poster);
      void poster.done.then(nextUs => letGo(key, name, nextUs));
      if (!isRunning) poster.stop();
    }
    return keys.map(() => undefined);
  }

  async function letGo(key: EndpointKey, name: string, nextUs: number): Promise<void> {
    posters.delete(name);
    opened.delete(name);
    const asked = { again: false };
    between.set(name, asked);
    // What cannot be written is found by `check`.
    await releases
      .add({ ...key, nextUs })
      .catch(error => log.error({ err: error }, 'an endpoint was not let go'));
    between.delete(name);
    if (asked.again && isRunning) wakeOne(key);
  }

  async function release(released: Released[]): Promise<undefined[]> {
    await database.transact(tx => releaseEndpoints(tx, processId, released));
    return released.map(() => undefined);
  }

  /** What another process has taken by now, because this one seemed dead, is not posted to any more; what nobody works on is taken up. */
  async function check(): Promise<void> {
    const at = steadyMs();
    const held = new Map((await heldEndpoints(database, processId)).map(key => [nameOf(key), key]));
    for (const [name, poster] of posters) if (!held.has(name) && poster.startedAt < at) poster.stop();
    const wasSure = posterDeps.isSure();
    sureAt = Math.max(sureAt, at);
    for (const [name, key] of held) if (!posters.has(name)) wakeOne(key);
    if (!wasSure) for (const poster of posters.values()) poster.wake();
  }

  async function lookForWork(): Promise<void> {
    for (const { key } of sinks.values()) wakeOne(key);
    let found = 0;
    do {
      const { due, end } = await dueEndpoints(database, position, now());
      for (const [i, key] of due.entries()) {
        if (!hasRoom()) return makeRoom(due.length - i);
        wakeOne(key);
      }
      found += due.length;
      position = end ?? beforeAll;
    } while (position !== beforeAll && found < heldMax.all && !stopping.signal.aborted);
  }

  /** Others want to be posted to as well: those that have been at it for longest have to ask again. */
  function makeRoom(count: number): void {
    const before = steadyMs() - idleMs;
    let left = Math.min(count, heldMax.quick / 2);
    for (const poster of posters.values()) {
      if (left === 0) return;
      if (poster.isSlow() || poster.startedAt > before) continue;
      poster.stop();
      left--;
    }
  }

  async function loop(part: () => Promise<void>, everyMs: number): Promise<void> {
    while (!stopping.signal.aborted) {
      await part().catch(error => log.error({ err: error }, 'the notifier could not look for work'));
      await sleep(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  return {
    start() {
      isRunning = true;
      loops = Promise.all([loop(check, checkMs), loop(lookForWork, deps.pollMs ?? pollMsDefault)]);
    },
    async stop() {
      isRunning = false;
      stopping.abort();
      await loops;
      await takes.idle();
      for (const poster of posters.values()) poster.stop();
      const abort = setTimeout(() => {
        for (const poster of posters.values()) poster.abort();
      }, graceMs);
      while (posters.size > 0) await Promise.all([...posters.values()].map(({ done }) => done));
      clearTimeout(abort);
      await releases.idle();
      room.stop();
      await agent.destroy();
    },
    wake,
    listen(key, sink) {
      const name = nameOf(key);
      const listening = { key, sink };
      sinks.set(name, listening);
      elsewhere.delete(name);
      wake([key]);
      return () => {
        if (sinks.get(name) !== listening) return;
        sinks.delete(name);
        posters.get(name)?.wake();
      };
    },
  };
}
