import type { Account, Accounts } from '../accounts.ts';
import type { Idle } from '../idle.ts';
import type { SettingsBook } from '../settings.ts';
import type { Timeline } from '../timeline.ts';
import type { Attempts } from './attempts.ts';
import { createFifo } from './fifo.ts';
import { type Poster, type PostResult, signatureOf } from './poster.ts';
import { payload, type Update } from './update.ts';

export type DeliveryCounts = {
  /** Updates whose callback answered 200 (each once, however often it was sent). */
  delivered: number;
  /** Updates waiting, under way, or to be tried again. */
  pending: number;
  /** Updates given up: too old, or more than the cap. */
  dropped: number;
  /** Updates of accounts without a callback. */
  unsubscribed: number;
  /** POSTs answered 200, copies included. */
  posts: number;
  failedAttempts: number;
};

export type OutboxDeps = {
  accounts: Accounts;
  settings: SettingsBook;
  timeline: Timeline;
  idle: Idle;
  attempts: Attempts;
  poster: Poster;
  /** Updates held in memory for all accounts together, and how many may be. */
  load: { pending: number; most: number };
};

/** Several updates in one POST; kept together through retries, as Meta repeats a payload it could not deliver. */
type Parcel = { updates: Update[]; attempts: number; copy: boolean };

export type Outbox = ReturnType<typeof createOutbox>;

export const noCounts = (): DeliveryCounts => ({
  delivered: 0,
  pending: 0,
  dropped: 0,
  unsubscribed: 0,
  posts: 0,
  failedAttempts: 0,
});

export function createOutbox(wabaId: string, deps: OutboxDeps) {
  const { accounts, settings, timeline, idle, attempts, poster, load } = deps;
  const counts = noCounts();
  const fresh = createFifo<Update>();
  const ready = createFifo<Parcel>();
  let active = 0;
  let held = false;
  let woken = false;
  let closed = false;

  /**
   * Where the account's webhooks go now: its override, else its app's callback (DOC/webhooks/override). Looked up each
   * time, for the account may have been replaced since the update was made.
   */
  function target(): { account: Account; url: URL } | undefined {
    const account = accounts.account(wabaId);
    const url = account?.subscribed ? (account.overrideUrl ?? account.webhookUrl) : null;
    return account && url && URL.canParse(url) ? { account, url: new URL(url) } : undefined;
  }

  function push(update: Update, waitMs: number): void {
    if (!target()) {
      counts.unsubscribed += 1;
      return;
    }
    if (load.pending >= load.most) {
      counts.dropped += 1;
      return;
    }
    idle.add(wabaId);
    load.pending += 1;
    counts.pending += 1;
    if (waitMs > 0) timeline.after(waitMs, () => open(update));
    else open(update);
  }

  function open(update: Update): void {
    if (closed) return;
    fresh.push(update);
    wake();
  }

  /** Once for all updates of one turn, so that they can share a POST. */
  function wake(): void {
    if (woken || closed) return;
    woken = true;
    setImmediate(() => {
      woken = false;
      pump();
    });
  }

  function pump(): void {
    if (closed) return;
    const { concurrency, batch, duplicate, paused, shuffle } = settings.of(wabaId);
    const floods = held && !paused;
    held = paused;
    if (paused) return;
    if (floods && shuffle) for (const queue of [fresh, ready]) queue.shuffle();
    while (active < concurrency) {
      let parcel = ready.shift();
      if (!parcel) {
        const updates = fresh.take(batch);
        if (updates.length === 0) return;
        parcel = { updates, attempts: 0, copy: false };
        for (let extra = 1; extra < duplicate; extra += 1) ready.push({ updates, attempts: 0, copy: true });
        for (let extra = 1; extra < duplicate; extra += 1) idle.add(wabaId);
      }
      active += 1;
      send(parcel);
    }
  }

  function send(parcel: Parcel): void {
    const now = settings.of(wabaId);
    const to = target();
    if (!to) {
      active -= 1;
      counts.unsubscribed += parcel.copy ? 0 : parcel.updates.length;
      finish(parcel);
      return;
    }
    const { account, url } = to;
    const body = payload(account, parcel.updates, now);
    const signature = signatureOf(body, account.app.secret);
    const at = Date.now();
    const started = performance.now();
    parcel.attempts += 1;
    const settle = ({ status, error }: PostResult) => {
      if (closed) return;
      active -= 1;
      attempts.add({
        at,
        wabaId,
        url: url.href,
        body,
        signature,
        updates: parcel.updates.length,
        attempt: parcel.attempts,
        status,
        error,
        ms: Math.round((performance.now() - started) * 100) / 100,
      });
      // Success is 200 and nothing else.
      if (status === 200) delivered(parcel);
      else failed(parcel);
      pump();
    };
    poster.post(url, body, signature, now.webhookTimeoutMs).then(settle, (error: unknown) => {
      settle({ status: null, error: String(error) });
    });
  }

  function delivered(parcel: Parcel): void {
    counts.posts += 1;
    const now = Date.now();
    for (const { record } of parcel.updates) if (record) record.deliveredWebhookAt ??= now;
    if (!parcel.copy) counts.delivered += parcel.updates.length;
    finish(parcel);
  }

  function failed(parcel: Parcel): void {
    counts.failedAttempts += 1;
    const { retryBaseMs, retryMaxMs, maxAgeMs } = settings.of(wabaId);
    const age = Date.now() - (parcel.updates[0]?.bornAt ?? 0);
    if (age >= maxAgeMs) {
      if (!parcel.copy) counts.dropped += parcel.updates.length;
      finish(parcel);
      return;
    }
    const wait = Math.min(retryMaxMs, retryBaseMs * 2 ** Math.min(parcel.attempts - 1, 30));
    timeline.after(wait, () => {
      if (closed) return;
      ready.push(parcel);
      pump();
    });
  }

  function finish({ updates, copy }: Parcel): void {
    if (copy) {
      idle.done(wabaId);
      return;
    }
    counts.pending -= updates.length;
    load.pending -= updates.length;
    for (let left = updates.length; left > 0; left -= 1) idle.done(wabaId);
  }

  return {
    counts,
    push,
    wake,
    close(): void {
      closed = true;
      load.pending -= counts.pending;
    },
  };
}
