/**
 * Retention works through tenants in small transactions and rests in proportion to what each took, so that sends never notice it.
 * Any number of processes share the work (progress.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { charge, heldMaxMs, releaseStale } from '../billing/charge.ts';
import { ageRecipients, ageVariables } from '../broadcasts/forget.ts';
import { firstIdAt } from '../canonical/ids.ts';
import type { AnnounceChanges } from '../messages/announce-changes.ts';
import type { Change, Feed } from '../messages/feed.ts';
import { forgetKeys } from '../messages/policy/idempotency.ts';
import type { Database, Tx } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import type { Seal } from '../platform/seal.ts';
import { removeGone } from '../webhooks/listeners.ts';
import { ageChanges, ageIncoming, ageLate, ageMessages } from './age.ts';
import { type Erased, eraseStep } from './erase.ts';
import {
  type Erasure,
  findErasure,
  findRunning,
  finishErasure,
  runningErasures,
  saveErasure,
} from './erasures.ts';
import type { Keeping } from './keeping.ts';
import { dueTenants, enrolTenants, hold, letGo, type Progress, postpone, saveProgress } from './progress.ts';
import { ageWebhooks } from './webhooks.ts';

export interface RetentionDeps {
  database: Database;
  feed: Feed;
  announce: AnnounceChanges;
  seal: Seal;
  log: Log;
  now(): number;
  processId: string;
  keeping: Keeping;
  pollMs: number;
}

export interface Retention {
  /** All that is due now, without rests; `start` does the same with them, for ever. */
  work(): Promise<void>;
  /** The first steps of an erasure at once, so that a short history is gone before the caller is answered. */
  eraseNow(tenantId: string, id: string): Promise<Erasure | undefined>;
  start(): void;
  stop(): Promise<void>;
}

const roundEveryMs = 3_600_000;
/** How soon an erasure that waits for sends in doubt is looked at again. */
const waitingMs = 5_000;
const afterFaultMs = 60_000;
const stepsAtOnce = 5;
/** Then the next tenant has its turn. */
const stepsPerTurn = 50;

/** A rest is this many times as long as its step: one process spends at most a twentieth of its time here. */
const restFactor = 19;
const rest = { leastMs: 20, mostMs: 5_000 };

/** How many rows a step may touch; a step that took long makes the next one smaller, for nobody should wait longer than that. */
const rows = { least: 20, first: 100, most: 500 };
const stepMs = { short: 5, long: 20 };

function nextLimit(limit: number, tookMs: number): number {
  if (tookMs > stepMs.long) return Math.max(rows.least, Math.floor(limit / 2));
  return tookMs < stepMs.short ? Math.min(rows.most, limit * 2) : limit;
}

