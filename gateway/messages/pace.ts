/**
 * Pace is a row (decision 6): a number's lane holds the first free moment, and every claim advances it inside the
 * transaction that claims, so that the rate holds across processes.
 *
 * Sends are spread evenly at 96 % of the number's rate: the rest absorbs jitter on the way to Meta, who counts in windows
 * of one second. A claim may reach a short horizon ahead; each send then waits for its own moment.
 */
import { first, type Sql, type Tx } from '../platform/database.ts';

export const horizonUs = 100_000;

/** A lane that is booked further ahead than this was booked by a clock that has been set back since: what it says is void. */
const staleUs = 60_000_000;
const usedPercent = 96;
const yearMs = 365 * 24 * 3_600_000;

export interface Lane {
  nextUs: number;
  perSecond: number;
  bulkPausedUntil: number;
}

export interface LaneKey {
  tenantId: string;
  numberId: number;
}

/** Microseconds between two sends; the same sum as in the SQL below. */
export function intervalUs(perSecond: number): number {
  return Math.floor(100_000_000 / (perSecond * usedPercent));
}

/** How many sends fit into one horizon. */
export function slotsPerHorizon(perSecond: number): number {
  return Math.max(1, Math.floor(horizonUs / intervalUs(perSecond)));
}

export async function createLane(tx: Tx, lane: LaneKey, perSecond: number): Promise<void> {
  await tx.all(
    `insert into lanes (number_id, tenant_id, per_second, next_us, paused_until, bulk_paused_until)
     values ($1, $2, $3, 0, 0, 0)`,
    [lane.numberId, lane.tenantId, perSecond],
  );
}

/** Takes the rate from one level of Meta's to another; a rate that the operator chose stays. */
export async function raiseLaneRate(tx: Tx, lane: LaneKey, from: number, to: number): Promise<void> {
  await tx.all(
    'update lanes set per_second = $4 where number_id = $1 and tenant_id = $2 and per_second = $3',
    [lane.numberId, lane.tenantId, from, to],
  );
}

export async function setLaneRate(tx: Tx, lane: LaneKey, perSecond: number): Promise<void> {
  await tx.all('update lanes set per_second = $3 where number_id = $1 and tenant_id = $2', [
    lane.numberId,
    lane.tenantId,
    perSecond,
  ]);
}

/** What new messages ask of the lane of their number. */
export interface Booking {
  numberId: number;
  /** Messages that go out at once if the lane is open, each at a moment of its own. */
  count: number;
  /** When the first of the others is due; null when there are none. */
  dueAt: number | null;
}

const isOpen =
  'lanes.paused_until <= $3 and (lanes.next_us <= $5 or lanes.next_us > $7) and (lanes.due_at is null or lanes.due_at > $3)';
const earlier = (a: string, b: string) => `case when ${a} is null or ${b} < ${a} then ${b} else ${a} end`;

/**
 * Takes consecutive moments of every lane that is open, has nothing waiting and is not booked further ahead than the horizon.
 * Returns them by number, in Unix microseconds; what found its lane closed has to queue, and the lane is due at once. Every
 * lane that is named is written, and so locked, in the order of its number (see markDue).
 */
