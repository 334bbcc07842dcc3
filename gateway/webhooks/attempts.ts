/** The table of attempts: what is due, what came of it, and what follows. */
import { decodeTime } from 'ulid';
import type { EventType } from '../canonical/event.ts';
import { first, type Row, type Sql, type SqlValue, storable, type Tx } from '../platform/database.ts';
import type { StoredEvent } from './event.ts';
import { findEvents } from './events.ts';
import type { Problem } from './outcome.ts';

export type AttemptState = 'pending' | 'delivered' | 'failed' | 'given_up' | 'skipped';

/** An attempt that may be made now. */
export interface DueAttempt {
  eventId: string;
  n: number;
  /** '' when the order does not matter. */
  conversation: string;
  dueAt: number;
  /** How often it failed since it was new or replayed. */
  failures: number;
  /** The attempt of the same conversation that must be over first; null: none waits. */
  behind: string | null;
  /** undefined: what it said has aged out or was erased. */
  event: StoredEvent | undefined;
}

export interface NewAttempt {
  endpointId: string;
  eventId: string;
  n: number;
  conversation: string;
  dueAt: number;
}

/** What is there already stays as it is. */
export async function insertAttempts(tx: Tx, tenantId: string, attempts: NewAttempt[]): Promise<void> {
  if (attempts.length === 0) return;
  const rows = attempts.map(one => ({
    ...{ endpoint: one.endpointId, event: one.eventId, n: one.n },
    ...{ conversation: storable(one.conversation), due: one.dueAt },
  }));
  await tx.all(
    `insert into attempts (tenant_id, endpoint_id, event_id, n, conversation, state, due_at)
     select $1, value ->> 'endpoint', value ->> 'event', cast(value ->> 'n' as integer), value ->> 'conversation', 'pending',
       cast(value ->> 'due' as bigint)
     from json_rows($2) where true on conflict do nothing`,
    [tenantId, JSON.stringify(rows)],
  );
}

const sameEvent = (b: string) =>
  `${b}.tenant_id = $1 and ${b}.endpoint_id = $2 and ${b}.event_id = a.event_id`;
/** In the words of the index attempts_in_order. */
const earlier = `b.tenant_id = $1 and b.endpoint_id = $2 and b.conversation = a.conversation and b.state = 'pending'
  and b.conversation <> '' and b.event_id < a.event_id`;

const dueColumns = `a.event_id, a.n, a.conversation, a.due_at,
  case when a.n = 1 then 0 else (select count(*) from attempts b where ${sameEvent('b')} and b.n < a.n and b.state = 'failed'
    and not exists (select 1 from attempts c where ${sameEvent('c')} and c.n > b.n and c.n < a.n and c.state <> 'failed'))
  end as failures,
  case when a.conversation = '' then null else (select max(b.event_id) from attempts b where ${earlier}) end as behind
  from attempts a
  where a.tenant_id = $1 and a.endpoint_id = $2 and a.state = 'pending'`;

/** Where a reading of due attempts has come to. */
export interface Position {
  dueAt: number;
  eventId: string;
}
export const fromStart: Position = { dueAt: -1, eventId: '' };

/** The next that are due after a position, in the order in which they became so, without those behind one that is not due yet. */
export async function dueAttempts(
  sql: Sql,
  tenantId: string,
  endpointId: string,
  after: Position,
  now: number,
  limit: number,
): Promise<DueAttempt[]> {
  const rows = await sql.all(
    `select ${dueColumns} and a.due_at <= $3 and (a.due_at, a.event_id) > ($4, $5)
       and (a.conversation = '' or not exists (select 1 from attempts b where ${earlier} and b.due_at > $3))
     order by a.due_at, a.event_id limit $6`,
    [tenantId, endpointId, now, after.dueAt, after.eventId, limit],
  );
  return withEvents(sql, tenantId, rows);
}

/** All that waits in one conversation, from its first on. */
export async function conversationAttempts(
  sql: Sql,
  tenantId: string,
  endpointId: string,
  conversation: string,
  limit: number,
): Promise<DueAttempt[]> {
  const rows = await sql.all(
    `select ${dueColumns} and a.conversation <> '' and a.conversation = $3 order by a.event_id limit $4`,
    [tenantId, endpointId, conversation, limit],
  );
  return withEvents(sql, tenantId, rows);
}

async function withEvents(sql: Sql, tenantId: string, rows: Row[]): Promise<DueAttempt[]> {
  const events = await findEvents(
    sql,
    tenantId,
    rows.map(row => row.event_id as string),
  );
  return rows.map(row => ({
    eventId: row.event_id as string,
    n: row.n as number,
    conversation: row.conversation as string,
    dueAt: row.due_at as number,
    failures: row.failures as number,
    behind: row.behind as string | null,
    event: events.get(row.event_id as string),
  }));
}

