/** Messages as they are read: one with its timeline, many by filter, and the settlements that waiting callers ask for. */
import { isObject, type JsonObject, parseJson } from '../canonical/json.ts';
import type { MetaError } from '../canonical/refusal.ts';
import type { MessageStatus } from '../canonical/status.ts';
import { first, type Row, type Sql, type SqlValue } from '../platform/database.ts';
import type { Settlement } from './message.ts';

export interface StoredMessage {
  tenantId: string;
  id: string;
  numberId: number;
  dialect: string;
  type: string;
  /** phone, user, group; `erased` once the person was erased: then nothing of the row names it. */
  recipientKind: string;
  recipient: string;
  endpoint: string;
  /** null once it has aged out or was erased (retention/). */
  body: JsonObject | null;
  callbackData: string | null;
  campaign: string | null;
  fake: boolean;
  status: MessageStatus;
  wamid: string | null;
  waId: string | null;
  error: StoredError | null;
  dueAt: number;
  expiresAt: number;
  tries: number;
  createdAt: number;
  times: Record<(typeof timeColumns)[number], number | null>;
}

/** Why a message is where it is: our reason, and Meta's error when there is one. */
export interface StoredError {
  reason: string;
  meta: MetaError | null;
}

const timeColumns = [
  'sending_at',
  'accepted_at',
  'sent_at',
  'delivered_at',
  'read_at',
  'played_at',
  'ended_at',
] as const;

const columns = `tenant_id, id, number_id, dialect, type, recipient_kind, recipient, endpoint, body, callback_data, campaign, fake,
  status, wamid, wa_id, error, due_at, expires_at, tries, created_at, ${timeColumns.join(', ')}`;

function fromRow(row: Row): StoredMessage {
  const text = (name: string) => row[name] as string;
  const textOrNull = (name: string) => row[name] as string | null;
  const number = (name: string) => row[name] as number;
  const body = parseJson(text('body'));
  return {
    tenantId: text('tenant_id'),
    id: text('id'),
    numberId: number('number_id'),
    dialect: text('dialect'),
    type: text('type'),
    recipientKind: text('recipient_kind'),
    recipient: text('recipient'),
    endpoint: text('endpoint'),
    body: isObject(body) ? body : null,
    callbackData: textOrNull('callback_data'),
    campaign: textOrNull('campaign'),
    fake: number('fake') === 1,
    status: text('status') as MessageStatus,
    wamid: textOrNull('wamid'),
    waId: textOrNull('wa_id'),
    error: readError(textOrNull('error')),
    dueAt: number('due_at'),
    expiresAt: number('expires_at'),
    tries: number('tries'),
    createdAt: number('created_at'),
    times: Object.fromEntries(timeColumns.map(name => [name, row[name] ?? null])) as StoredMessage['times'],
  };
}

export function readError(text: string | null): StoredError | null {
  const json = text === null ? undefined : parseJson(text);
  if (!isObject(json)) return null;
  return {
    reason: String(json.reason ?? ''),
    meta: isObject(json.meta) ? (json.meta as unknown as MetaError) : null,
  };
}

export async function findMessage(
  sql: Sql,
  tenantId: string,
  id: string,
): Promise<StoredMessage | undefined> {
  const row = await first(sql, `select ${columns} from messages where tenant_id = $1 and id = $2`, [
    tenantId,
    id,
  ]);
  return row && fromRow(row);
}

/** Those of the ids that exist, in no order. */
export async function findMessages(sql: Sql, tenantId: string, ids: string[]): Promise<StoredMessage[]> {
  const rows = await sql.all(
    `select ${columns} from messages where tenant_id = $1 and one_of(id, select value ->> 'id' from json_rows($2))`,
    [tenantId, JSON.stringify(ids.map(id => ({ id })))],
  );
  return rows.map(fromRow);
}

/** What is held or charged for a message; null where its tenant pays nothing. */
export async function messageMoney(sql: Sql, tenantId: string, id: string) {
  const row = await first<{
    fee: number;
    fee_state: string | null;
    price: number;
    price_state: string;
    market: string;
    category: string;
  }>(
    sql,
    'select fee, fee_state, price, price_state, market, category from messages where tenant_id = $1 and id = $2',
    [tenantId, id],
  );
  if (row === undefined || row.fee_state === null) return null;
  const { fee, price, market, category } = row;
  return { fee, feeState: row.fee_state, price, priceState: row.price_state, market, category };
}