export function createRetention(deps: RetentionDeps): Retention {
  const { database, feed, announce, seal, log, now, processId, keeping } = deps;
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let limit = rows.first;
  let tookMs = 0;
  let enrolAt = 0;

  /** One transaction that holds the tenant; undefined when another process has it. */
  async function step<T>(
    tenantId: string,
    part: (tx: Tx, progress: Progress) => Promise<T>,
  ): Promise<T | undefined> {
    const startedAt = now();
    const result = await database.transact(async tx => {
      const progress = await hold(tx, tenantId, processId, now());
      return progress && part(tx, progress);
    });
    tookMs = now() - startedAt;
    limit = nextLimit(limit, tookMs);
    return result;
  }

  /** Whether something was there to age. */
  async function age(tx: Tx, tenantId: string, progress: Progress): Promise<boolean> {
    const at = now();
    const heldSince = at - heldMaxMs;
    const stale = { firstIdKept: firstIdAt(heldSince), dueBefore: heldSince };
    if ((await releaseStale(tx, tenantId, stale, limit, at)) > 0) return true;
    if ((await forgetKeys(tx, tenantId, at, limit)) > 0) return true;
    await removeGone(tx, tenantId, at);
    const eventsBefore = keeping.bodiesMs === null ? null : at - keeping.bodiesMs;
    if ((await ageWebhooks(tx, tenantId, eventsBefore, limit)) > 0) return true;
    for (const [kind, keptMs, column] of [
      ['messages', keeping.messagesMs, 'messagesTo'],
      ['bodies', keeping.bodiesMs, 'bodiesTo'],
    ] as const) {
      if (keptMs === null) continue;
      const before = at - keptMs;
      const passed = await ageMessages(tx, tenantId, kind, progress[column], before, limit, at);
      if (passed.rows > 0) await saveProgress(tx, tenantId, { ...progress, [column]: passed.to });
      if (passed.rows > 0 || (await ageLate(tx, tenantId, kind, before, limit, at)) > 0) return true;
    }
    if (keeping.bodiesMs !== null && (await ageVariables(tx, tenantId, at - keeping.bodiesMs, limit)) > 0)
      return true;
    if (
      keeping.messagesMs !== null &&
      (await ageRecipients(tx, tenantId, at - keeping.messagesMs, limit)) > 0
    )
      return true;
    if (keeping.incomingMs === null) return false;
    const before = now() - keeping.incomingMs;
    return (
      (await ageIncoming(tx, tenantId, before, limit)) > 0 ||
      (await ageChanges(tx, tenantId, before, limit)) > 0
    );
  }

  /** undefined when another process has the tenant or the erasure is finished. */
  async function erase(tenantId: string, id: string): Promise<Erased['next'] | undefined> {
    const at = now();
    const done = await step(tenantId, async tx => {
      const found = await findRunning(tx, seal, tenantId, id);
      if (found === undefined) return undefined;
      const erased = await eraseStep(tx, seal, found, limit, at);
      if (erased.next === 'done') await finishErasure(tx, seal, erased.erasure, at);
      else await saveErasure(tx, seal, erased.erasure);
      const changes = erased.canceled.map(
        (message): Change => ({ tenantId, id: message, status: 'canceled', at, reason: 'erased' }),
      );
      await announce(tx, changes);
      return { ...erased, changes };
    });
    if (done === undefined) return undefined;
    // By itself, because everyone locks the wallet before a lane. What a crash leaves undone here is released by `age`.
    if (done.canceled.length > 0)
      await database.transact(tx => charge(tx, [{ tenantId, ids: done.canceled }], at));
    feed.publish(done.changes);
    if (done.next === 'done') log.info({ tenant: tenantId, erasure: id, ...done.erasure.counts }, 'erased');
    return done.next;
  }

  /** A turn of steps on one tenant, erasures before age. */
  async function workOn(tenantId: string, pause: () => Promise<void>): Promise<void> {
    const waiting = new Set<string>();
    for (let steps = 0; steps < stepsPerTurn; steps++) {
      if (stopping.signal.aborted) break;
      const next = (await runningErasures(database, tenantId)).find(id => !waiting.has(id));
      if (next !== undefined) {
        if ((await erase(tenantId, next)) !== 'more') waiting.add(next);
      } else if ((await step(tenantId, (tx, progress) => age(tx, tenantId, progress))) !== true) {
        return finish(tenantId);
      }
      await pause();
    }
    await database.transact(tx => letGo(tx, tenantId, processId, now()));
  }

  /** The tenant rests until its next round; an erasure that came meanwhile is seen here or makes the tenant due after this. */
  async function finish(tenantId: string): Promise<void> {
    await step(tenantId, async tx => {
      const open = await runningErasures(tx, tenantId);
      await letGo(tx, tenantId, processId, now() + (open.length > 0 ? waitingMs : roundEveryMs));
    });
  }

  async function work(pause: () => Promise<void>): Promise<void> {
    if (now() >= enrolAt) {
      await database.transact(tx => enrolTenants(tx, now()));
      enrolAt = now() + roundEveryMs;
    }
    for (
      let due = await dueTenants(database, now());
      due.length > 0;
      due = await dueTenants(database, now())
    ) {
      for (const tenantId of due) {
        if (stopping.signal.aborted) return;
        await workOn(tenantId, pause).catch(error => putOff(tenantId, error));
      }
    }
  }

  async function putOff(tenantId: string, error: unknown): Promise<void> {
    log.error({ err: error, tenant: tenantId }, 'retention failed');
    await database.transact(tx => postpone(tx, tenantId, now() + afterFaultMs));
  }

  const nap = (ms: number) =>
    sleep(ms, undefined, { signal: stopping.signal }).then(
      () => undefined,
      () => undefined,
    );
  const restAfterStep = () =>
    nap(Math.min(rest.mostMs, Math.max(rest.leastMs, Math.ceil(tookMs * restFactor))));

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      await work(restAfterStep).catch(error => log.error({ err: error }, 'retention failed'));
      await nap(deps.pollMs);
    }
  }

  return {
    work: () => work(async () => undefined),
    async eraseNow(tenantId, id) {
      for (let steps = 0; steps < stepsAtOnce; steps++) {
        if ((await erase(tenantId, id)) !== 'more') break;
      }
      // Whatever is left is the loop's, of whichever process.
      await database.transact(tx => letGo(tx, tenantId, processId, now()));
      return findErasure(database, tenantId, id);
    },
    start() {
      running = loop();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