/** What came of an attempt. */
export interface Settled {
  endpointId: string;
  eventId: string;
  n: number;
  conversation: string;
  state: Exclude<AttemptState, 'pending'>;
  /** null where it was never posted. */
  beganAt: number | null;
  tookMs: number | null;
  httpStatus: number | null;
  problem: Problem | null;
  /** The event in whose POST it travelled; null: in its own. */
  post: string | null;
  /** What was posted; null for those that travelled in the POST of another. */
  headers: string | null;
  body: string | null;
  answerHeaders: string | null;
  answer: string | null;
  /** When the next attempt is due; null: none follows. */
  nextAt: number | null;
}

/** Writes what came of attempts that are still pending, and the attempts that follow. One that somebody else has settled stays. */
export async function settleAttempts(tx: Tx, tenantId: string, settled: Settled[]): Promise<void> {
  if (settled.length === 0) return;
  const rows = settled.map(one => ({
    ...{ e: one.endpointId, v: one.eventId, n: one.n, s: one.state, b: one.beganAt, t: one.tookMs },
    ...{ h: one.httpStatus, p: one.problem, o: one.post, q: one.headers, y: one.body && storable(one.body) },
    ...{
      j: one.answerHeaders && storable(one.answerHeaders),
      a: one.answer && storable(one.answer),
      x: one.nextAt,
    },
  }));
  const written = await tx.all<{ endpoint_id: string; event_id: string; n: number }>(
    `with s as materialized (
       select value ->> 'e' as endpoint_id, value ->> 'v' as event_id, cast(value ->> 'n' as integer) as n, value ->> 's' as state,
         cast(value ->> 'b' as bigint) as began_at, cast(value ->> 't' as integer) as took_ms,
         cast(value ->> 'h' as integer) as http_status, value ->> 'p' as problem, value ->> 'o' as post, value ->> 'q' as headers,
         value ->> 'y' as body, value ->> 'j' as answer_headers, value ->> 'a' as answer, cast(value ->> 'x' as bigint) as next_at
       from json_rows($2))
     update attempts set state = s.state, began_at = s.began_at, took_ms = s.took_ms, http_status = s.http_status,
       problem = s.problem, post = s.post, headers = s.headers, body = s.body, answer_headers = s.answer_headers,
       answer = s.answer, next_at = s.next_at
     from s where attempts.tenant_id = $1 and attempts.endpoint_id = s.endpoint_id and attempts.event_id = s.event_id
       and attempts.n = s.n and one_of(attempts.endpoint_id, select endpoint_id from s)
       and one_of(attempts.event_id, select event_id from s) and attempts.state || '' = 'pending'
     returning attempts.endpoint_id, attempts.event_id, attempts.n`,
    [tenantId, JSON.stringify(rows)],
  );
  if (settled.every(({ nextAt }) => nextAt === null)) return;
  const isWritten = new Set(written.map(row => `${row.endpoint_id} ${row.event_id} ${row.n}`));
  await insertAttempts(
    tx,
    tenantId,
    settled.flatMap(({ endpointId, eventId, n, conversation, nextAt }) =>
      nextAt !== null && isWritten.has(`${endpointId} ${eventId} ${n}`)
        ? [{ endpointId, eventId, n: n + 1, conversation, dueAt: nextAt }]
        : [],
    ),
  );
}

/** An endpoint works again: what waits for a later try need not wait any longer. */
export async function bringForward(tx: Tx, tenantId: string, endpointId: string, now: number): Promise<void> {
  await tx.all(
    `update attempts set due_at = $3
     where tenant_id = $1 and endpoint_id = $2 and state = 'pending' and due_at > $3`,
    [tenantId, endpointId, now],
  );
}

/** As they are told: newest event first, and of each event the last attempt first. */
export interface StoredAttempt {
  tenantId: string;
  endpointId: string;
  eventId: string;
  n: number;
  state: AttemptState;
  dueAt: number;
  beganAt: number | null;
  tookMs: number | null;
  httpStatus: number | null;
  problem: Problem | null;
  post: string | null;
  headers: string | null;
  body: string | null;
  answerHeaders: string | null;
  answer: string | null;
  nextAt: number | null;
}

export interface AttemptFilter {
  endpointId?: string;
  eventId?: string;
  state?: AttemptState;
  before?: { eventId: string; n: number };
  limit: number;
}

const told = `tenant_id, endpoint_id, event_id, n, state, due_at, began_at, took_ms, http_status, problem, post, headers, body,
  answer_headers, answer, next_at`;

