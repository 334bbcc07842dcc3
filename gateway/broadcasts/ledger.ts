/** The ledger as people read it: each recipient with how its message stands. */
import type { MessageStatus } from '../canonical/status.ts';
import { first, type Row, type Sql, type SqlValue } from '../platform/database.ts';
import type { BroadcastKey } from './broadcast.ts';
import { personOf, type RecipientState, waitingOf } from './recipients.ts';
import type { Variables } from './variables.ts';

export interface LedgerEntry {
  person: string;
  phone: string;
  contactId: number | null;
  variables: Variables;
  timeZone: string | null;
  state: RecipientState;
  reason: string | null;
  /** Unix ms; 0: as soon as it is its turn. */
  dueAt: number;
  message: LedgerMessage | null;
}

export interface LedgerMessage {
  id: string;
  /** null: the message has aged out. */
  status: MessageStatus | null;
  /** Of the status; lower than its own of one that failed because nobody ever heard whether it was sent. */
  rank: number | null;
  wamid: string | null;
  error: string | null;
  /** Unix ms. */
  acceptedAt: number | null;
  sentAt: number | null;
  deliveredAt: number | null;
  readAt: number | null;
  endedAt: number | null;
}

/** All of it must be true. */
export interface LedgerFilter {
  state?: RecipientState;
  status?: MessageStatus;
}

/** It may hold fewer than asked for, or nobody, though there are more. */
export interface LedgerPage {
  entries: LedgerEntry[];
  /** Where the next page begins; undefined after the last. */
  next: string | undefined;
}

/** Rows that one page costs at most: no filter holds up the others. */
const lookedMost = 5_000;

const recipientColumns =
  'r.person, r.phone, r.contact_id, r.variables, r.time_zone, r.state, r.reason, r.due_at, r.message_id';
const messageColumns =
  'm.status, m.rank, m.wamid, m.error, m.accepted_at, m.sent_at, m.delivered_at, m.read_at, m.ended_at';

/** `after`: `next` of the page before, '' for the first. Without a status in the order of digits, else in that of messages. */
export function readLedger(
  sql: Sql,
  key: BroadcastKey,
  { state, status }: LedgerFilter,
  after: string,
  limit: number,
): Promise<LedgerPage> {
  if (status === undefined) return byPerson(sql, key, state, after, limit);
  if (state !== undefined && state !== 'taken') return Promise.resolve({ entries: [], next: undefined });
  return byMessage(sql, key, status, after, limit);
}

async function byPerson(
  sql: Sql,
  { tenantId, broadcastId }: BroadcastKey,
  state: RecipientState | undefined,
  after: string,
  limit: number,
): Promise<LedgerPage> {
  const values: SqlValue[] = [tenantId, broadcastId, after];
  const most = state === undefined ? limit : lookedMost;
  const end = await first<{ person: string }>(
    sql,
    `select person from broadcast_recipients where tenant_id = $1 and broadcast_id = $2 and person > $3
     order by person limit 1 offset ${most - 1}`,
    values,
  );
  let conditions = '';
  if (end !== undefined) conditions += ` and r.person <= $${values.push(end.person)}`;
  // So that no index of one state is taken for it, which has another order.
  if (state !== undefined) conditions += ` and r.state || '' = $${values.push(state)}`;
  const rows = await sql.all(
    `select ${recipientColumns}, ${messageColumns}
     from broadcast_recipients r left join messages m on m.tenant_id = $1 and m.id = r.message_id
     where r.tenant_id = $1 and r.broadcast_id = $2 and r.person > $3${conditions} order by r.person limit $${values.push(limit)}`,
    values,
  );
  const next = rows.length === limit ? String(rows.at(-1)!.person) : end?.person;
  return { entries: rows.map(entryOf), next };
}

async function byMessage(
  sql: Sql,
  key: BroadcastKey,
  status: MessageStatus,
  after: string,
  limit: number,
): Promise<LedgerPage> {
  const [numberId, id] = after === '' ? [-1, ''] : [Number(after.split('.')[0]), after.split('.')[1]!];
  const messages = await sql.all(
    `select m.id as message_id, m.number_id, m.recipient, ${messageColumns} from messages m
     where m.tenant_id = $1 and m.broadcast_id = $2 and m.status = $3 and (m.number_id, m.id) > ($4, $5)
     order by m.number_id, m.id limit $6`,
    [key.tenantId, key.broadcastId, status, numberId, id, limit],
  );
  const byId = await rowsOf(
    sql,
    key,
    messages.map(row => personOf(String(row.recipient))),
  );
  const erased = messages.filter(row => !byId.has(String(row.message_id)));
  for (const [id, row] of await rowsOf(
    sql,
    key,
    erased.map(row => erasedPerson(String(row.message_id))),
  ))
    byId.set(id, row);
  const last = messages.length < limit ? undefined : messages.at(-1);
  return {
    entries: messages.flatMap(message => {
      const row = byId.get(String(message.message_id));
      return row === undefined ? [] : [entryOf({ ...row, ...message })];
    }),
    next: last === undefined ? undefined : `${last.number_id}.${last.message_id}`,
  };
}

/** Rows of people who have a message, by its id. The bounds are found by the statement, since who is erased is no digits (decision 0017). */
async function rowsOf(
  sql: Sql,
  { tenantId, broadcastId }: BroadcastKey,
  persons: string[],
): Promise<Map<string, Row>> {
  if (persons.length === 0) return new Map();
  const rows = await sql.all(
    `select ${recipientColumns} from broadcast_recipients r
     where r.tenant_id = $1 and r.broadcast_id = $2 and one_of(r.person, select value ->> 'p' from json_rows($3))
       and r.person >= (select min(value ->> 'p') from json_rows($3)) and r.person <= (select max(value ->> 'p') from json_rows($3))`,
    [tenantId, broadcastId, JSON.stringify(persons.map(p => ({ p })))],
  );
  return new Map(rows.map(row => [String(row.message_id), row]));
}

/** Under which an erased person is still counted. */
export const erasedPerson = (id: string): string => `erased:${id}`;
export const isErased = (person: string): boolean => person.startsWith(erasedPerson(''));

function entryOf(row: Row): LedgerEntry {
  const time = (name: string) => (row[name] ?? null) as number | null;
  return {
    ...waitingOf(row),
    state: row.state as RecipientState,
    reason: row.reason as string | null,
    dueAt: Number(row.due_at),
    message:
      row.message_id === null
        ? null
        : {
            id: String(row.message_id),
            status: row.status as MessageStatus | null,
            rank: row.rank as number | null,
            wamid: row.wamid as string | null,
            error: row.error as string | null,
            ...{ acceptedAt: time('accepted_at'), sentAt: time('sent_at') },
            ...{ deliveredAt: time('delivered_at'), readAt: time('read_at'), endedAt: time('ended_at') },
          },
  };
}