export async function bookLanes(
  tx: Tx,
  tenantId: string,
  bookings: Booking[],
  nowMs: number,
  sweepAt: number,
): Promise<Map<number, number[]>> {
  const nowUs = nowMs * 1000;
  const wanted = bookings.map(({ numberId, count, dueAt }) => ({
    number: numberId,
    count,
    due: dueAt,
    due_closed: count > 0 ? Math.min(nowMs, dueAt ?? nowMs) : dueAt,
  }));
  const rows = await tx.all<{ number_id: number; granted: number; next_us: number; per_second: number }>(
    `with wanted as materialized (
       select cast(value ->> 'number' as bigint) as number_id, cast(value ->> 'count' as bigint) as count,
         cast(value ->> 'due' as bigint) as due, cast(value ->> 'due_closed' as bigint) as due_closed
       from json_rows($2)),
     locked as materialized (
       select number_id from lanes
       where tenant_id = $1 and one_of(number_id, select number_id from wanted) order by number_id for update)
     update lanes set
       granted = case when ${isOpen} then wanted.count else 0 end,
       next_us = case when ${isOpen} and wanted.count > 0
         then (case when next_us > $4 and next_us <= $7 then next_us else $4 end) + wanted.count * (100000000 / (per_second * ${usedPercent}))
         else next_us end,
       due_at = case when ${isOpen} then ${earlier('due_at', 'wanted.due')} else ${earlier('due_at', 'wanted.due_closed')} end,
       sweep_at = case when wanted.count > 0 and (${isOpen}) then ${earlier('sweep_at', 'cast($6 as bigint)')} else sweep_at end
     from wanted, locked
     where lanes.tenant_id = $1 and lanes.number_id = wanted.number_id and locked.number_id = wanted.number_id
     returning lanes.number_id, granted, next_us, per_second`,
    [tenantId, JSON.stringify(wanted), nowMs, nowUs, nowUs + horizonUs, sweepAt, nowUs + staleUs],
  );
  return new Map(
    rows.map(({ number_id, granted, next_us, per_second }) => {
      const interval = intervalUs(per_second);
      return [number_id, Array.from({ length: granted }, (_, i) => next_us - (granted - i) * interval)];
    }),
  );
}

/** Locks lanes of a tenant for a claim, in the order of their numbers; those that are paused or booked past the horizon are left out. */
export async function openLanes(
  tx: Tx,
  tenantId: string,
  numberIds: number[],
  nowMs: number,
): Promise<Map<number, Lane>> {
  const rows = await tx.all<{
    number_id: number;
    next_us: number;
    per_second: number;
    bulk_paused_until: number;
  }>(
    `select number_id, next_us, per_second, bulk_paused_until from lanes
     where tenant_id = $1 and one_of(number_id, select cast(value ->> 'number' as bigint) from json_rows($2))
       and paused_until <= $3 and (next_us <= $4 or next_us > $5)
     order by number_id for update`,
    [
      tenantId,
      JSON.stringify(numberIds.map(number => ({ number }))),
      nowMs,
      nowMs * 1000 + horizonUs,
      nowMs * 1000 + staleUs,
    ],
  );
  return new Map(
    rows.map(({ number_id, next_us, per_second, bulk_paused_until }) => {
      const nextUs = next_us > nowMs * 1000 + staleUs ? 0 : next_us;
      return [number_id, { nextUs, perSecond: per_second, bulkPausedUntil: bulk_paused_until }];
    }),
  );
}

/** Locks the lane whatever its state, for who looks after its messages: no claim may come between what is seen and what is written. */
export async function lockLane(tx: Tx, lane: LaneKey): Promise<void> {
  await tx.all('update lanes set sweep_at = sweep_at where number_id = $1 and tenant_id = $2', [
    lane.numberId,
    lane.tenantId,
  ]);
}

/** What a claim changed: the next free moment, when the queue is next due, and when the claims must be looked after (null: none made). */
export interface Closing {
  numberId: number;
  nextUs: number;
  dueAt: number | null;
  sweepAt: number | null;
}

export async function closeLanes(tx: Tx, tenantId: string, closings: Closing[]): Promise<void> {
  await tx.all(
    `with closing as materialized (
       select cast(value ->> 'numberId' as bigint) as number_id, cast(value ->> 'nextUs' as bigint) as next_us,
         cast(value ->> 'dueAt' as bigint) as due_at, cast(value ->> 'sweepAt' as bigint) as sweep_at
       from json_rows($2))
     update lanes set next_us = closing.next_us, due_at = closing.due_at,
       sweep_at = case when closing.sweep_at is null or lanes.sweep_at <= closing.sweep_at then lanes.sweep_at else closing.sweep_at end
     from closing
     where lanes.tenant_id = $1 and lanes.number_id = closing.number_id and one_of(lanes.number_id, select number_id from closing)`,
    [tenantId, JSON.stringify(closings)],
  );
}

