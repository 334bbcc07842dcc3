/** What a step of a broadcast has to know and need not ask for under its lock: who may send, for whom, and what keeps it from going on. */
import { firstIdAt } from '../canonical/ids.ts';
import { readError } from '../messages/lookup.ts';
import { errorTable } from '../meta/error-table.ts';
import { isoTime } from '../platform/clock.ts';
import type { Database, Sql } from '../platform/database.ts';
import { findApiKeyById } from '../tenants/api-keys.ts';
import type { NumberBook, SendingNumber } from '../tenants/number-book.ts';
import { knownCategory, type TemplateBook } from '../tenants/template-book.ts';
import { findTenant } from '../tenants/tenants.ts';
import type { Broadcast, BroadcastKey, Reason } from './broadcast.ts';
import type { Moment } from './feed.ts';
import { findBroadcast } from './table.ts';

export interface MomentDeps {
  database: Database;
  numbers: Pick<NumberBook, 'byId'>;
  templates: Pick<TemplateBook, 'categoryOf'>;
  now(): number;
}

/** Why a broadcast can go no further. */
export interface Stop {
  reason: Reason;
  detail: string;
}

/** Without a key there is a stop. */
export type Known = Omit<Moment, 'key'> & { key: Moment['key'] | undefined; stop: Stop | null };

export async function readMoment(
  { database, numbers, templates, now }: MomentDeps,
  { tenantId, numberIds, keyId, content }: Broadcast,
): Promise<Known> {
  const nowMs = now();
  const found = await Promise.all(numberIds.map(id => numbers.byId(id)));
  const own = found.filter((number): number is SendingNumber => number?.tenantId === tenantId);
  const connected = own.filter(({ status }) => status !== 'disconnected');
  const rests = await restsOf(database, tenantId, numberIds, nowMs);
  const sending = connected.filter(({ id }) => !rests.has(id));
  const key = await findApiKeyById(database, tenantId, keyId);
  const tenant = await findTenant(database, tenantId);
  const category = own[0] === undefined ? null : await knownCategory(templates, own[0], content);
  const stop: Stop | null =
    key === undefined || key.revokedAt !== null
      ? { reason: 'key', detail: 'The API key that launched it was revoked.' }
      : connected.length === 0
        ? { reason: 'number', detail: 'None of its numbers is connected.' }
        : sending.length === 0
          ? { reason: 'spam', detail: spamDetail(Math.min(...rests.values())) }
          : null;
  return { numbers: sending, key, prepaid: tenant?.billing === 'prepaid', category, nowMs, stop };
}

const spamDetail = (until: number) =>
  `Meta limits what its numbers may send unasked (131048); replies go on. Bulk messages rest until ${isoTime(until)}.`;

/** Numbers whose bulk messages rest, and until when. */
async function restsOf(
  sql: Sql,
  tenantId: string,
  numberIds: number[],
  now: number,
): Promise<Map<number, number>> {
  const rows = await sql.all<{ number_id: number; bulk_paused_until: number }>(
    `select number_id, bulk_paused_until from lanes
     where tenant_id = $1 and one_of(number_id, select cast(value ->> 'id' as bigint) from json_rows($2)) and bulk_paused_until > $3`,
    [tenantId, JSON.stringify(numberIds.map(id => ({ id }))), now],
  );
  return new Map(rows.map(row => [row.number_id, row.bulk_paused_until]));
}

/** So many of the last messages of a number, all refused for a reason that holds for everyone. */
const refusalsMost = 10;

/** Meta refuses each message that was made since for a reason that holds for everyone: the rest need not learn the same. */
export async function refusedForAll(
  sql: Sql,
  { tenantId, broadcastId }: BroadcastKey,
  since: number,
): Promise<Stop | null> {
  const broadcast = await findBroadcast(sql, tenantId, broadcastId);
  if (broadcast?.state !== 'running') return null;
  for (const numberId of broadcast.numberIds) {
    const rows = await sql.all<{ error: string | null }>(
      `select error from messages
       where tenant_id = $1 and broadcast_id = $2 and status = 'failed' and number_id = $3 and id > $4 order by id desc limit $5`,
      [tenantId, broadcastId, numberId, firstIdAt(since), refusalsMost],
    );
    const codes = rows.map(({ error }) => readError(error)?.meta?.code ?? 0);
    const [code] = codes;
    if (rows.length < refusalsMost || codes.some(one => errorTable[one]?.forAll !== true)) continue;
    const { title, action } = errorTable[code!]!;
    return { reason: 'refused', detail: `Meta refuses its messages: ${code} ${title}. ${action}` };
  }
  return null;
}
