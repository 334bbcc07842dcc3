/** The table of broadcasts: made, found, changed as drafts. How they move on is in states.ts. */
import type { Content, MetaEndpoint } from '../canonical/content.ts';
import type { DialectName } from '../dialects/dialect.ts';
import { first, type Row, type Sql, type SqlValue, storable, type Tx } from '../platform/database.ts';
import type { Audience, Broadcast, BroadcastOptions, BroadcastState, Freezing, Reason } from './broadcast.ts';

const names = [
  ...[
    'id',
    'name',
    'key_id',
    'dialect',
    'content',
    'endpoint',
    'number_ids',
    'audience',
    'retry_of',
    'options',
    'state',
  ],
  ...['reason', 'detail', 'recipients', 'taken', 'skipped', 'take_most', 'freezing', 'next_us', 'start_at'],
  ...['ends_at', 'created_at', 'updated_at', 'launched_at', 'started_at', 'frozen_at', 'ended_at'],
];
export const broadcastColumns = names.join(', ');

export function broadcastOf(tenantId: string, row: Row): Broadcast {
  return {
    tenantId,
    id: String(row.id),
    name: String(row.name),
    keyId: String(row.key_id),
    dialect: row.dialect as DialectName,
    content: JSON.parse(String(row.content)) as Content,
    endpoint: row.endpoint as MetaEndpoint,
    numberIds: JSON.parse(String(row.number_ids)) as number[],
    audience: JSON.parse(String(row.audience)) as Audience,
    retryOf: row.retry_of as string | null,
    options: JSON.parse(String(row.options)) as BroadcastOptions,
    state: row.state as BroadcastState,
    reason: row.reason as Reason | null,
    detail: row.detail as string | null,
    recipients: Number(row.recipients),
    taken: Number(row.taken),
    skipped: Number(row.skipped),
    takeMost: row.take_most as number | null,
    freezing: row.freezing === null ? null : (JSON.parse(String(row.freezing)) as Freezing),
    nextUs: Number(row.next_us),
    startAt: row.start_at as number | null,
    endsAt: row.ends_at as number | null,
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    launchedAt: row.launched_at as number | null,
    startedAt: row.started_at as number | null,
    frozenAt: row.frozen_at as number | null,
    endedAt: row.ended_at as number | null,
  };
}

/** What somebody says of a broadcast before it is launched. */
export interface BroadcastDraft {
  name: string;
  content: Content;
  endpoint: MetaEndpoint;
  numberIds: number[];
  audience: Audience;
  options: BroadcastOptions;
  startAt: number | null;
}

export interface NewBroadcast extends BroadcastDraft {
  tenantId: string;
  id: string;
  keyId: string;
  dialect: DialectName;
  createdAt: number;
  retryOf?: string;
}

/** As a draft. */
export async function insertBroadcast(tx: Tx, made: NewBroadcast): Promise<void> {
  const { tenantId, id, keyId, dialect, createdAt, retryOf = null, ...draft } = made;
  await tx.all(
    `insert into broadcasts (tenant_id, id, key_id, dialect, name, content, endpoint, number_ids, audience, options, start_at,
       retry_of, state, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'draft', $13, $13)`,
    [tenantId, id, keyId, dialect, ...draftValues(draft), retryOf, createdAt],
  );
}

function draftValues(draft: BroadcastDraft): SqlValue[] {
  const { name, content, endpoint, numberIds, audience, options, startAt } = draft;
  return [
    ...[storable(name), JSON.stringify(content), endpoint, JSON.stringify(numberIds)],
    ...[JSON.stringify(audience), JSON.stringify(options), startAt],
  ];
}

/** Says a draft anew; false when it is none, or no longer. */
export async function changeDraft(
  tx: Tx,
  tenantId: string,
  id: string,
  draft: BroadcastDraft,
  at: number,
): Promise<boolean> {
  const changed = await tx.all(
    `update broadcasts set name = $3, content = $4, endpoint = $5, number_ids = $6, audience = $7, options = $8, start_at = $9,
       updated_at = $10
     where tenant_id = $1 and id = $2 and state = 'draft' returning id`,
    [tenantId, id, ...draftValues(draft), at],
  );
  return changed.length > 0;
}

export async function findBroadcast(sql: Sql, tenantId: string, id: string): Promise<Broadcast | undefined> {
  const row = await first(
    sql,
    `select ${broadcastColumns} from broadcasts where tenant_id = $1 and id = $2`,
    [tenantId, id],
  );
  return row && broadcastOf(tenantId, row);
}

/** The id of its retry; undefined when it has none. */
export async function retryOf(sql: Sql, tenantId: string, id: string): Promise<string | undefined> {
  const row = await first<{ id: string }>(
    sql,
    'select id from broadcasts where tenant_id = $1 and retry_of = $2',
    [tenantId, id],
  );
  return row?.id;
}

/** The broadcast, locked until the transaction ends: whoever moves it on comes one after the other. */
export async function lockBroadcast(tx: Tx, tenantId: string, id: string): Promise<Broadcast | undefined> {
  const row = await first(
    tx,
    `select ${broadcastColumns} from broadcasts where tenant_id = $1 and id = $2 for update`,
    [tenantId, id],
  );
  return row && broadcastOf(tenantId, row);
}

/** Newest first; `before` is the id that ended the page before. */
export async function listBroadcasts(
  sql: Sql,
  tenantId: string,
  filter: { state?: BroadcastState; name?: string },
  before: string | undefined,
  limit: number,
): Promise<Broadcast[]> {
  const values: SqlValue[] = [tenantId];
  let conditions = '';
  for (const [column, value] of [
    ['state =', filter.state],
    ['name =', filter.name],
    ['id <', before],
  ] as const) {
    if (value !== undefined) conditions += ` and ${column} $${values.push(value)}`;
  }
  const rows = await sql.all(
    `select ${broadcastColumns} from broadcasts where tenant_id = $1${conditions} order by id desc limit $${values.push(limit)}`,
    values,
  );
  return rows.map(row => broadcastOf(tenantId, row));
}