/**
 * Makes sure that the sender looks at the lane at `dueAt` or before. Writes the row, and so locks it, even when nothing changes:
 * a claim that does not see the new message yet must not write "nothing due" after it.
 */
export async function markDue(tx: Tx, lane: LaneKey, dueAt: number): Promise<void> {
  await tx.all(
    `update lanes set due_at = case when due_at is null or due_at > $3 then cast($3 as bigint) else due_at end
     where number_id = $1 and tenant_id = $2`,
    [lane.numberId, lane.tenantId, dueAt],
  );
}

/** Makes sure that the sweeper looks at the lane's claims at `sweepAt` or before; locks the row for the same reason. */
export async function markSweep(tx: Tx, lane: LaneKey, sweepAt: number): Promise<void> {
  await tx.all(
    `update lanes set sweep_at = case when sweep_at is null or sweep_at > $3 then cast($3 as bigint) else sweep_at end
     where number_id = $1 and tenant_id = $2`,
    [lane.numberId, lane.tenantId, sweepAt],
  );
}

/** After a throttling answer: nothing (lane) or no bulk (bulk) of this number is sent before `until`. */
export async function pauseLane(tx: Tx, lane: LaneKey, what: 'lane' | 'bulk', until: number): Promise<void> {
  const column = what === 'lane' ? 'paused_until' : 'bulk_paused_until';
  await tx.all(`update lanes set ${column} = $3 where number_id = $1 and tenant_id = $2 and ${column} < $3`, [
    lane.numberId,
    lane.tenantId,
    until,
  ]);
}

/** Nothing of this number is sent until somebody resumes the lane; what is queued waits, or expires. */
export async function stopLane(tx: Tx, lane: LaneKey, now: number): Promise<void> {
  await pauseLane(tx, lane, 'lane', now + yearMs);
}

export async function resumeLane(tx: Tx, lane: LaneKey, now: number): Promise<void> {
  await tx.all(
    'update lanes set paused_until = 0, bulk_paused_until = 0, due_at = case when due_at is null then null else cast($3 as bigint) end where number_id = $1 and tenant_id = $2',
    [lane.numberId, lane.tenantId, now],
  );
}

/** Lanes whose queue is due and open, the longest waiting first. */
export async function dueLanes(sql: Sql, now: number, limit: number): Promise<LaneKey[]> {
  const rows = await sql.all<{ number_id: number; tenant_id: string }>(
    `select number_id, tenant_id from lanes
     where due_at is not null and due_at <= $1 and paused_until <= $1 order by due_at limit $2`,
    [now, limit],
  );
  return rows.map(row => ({ tenantId: row.tenant_id, numberId: row.number_id }));
}

export async function lanesToSweep(sql: Sql, now: number, limit: number): Promise<LaneKey[]> {
  const rows = await sql.all<{ number_id: number; tenant_id: string }>(
    `select number_id, tenant_id from lanes where sweep_at is not null and sweep_at <= $1 order by sweep_at limit $2`,
    [now, limit],
  );
  return rows.map(row => ({ tenantId: row.tenant_id, numberId: row.number_id }));
}

/** When a lane may be looked at again: the later of its pause and its booking. */
export async function laneOpensAt(sql: Sql, lane: LaneKey, nowMs: number): Promise<number> {
  const state = await laneState(sql, lane);
  if (state === null) return 0;
  const booked = state.nextUs > nowMs * 1000 + staleUs ? 0 : Math.ceil((state.nextUs - horizonUs) / 1000);
  return Math.max(state.pausedUntil, booked);
}

/** For who asks why a message waits; null when there is no such lane. */
export async function laneState(
  sql: Sql,
  lane: LaneKey,
): Promise<{ pausedUntil: number; nextUs: number } | null> {
  const row = await first<{ next_us: number; paused_until: number }>(
    sql,
    'select next_us, paused_until from lanes where number_id = $1 and tenant_id = $2',
    [lane.numberId, lane.tenantId],
  );
  return row === undefined ? null : { pausedUntil: row.paused_until, nextUs: row.next_us };
}