export async function messageStatus(
  sql: Sql,
  tenantId: string,
  id: string,
): Promise<MessageStatus | undefined> {
  const row = await first<{ status: MessageStatus }>(
    sql,
    'select status from messages where tenant_id = $1 and id = $2',
    [tenantId, id],
  );
  return row?.status;
}

export interface MessageFilter {
  status?: string;
  /** Digits, user id or group id. */
  to?: string;
  /** Of one of these numbers. */
  numberIds?: readonly number[];
  type?: string;
  dialect?: string;
  campaign?: string;
  wamid?: string;
  /** Unix ms, inclusive. */
  since?: number;
  /** Unix ms, exclusive. */
  until?: number;
}

const filterColumns: Record<Exclude<keyof MessageFilter, 'numberIds'>, string> = {
  status: 'status =',
  to: 'recipient =',
  type: 'type =',
  dialect: 'dialect =',
  campaign: 'campaign =',
  wamid: 'wamid =',
  since: 'created_at >=',
  until: 'created_at <',
};

/** Newest first. `before` is the id that ended the page before. */
export async function listMessages(
  sql: Sql,
  tenantId: string,
  { numberIds, ...filter }: MessageFilter,
  before: string | undefined,
  limit: number,
): Promise<StoredMessage[]> {
  const values: SqlValue[] = [tenantId];
  const conditions: string[] = [];
  for (const [name, value] of Object.entries(filter)) {
    if (value === undefined) continue;
    values.push(value);
    conditions.push(`and ${filterColumns[name as keyof typeof filterColumns]} $${values.length}`);
  }
  if (numberIds?.length === 1) {
    values.push(numberIds[0]!);
    conditions.push(`and number_id = $${values.length}`);
  } else if (numberIds !== undefined) {
    values.push(JSON.stringify(numberIds.map(number => ({ number }))));
    conditions.push(
      `and number_id in (select cast(value ->> 'number' as bigint) from json_rows($${values.length}))`,
    );
  }
  if (before !== undefined) {
    values.push(before);
    conditions.push(`and id < $${values.length}`);
  }
  const rows = await sql.all(
    `select ${columns} from messages where tenant_id = $1 ${conditions.join(' ')} order by id desc limit ${limit}`,
    values,
  );
  return rows.map(fromRow);
}

export interface Try {
  n: number;
  at: number;
  verdict: string;
  code: number | null;
  reason: string;
  nextAt: number | null;
}

export async function listTries(sql: Sql, tenantId: string, messageId: string): Promise<Try[]> {
  const rows = await sql.all<{
    n: number;
    at: number;
    verdict: string;
    code: number | null;
    reason: string;
    next_at: number | null;
  }>(
    'select n, at, verdict, code, reason, next_at from tries where tenant_id = $1 and message_id = $2 order by n',
    [tenantId, messageId],
  );
  return rows.map(({ next_at, ...row }) => ({ ...row, nextAt: next_at }));
}

/** Which of these messages Meta has answered or which have ended: what another process may have done for our callers. */
export async function settlements(sql: Sql, tenantId: string, ids: string[]): Promise<Settlement[]> {
  const rows = await sql.all<{
    id: string;
    status: MessageStatus;
    wamid: string | null;
    wa_id: string | null;
    error: string | null;
  }>(
    `select id, status, wamid, wa_id, error from messages
     where tenant_id = $1 and rank >= 30 and one_of(id, select value ->> 'id' from json_rows($2))`,
    [tenantId, JSON.stringify(ids.map(id => ({ id })))],
  );
  return rows.map(row => {
    const error = readError(row.error);
    return {
      tenantId,
      id: row.id,
      status: row.status,
      wamid: row.wamid,
      answer: null,
      waId: row.wa_id,
      error: error?.meta ?? null,
      reason: error?.reason ?? null,
    };
  });
}
