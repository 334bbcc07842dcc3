/**
 * Statuses from Meta advance messages: late, twice, out of order, before our own answer came. Reports of one batch are
 * merged per message, then written by one statement that only ever raises the rank.
 */
import { billedIds, charge } from '../billing/charge.ts';
import type { PriceOf } from '../billing/prices.ts';
import type { MetaChange } from '../canonical/event.ts';
import { type MessageStatus, statusRank } from '../canonical/status.ts';
import type { Tx } from '../platform/database.ts';
import type { ToldChange } from './announce-changes.ts';

/** One status of Meta's, read and checked. Times are Unix ms. */
export interface StatusReport {
  tenantId: string;
  numberId: number;
  /** From biz_opaque_callback_data; null when the status carries none of ours. */
  messageId: string | null;
  wamid: string;
  status: 'sent' | 'delivered' | 'read' | 'played' | 'failed';
  at: number;
  waId: string | null;
  /** `{reason, meta}` as JSON text, for failed. */
  error: string | null;
  reason?: string;
  /** Meta's word on the price: `regular <category>` or `free <category>` (billing/charge.ts). */
  pricing: string | null;
  /** What Meta told, with this status only. */
  change: MetaChange;
}

interface MergedReport {
  id: string | null;
  number: number;
  wamid: string;
  wa_id: string | null;
  status: MessageStatus;
  rank: number;
  sent: number | null;
  delivered: number | null;
  read: number | null;
  played: number | null;
  failed: number | null;
  error: string | null;
  pricing: string | null;
  changes: { status: StatusReport['status']; at: number; reason?: string; meta: MetaChange }[];
}

/** Bits of `messages.news`. */
const newsBits: Record<StatusReport['status'], number> = {
  sent: 1,
  delivered: 2,
  read: 4,
  played: 8,
  failed: 16,
};

export interface Advanced {
  /** What was told for the first time. */
  changes: ToldChange[];
  /** How many reports named no message of ours. */
  strays: number;
  /** Messages with money on them, for `chargeAdvanced`. */
  billed: string[];
}

/** What the reports mean for the wallets, of any tenants; once all of a transaction's messages are written. */
export async function chargeAdvanced(
  tx: Tx,
  advanced: { tenantId: string; billed: string[] }[],
  at: number,
  priceOf: PriceOf,
): Promise<void> {
  const charging = advanced.map(({ tenantId, billed }) => ({ tenantId, ids: billed, isTaken: true }));
  await charge(tx, charging, at, priceOf);
}

/** Writes the reports of one tenant. */
export async function advance(tx: Tx, tenantId: string, reports: StatusReport[]): Promise<Advanced> {
  const merged = merge(reports);
  const named = merged.filter(({ id }) => id !== null);
  const unnamed = merged.filter(({ id }) => id === null);
  const changes: ToldChange[] = [];
  const billed: string[] = [];
  let strays = 0;
  for (const [rows, column] of [
    [named, 'id'],
    [unnamed, 'wamid'],
  ] as const) {
    if (rows.length === 0) continue;
    const updated = await write(tx, tenantId, rows, column);
    billed.push(...billedIds(updated));
    const written = new Map(updated.map(row => [row[column], row]));
    const unchanged: MergedReport[] = [];
    for (const row of rows) {
      const message = written.get(row[column]!);
      if (message === undefined) unchanged.push(row);
      else
        for (const change of row.changes)
          if ((message.news & newsBits[change.status]) !== 0)
            changes.push({ tenantId, id: message.id, ...change });
    }
    // A repeated report changes nothing either; only one that names no message of the number is a stray.
    if (unchanged.length > 0)
      strays += unchanged.length - (await countKnown(tx, tenantId, unchanged, column));
  }
  return { changes, strays, billed };
}

function merge(reports: StatusReport[]): MergedReport[] {
  const merged = new Map<string, MergedReport>();
  for (const report of reports) {
    const key = report.messageId ?? report.wamid;
    let row = merged.get(key);
    if (row === undefined) {
      row = {
        id: report.messageId,
        number: report.numberId,
        wamid: report.wamid,
        wa_id: report.waId,
        status: report.status,
        rank: statusRank[report.status],
        sent: null,
        delivered: null,
        read: null,
        played: null,
        failed: null,
        error: null,
        pricing: null,
        changes: [],
      };
      merged.set(key, row);
    }
    const rank = statusRank[report.status];
    if (rank > row.rank) Object.assign(row, { status: report.status, rank });
    if (report.error !== null) row.error ??= report.error;
    row.pricing ??= report.pricing;
    if (row[report.status] === null) {
      row.changes.push({
        status: report.status,
        at: report.at,
        ...(report.reason === undefined ? {} : { reason: report.reason }),
        meta: report.change,
      });
    }
    row[report.status] = Math.min(row[report.status] ?? report.at, report.at);
  }
  for (const row of merged.values()) row.changes.sort((a, b) => statusRank[a.status] - statusRank[b.status]);
  return [...merged.values()];
}

