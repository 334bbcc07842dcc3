/**
 * How a broadcast stands, counted from its rows: what people see cannot differ from what is. Counting a million takes a while, so it is
 * done in steps between which others have their turn, and never more often than it takes.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { type MessageStatus, messageStatuses } from '../canonical/status.ts';
import { readError } from '../messages/lookup.ts';
import { errorTable } from '../meta/error-table.ts';
import { steadyMs } from '../platform/clock.ts';
import { type Database, first, type Sql } from '../platform/database.ts';
import type { Broadcast, BroadcastKey } from './broadcast.ts';

/** Of its messages, how many stand at each status; those without any are left out. */
export type StatusCounts = Partial<Record<MessageStatus, number>>;

export interface TopError {
  /** Meta's; null: a reason of ours. */
  code: number | null;
  title: string;
  /** What a person can do about it. */
  action: string | null;
  count: number;
}

export interface Progress {
  counts: StatusCounts;
  /** Messages that have aged out and are counted nowhere any more. */
  aged: number;
  /** Recipients whose turn has not come, also when it never will. */
  waiting: number;
  /** Messages that Meta took per second, over the last seconds that were looked at; null before that can be said. */
  perSecond: number | null;
  /** When the last message will be sent at that rate, Unix ms; null where nothing is left or nothing moves. */
  finishesAt: number | null;
  /** The commonest first. */
  errors: TopError[];
}

export interface ProgressReader {
  of(broadcast: Broadcast): Promise<Progress>;
}

/** Rows of one statement. */
const stepRows = 20_000;
/** Failed messages whose reasons are looked at. */
const errorsLookedAt = 20_000;
const errorsTold = 10;
/** Counting may take this part of the time. */
const share = 20;
const keptLeastMs = 300;
const keptMost = 1_000;
/** Over which the rate is taken. */
const rateMs = 10_000;

interface Kept {
  progress: Promise<Progress>;
  /** Of the broadcast that was looked at: what is told of one that has moved on must not be older. */
  state: Broadcast['state'];
  until: number;
  /** Before, to tell the rate: what Meta had taken at which steady ms. */
  looks: { at: number; taken: number }[];
}

const takenStatuses: MessageStatus[] = ['accepted', 'sent', 'delivered', 'read', 'played', 'failed'];

export function createProgressReader(deps: { database: Database; now(): number }): ProgressReader {
  const kept = new Map<string, Kept>();

  async function look(broadcast: Broadcast, looks: Kept['looks']): Promise<Progress> {
    const { tenantId, id, recipients, taken, skipped } = broadcast;
    const key = { tenantId, broadcastId: id };
    const counts = await (taken <= stepRows ? countAtOnce : countInSteps)(deps.database, key);
    const all = sum(Object.values(counts));
    const done = sum(takenStatuses.map(status => counts[status] ?? 0));
    const at = steadyMs();
    while (looks.length > 1 && looks[0]!.at < at - rateMs) looks.shift();
    looks.push({ at, taken: done });
    const [first] = looks;
    const perSecond =
      looks.length < 2 ? null : Math.max(0, ((done - first!.taken) * 1_000) / Math.max(1, at - first!.at));
    const waiting = Math.max(0, recipients - taken - skipped);
    const left = waiting + (counts.queued ?? 0) + (counts.held ?? 0) + (counts.sending ?? 0);
    return {
      ...{ counts, waiting, perSecond },
      aged: Math.max(0, taken - all),
      finishesAt:
        broadcast.state === 'running' && left > 0 && perSecond !== null && perSecond > 0
          ? deps.now() + (left / perSecond) * 1_000
          : null,
      errors: (counts.failed ?? 0) === 0 ? [] : await topErrors(deps.database, key),
    };
  }

  return {
    async of(broadcast) {
      const name = `${broadcast.tenantId} ${broadcast.id}`;
      const before = kept.get(name);
      if (before !== undefined && before.state === broadcast.state && before.until > steadyMs())
        return before.progress;
      const looks = before?.looks ?? [];
      const began = steadyMs();
      const entry: Kept = {
        ...{ progress: look(broadcast, looks), state: broadcast.state },
        ...{ until: Number.POSITIVE_INFINITY, looks },
      };
      if (kept.size >= keptMost) kept.clear();
      kept.set(name, entry);
      try {
        return await entry.progress;
      } finally {
        const tookMs = steadyMs() - began;
        entry.until = steadyMs() + Math.max(keptLeastMs, tookMs * share);
      }
    },
  };
}

const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);

/** How many messages stand at each status, of one moment. */
async function countAtOnce(sql: Sql, { tenantId, broadcastId }: BroadcastKey): Promise<StatusCounts> {
  const rows = await sql.all<{ status: MessageStatus; n: number }>(
    'select status, count(*) as n from messages where tenant_id = $1 and broadcast_id = $2 group by status',
    [tenantId, broadcastId],
  );
  return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
}

/** The same of many, while they move on. */
async function countInSteps(sql: Sql, key: BroadcastKey): Promise<StatusCounts> {
  const counts: StatusCounts = {};
  for (const status of messageStatuses) {
    const count = await countStatus(sql, key, status);
    if (count > 0) counts[status] = count;
  }
  return counts;
}

async function countStatus(
  sql: Sql,
  { tenantId, broadcastId }: BroadcastKey,
  status: MessageStatus,
): Promise<number> {
  const behind = `from messages
    where tenant_id = $1 and broadcast_id = $2 and status = $3 and (number_id, id) > ($4, $5)`;
  let count = 0;
  for (let after = { number: -1, id: '' }; ; ) {
    const values = [tenantId, broadcastId, status, after.number, after.id];
    const last = await first<{ number: number; id: string }>(
      sql,
      `select number_id as number, id ${behind} order by number_id, id limit 1 offset ${stepRows - 1}`,
      values,
    );
    if (last === undefined) {
      const rest = await first<{ n: number }>(sql, `select count(*) as n ${behind}`, values);
      return count + (rest?.n ?? 0);
    }
    count += stepRows;
    after = last;
    await turn();
  }
}

/** Why messages failed: grouped by how their errors begin, which names the code. */
async function topErrors(sql: Sql, { tenantId, broadcastId }: BroadcastKey): Promise<TopError[]> {
  const rows = await sql.all<{ error: string | null; n: number }>(
    `select min(error) as error, count(*) as n from (
       select error from messages where tenant_id = $1 and broadcast_id = $2 and status = 'failed'
       order by number_id, id limit ${errorsLookedAt}) as failed
     group by substr(error, 1, 60)`,
    [tenantId, broadcastId],
  );
  const found = new Map<string, TopError>();
  for (const { error, n } of rows) {
    const read = readError(error);
    const code = read?.meta?.code ?? null;
    const title = (code === null ? undefined : errorTable[code]?.title) ?? read?.meta?.title ?? read?.reason;
    const name = code === null ? `${title}` : String(code);
    const known = found.get(name);
    if (known !== undefined) known.count += n;
    else
      found.set(name, {
        ...{ code, title: title ?? 'It failed', count: n },
        action: code === null ? null : (errorTable[code]?.action ?? null),
      });
  }
  return [...found.values()].sort((a, b) => b.count - a.count).slice(0, errorsTold);
}
