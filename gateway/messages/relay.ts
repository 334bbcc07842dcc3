/**
 * What other processes must hear of at once. A process that streams a tenant's changes, or whose caller waits for a message that
 * another may send, announces this interest; the others then tell it the changes somebody asked for, and no others.
 *
 * Interest ends by itself and is announced again while it lasts, so that nobody has to keep count of processes. Where notices do not
 * arrive, streams show what happens in their own process, and waiting callers are served by the look at the rows.
 */
import { isObject } from '../canonical/json.ts';
import { messageStatuses, statusRank } from '../canonical/status.ts';
import type { Log } from '../platform/log.ts';
import { type Notices, noticeMaxBytes } from '../platform/notices.ts';
import type { Change, Feed } from './feed.ts';
import type { Waiters } from './waiters.ts';
import type { RowLook } from './waiters-of-others.ts';

export interface RelayDeps {
  notices: Notices;
  feed: Feed;
  waiters: Waiters;
  rows: RowLook;
  log: Log;
  now(): number;
  /** How long a caller waits at most. */
  answerTimeoutMs: number;
}

export interface Relay {
  /** This process sends these messages itself: their callers need nobody else. */
  taken(ids: string[]): void;
  stop(): void;
}

const tenantsForMs = 25_000;
const announceEveryMs = 10_000;
/** Gives a message the time to be claimed here, and others to be announced with it. */
const gatherMs = 20;
const idsPerNotice = 200;
const tenantsPerNotice = 100;
const wantedMax = 20_000;
const reasonMax = 200;
const warnEveryMs = 60_000;

export function createRelay({ notices, feed, waiters, rows, log, now, answerTimeoutMs }: RelayDeps): Relay {
  /** What others asked for, and until when: tenant ids (null: all tenants) and message ids. */
  const wanted = new Map<string | null, number>();
  const queued = new Set<string>();
  let gathering: NodeJS.Timeout | undefined;
  let warnedAt = 0;

  function announceTenants(): void {
    for (const tenants of chunks([...feed.watched()], tenantsPerNotice))
      notices.tell('interest', { in: tenants, forMs: tenantsForMs });
  }

  function announceIds(): void {
    const ids = [...queued].filter(id => waiters.isWaiting(id));
    queued.clear();
    for (const some of chunks(ids, idsPerNotice))
      notices.tell('interest', { in: some, forMs: answerTimeoutMs });
  }

  function want(body: unknown): void {
    if (!isObject(body) || !Array.isArray(body.in) || typeof body.forMs !== 'number') return;
    const until = now() + Math.min(body.forMs, 600_000);
    for (const one of body.in) {
      if (one !== null && typeof one !== 'string') continue;
      // Put last again: what is dropped first is what was asked for longest ago.
      const known = wanted.get(one) ?? 0;
      wanted.delete(one);
      wanted.set(one, Math.max(known, until));
    }
    for (const [one, until] of wanted) if (until <= now()) wanted.delete(one);
    for (const one of wanted.keys()) {
      if (wanted.size <= wantedMax) break;
      wanted.delete(one);
    }
  }

  const isWanted = (one: string | null, at: number) => (wanted.get(one) ?? 0) > at;

  function told(changes: Change[]): void {
    for (const { id, status } of changes) {
      if (status !== 'queued' || !waiters.isWaiting(id)) continue;
      queued.add(id);
      gathering ??= setTimeout(() => {
        gathering = undefined;
        announceIds();
      }, gatherMs).unref();
    }
    if (wanted.size === 0) return;
    const at = now();
    const asked = isWanted(null, at)
      ? changes
      : changes.filter(({ tenantId, id }) => isWanted(tenantId, at) || isWanted(id, at));
    for (const [tenantId, own] of Map.groupBy(asked, change => change.tenantId)) {
      for (const some of bySize(own.map(compact)))
        if (!notices.tell('changes', { tenantId, changes: some })) warn();
    }
  }

  function warn(): void {
    if (now() - warnedAt < warnEveryMs) return;
    warnedAt = now();
    log.warn('not all changes could be told to those who watch in other processes');
  }

  function heard(body: unknown): void {
    if (!isObject(body) || typeof body.tenantId !== 'string' || !Array.isArray(body.changes)) return;
    const { tenantId } = body;
    const changes = body.changes.map(one => expand(tenantId, one)).filter(one => one !== undefined);
    feed.publishOthers(changes);
    const settled = changes.filter(({ id, status }) => statusRank[status] >= 30 && waiters.isWaiting(id));
    if (settled.length > 0) rows.look(tenantId, [...new Set(settled.map(({ id }) => id))]);
  }

  notices.hear('interest', want);
  notices.hear('changes', heard);
  // Who comes later has missed what was announced.
  notices.hear('hello', announceTenants);
  notices.whenConnected(() => {
    notices.tell('hello', null);
    announceTenants();
  });
  feed.whenWatched(announceTenants);
  const unwatch = feed.watch({ tenantId: null, madeBy: 'us' }, told);
  const announcing = setInterval(announceTenants, announceEveryMs).unref();

  return {
    taken(ids) {
      for (const id of ids) queued.delete(id);
    },
    stop() {
      unwatch();
      clearInterval(announcing);
      clearTimeout(gathering);
    },
  };
}

type CompactChange = [id: string, status: string, at: number, reason?: string];

const compact = ({ id, status, at, reason }: Change): CompactChange =>
  reason === undefined ? [id, status, at] : [id, status, at, reason.slice(0, reasonMax)];

function expand(tenantId: string, told: unknown): Change | undefined {
  if (!Array.isArray(told)) return undefined;
  const [id, text, at, reason] = told as unknown[];
  const status = messageStatuses.find(one => one === text);
  if (typeof id !== 'string' || status === undefined || typeof at !== 'number') return undefined;
  return { tenantId, id, status, at, ...(typeof reason === 'string' ? { reason } : {}) };
}

/** Groups of which each fits into a notice. */
function bySize(changes: CompactChange[]): CompactChange[][] {
  const groups: CompactChange[][] = [];
  let left = 0;
  for (const change of changes) {
    const bytes = Buffer.byteLength(JSON.stringify(change)) + 1;
    if (bytes > left) {
      groups.push([]);
      left = noticeMaxBytes - 200;
    }
    groups.at(-1)!.push(change);
    left -= bytes;
  }
  return groups;
}

function chunks<T>(all: T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}