/**
 * Returns the messages that exist and that something was new for, with what: an update returns the new row only, so it notes in the row
 * what it changed. The sign before
 * s.number_id keeps SQLite from joining by it: it would read all messages of the tenant.
 */
async function write(
  tx: Tx,
  tenantId: string,
  rows: MergedReport[],
  column: 'id' | 'wamid',
): Promise<{ id: string; wamid: string; fee_state: string | null; news: number }[]> {
  return tx.all(
    `with s as materialized (
       select value ->> 'id' as id, cast(value ->> 'number' as bigint) as number_id, value ->> 'wamid' as wamid,
         value ->> 'wa_id' as wa_id, value ->> 'status' as status, cast(value ->> 'rank' as integer) as rank,
         cast(value ->> 'sent' as bigint) as sent_at, cast(value ->> 'delivered' as bigint) as delivered_at,
         cast(value ->> 'read' as bigint) as read_at, cast(value ->> 'played' as bigint) as played_at,
         cast(value ->> 'failed' as bigint) as failed_at, value ->> 'error' as error,
         value ->> 'pricing' as pricing
       from json_rows($2))
     update messages set
       news = case when s.sent_at is not null and messages.sent_at is null then ${newsBits.sent} else 0 end
         + case when s.delivered_at is not null and messages.delivered_at is null then ${newsBits.delivered} else 0 end
         + case when s.read_at is not null and messages.read_at is null then ${newsBits.read} else 0 end
         + case when s.played_at is not null and messages.played_at is null then ${newsBits.played} else 0 end
         + case when s.status = 'failed' and s.rank > messages.rank then ${newsBits.failed} else 0 end,
       pricing = case when messages.fee_state is null then null else coalesce(messages.pricing, s.pricing) end,
       wamid = case when messages.recipient_kind = 'erased' then null else coalesce(messages.wamid, s.wamid) end,
       wa_id = case when messages.recipient_kind = 'erased' then null else coalesce(messages.wa_id, s.wa_id) end,
       status = case when s.rank > messages.rank then s.status else messages.status end,
       rank = case when s.rank > messages.rank then s.rank else messages.rank end,
       sent_at = coalesce(messages.sent_at, s.sent_at),
       delivered_at = coalesce(messages.delivered_at, s.delivered_at),
       read_at = coalesce(messages.read_at, s.read_at),
       played_at = coalesce(messages.played_at, s.played_at),
       ended_at = case when s.rank > messages.rank then s.failed_at else messages.ended_at end,
       error = case when s.rank <= messages.rank then messages.error
         when messages.recipient_kind = 'erased' and s.error is not null then '{"reason":"erased"}' else s.error end
     from s
     where messages.tenant_id = $1 and messages.${column} = s.${column} and one_of(messages.${column}, select ${column} from s)
       and messages.number_id = +s.number_id and (
       s.rank > messages.rank
       or (s.sent_at is not null and messages.sent_at is null)
       or (s.delivered_at is not null and messages.delivered_at is null)
       or (s.read_at is not null and messages.read_at is null)
       or (s.played_at is not null and messages.played_at is null)
       or (messages.fee_state is not null
         and (messages.wamid is null and messages.recipient_kind <> 'erased'
           or s.pricing is not null and messages.pricing is null)))
     returning messages.id, messages.wamid, messages.fee_state, messages.news`,
    [tenantId, JSON.stringify(rows.map(({ changes: _, ...row }) => row))],
  );
}

async function countKnown(
  tx: Tx,
  tenantId: string,
  rows: MergedReport[],
  column: 'id' | 'wamid',
): Promise<number> {
  const known = await tx.all(
    `with s as materialized (
       select value ->> '${column}' as key, cast(value ->> 'number' as bigint) as number_id from json_rows($2))
     select messages.id from s join messages
       on messages.tenant_id = $1 and messages.${column} = s.key and one_of(messages.${column}, select key from s)
         and messages.number_id = +s.number_id`,
    [tenantId, JSON.stringify(rows.map(row => ({ [column]: row[column], number: row.number })))],
  );
  return known.length;
}
