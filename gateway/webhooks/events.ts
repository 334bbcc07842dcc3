/** The table of events. */
import type { EventDraft, EventType } from '../canonical/event.ts';
import { firstIdAt } from '../canonical/ids.ts';
import type { JsonObject } from '../canonical/json.ts';
import { first, type Row, type Sql, type SqlValue, storable, type Tx } from '../platform/database.ts';
import type { StoredEvent } from './event.ts';

const columns = 'id, type, at, number_id, person, message_id, data, meta';

/** Writes events of one tenant. */
export async function insertEvents(
  tx: Tx,
  tenantId: string,
  events: (EventDraft & { id: string })[],
): Promise<void> {
  if (events.length === 0) return;
  const rows = events.map(event => ({
    ...{ id: event.id, type: event.type, at: event.at, number: event.numberId },
    person: event.person && storable(event.person),
    message: event.messageId && storable(event.messageId),
    // As texts: an object would come back as the engine writes JSON.
    data: JSON.stringify(event.data),
    meta: event.meta && JSON.stringify(event.meta),
  }));
  await tx.all(
    `insert into events (tenant_id, ${columns})
     select $1, value ->> 'id', value ->> 'type', cast(value ->> 'at' as bigint), cast(value ->> 'number' as bigint),
       value ->> 'person', value ->> 'message', value ->> 'data', value ->> 'meta'
     from json_rows($2)`,
    [tenantId, JSON.stringify(rows)],
  );
}

/** From a row with these columns; undefined once what it said has aged out or was erased. */
function eventFromRow(tenantId: string, row: Row): StoredEvent | undefined {
  if (row.data === null || row.data === '') return undefined;
  return {
    tenantId,
    id: row.id as string,
    type: row.type as EventType,
    at: row.at as number,
    numberId: row.number_id as number | null,
    person: row.person as string | null,
    messageId: row.message_id as string | null,
    data: JSON.parse(row.data as string) as JsonObject,
    meta:
      row.meta === null || row.meta === '' ? null : (JSON.parse(row.meta as string) as StoredEvent['meta']),
  };
}

/** As the API tells it: with empty data once that has aged out. */
const toldFromRow = (tenantId: string, row: Row): StoredEvent =>
  eventFromRow(tenantId, row) ?? eventFromRow(tenantId, { ...row, data: '{}', meta: null })!;

export async function findEvent(sql: Sql, tenantId: string, id: string): Promise<StoredEvent | undefined> {
  const row = await first(sql, `select ${columns} from events where tenant_id = $1 and id = $2`, [
    tenantId,
    id,
  ]);
  return row && toldFromRow(tenantId, row);
}

/** By id, those that still say something. */
export async function findEvents(
  sql: Sql,
  tenantId: string,
  ids: readonly string[],
): Promise<Map<string, StoredEvent>> {
  if (ids.length === 0) return new Map();
  const rows = await sql.all(
    `select ${columns} from events
     where tenant_id = $1 and one_of(id, select value ->> 'id' from json_rows($2))`,
    [tenantId, JSON.stringify(ids.map(id => ({ id })))],
  );
  const events = rows.flatMap(row => eventFromRow(tenantId, row) ?? []);
  return new Map(events.map(event => [event.id, event]));
}

export interface EventFilter {
  type?: EventType;
  person?: string;
  messageId?: string;
  numberIds?: readonly number[];
  /** Unix ms of when we noted them. */
  since?: number;
  until?: number;
}

/** Newest first; `before` is the id that ended the page before. */
export async function listEvents(
  sql: Sql,
  tenantId: string,
  filter: EventFilter,
  before: string | undefined,
  limit: number,
): Promise<StoredEvent[]> {
  const values: SqlValue[] = [tenantId];
  let conditions = '';
  for (const [column, value] of [
    ['type =', filter.type],
    ['person =', filter.person],
    ['message_id =', filter.messageId],
    // What happens to a message happens after it was made, and both ids begin with their time.
    ['id >', filter.messageId],
    ['id >=', filter.since === undefined ? undefined : firstIdAt(filter.since)],
    ['id <', filter.until === undefined ? undefined : firstIdAt(filter.until)],
    ['id <', before],
  ] as const) {
    if (value !== undefined) conditions += ` and ${column} $${values.push(value)}`;
  }
  if (filter.numberIds !== undefined) {
    const rows = JSON.stringify(filter.numberIds.map(id => ({ id })));
    conditions += ` and one_of(number_id, select cast(value ->> 'id' as bigint) from json_rows($${values.push(rows)}))`;
  }
  const rows = await sql.all(
    `select ${columns} from events where tenant_id = $1${conditions} order by id desc limit $${values.push(limit)}`,
    values,
  );
  return rows.map(row => toldFromRow(tenantId, row));
}