/** Newest first. Without an endpoint, those of all endpoints that the tenant still has. */
export async function listAttempts(
  sql: Sql,
  tenantId: string,
  filter: AttemptFilter,
): Promise<StoredAttempt[]> {
  const { endpointId, limit } = filter;
  if (endpointId !== undefined) return attemptsOf(sql, tenantId, endpointId, filter);
  const endpoints = await sql.all<{ id: string }>('select id from endpoints where tenant_id = $1', [
    tenantId,
  ]);
  // The key leads from the endpoint to the event: the newest of each are merged.
  const found: StoredAttempt[] = [];
  for (const { id } of endpoints) found.push(...(await attemptsOf(sql, tenantId, id, filter)));
  return found
    .sort((a, b) => (a.eventId < b.eventId ? 1 : a.eventId > b.eventId ? -1 : b.n - a.n))
    .slice(0, limit);
}

async function attemptsOf(
  sql: Sql,
  tenantId: string,
  endpointId: string,
  { eventId, state, before, limit }: AttemptFilter,
): Promise<StoredAttempt[]> {
  const values: SqlValue[] = [tenantId, endpointId];
  let conditions = '';
  for (const [column, value] of [
    ['event_id =', eventId],
    ['state =', state],
  ] as const) {
    if (value !== undefined) conditions += ` and ${column} $${values.push(value)}`;
  }
  if (before !== undefined)
    conditions += ` and (event_id, n) < ($${values.push(before.eventId)}, $${values.push(before.n)})`;
  const rows = await sql.all(
    `select ${told} from attempts where tenant_id = $1 and endpoint_id = $2${conditions}
     order by event_id desc, n desc limit $${values.push(limit)}`,
    values,
  );
  return rows.map(storedFromRow);
}

function storedFromRow(row: Row): StoredAttempt {
  return {
    tenantId: row.tenant_id as string,
    endpointId: row.endpoint_id as string,
    eventId: row.event_id as string,
    n: row.n as number,
    state: row.state as AttemptState,
    dueAt: row.due_at as number,
    beganAt: row.began_at as number | null,
    tookMs: row.took_ms as number | null,
    httpStatus: row.http_status as number | null,
    problem: row.problem as Problem | null,
    post: row.post as string | null,
    headers: row.headers as string | null,
    body: row.body as string | null,
    answerHeaders: row.answer_headers as string | null,
    answer: row.answer as string | null,
    nextAt: row.next_at as number | null,
  };
}

/** Where counting ends; there are so many or more. */
const countMax = 10_001;

export async function countAttempts(
  sql: Sql,
  tenantId: string,
  endpointId: string,
): Promise<{ pending: number; givenUp: number; oldestPendingAt: number | null }> {
  const pending = await first<{ n: number; oldest: string | null }>(
    sql,
    `select count(*) as n, min(event_id) as oldest from (
       select event_id from attempts where tenant_id = $1 and endpoint_id = $2 and state = 'pending'
       order by due_at limit ${countMax}) as counted`,
    [tenantId, endpointId],
  );
  const givenUp = await first<{ n: number }>(
    sql,
    `select count(*) as n from (
       select event_id from attempts where tenant_id = $1 and endpoint_id = $2 and state = 'given_up' limit ${countMax}) as counted`,
    [tenantId, endpointId],
  );
  const oldest = pending?.oldest ?? null;
  return {
    pending: pending?.n ?? 0,
    givenUp: givenUp?.n ?? 0,
    oldestPendingAt: oldest === null ? null : decodeTime(oldest),
  };
}

/** One event at one endpoint, as it stands. */
export interface Telling {
  type: EventType;
  endpointId: string;
  /** null: a listener. */
  url: string | null;
  /** Attempts so far, the pending one included. */
  n: number;
  state: AttemptState;
  /** When it was made, or is due. */
  at: number;
  httpStatus: number | null;
  problem: Problem | null;
}

/** What was told of one message to the endpoints that the tenant still has, in the order of the events; the latest attempt of each. */
export async function tellingsOf(
  sql: Sql,
  tenantId: string,
  { messageId, person }: { messageId: string; person: string },
): Promise<Telling[]> {
  const rows = await sql.all(
    `select e.type, a.endpoint_id, p.url, a.n, a.state, coalesce(a.began_at, a.due_at) as at, a.http_status, a.problem
     from events e
     join endpoints p on p.tenant_id = $1
     join attempts a on a.tenant_id = $1 and a.endpoint_id = p.id and a.event_id = e.id
     where e.tenant_id = $1 and e.person = $3 and e.id > $2 and e.message_id = $2
       and not exists (select 1 from attempts b where b.tenant_id = $1 and b.endpoint_id = a.endpoint_id and b.event_id = a.event_id
         and b.n > a.n)
     order by e.id, a.endpoint_id limit 200`,
    [tenantId, messageId, person],
  );
  return rows.map(row => ({
    type: row.type as EventType,
    endpointId: row.endpoint_id as string,
    url: row.url as string | null,
    n: row.n as number,
    state: row.state as AttemptState,
    at: row.at as number,
    httpStatus: row.http_status as number | null,
    problem: row.problem as Problem | null,
  }));
}
