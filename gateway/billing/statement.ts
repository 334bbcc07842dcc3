/** What a tenant's messages cost in a period, in groups. The messages themselves are the ledger. */
import { firstIdAt } from '../canonical/ids.ts';
import type { Sql } from '../platform/database.ts';
import { dayOf } from './price-csv.ts';

export const groupings = ['day', 'category', 'number', 'campaign'] as const;
export type Grouping = (typeof groupings)[number];

export interface StatementLine {
  /** A day (UTC), a category, the id of a number or a campaign; null: without a campaign. */
  key: string | null;
  /** Billed messages that were made in the period. */
  messages: number;
  /** Charged for them until now, in micros: our fee and Meta's price. */
  fees: number;
  prices: number;
  /** Still held for them. */
  held: number;
}

const dayMs = 86_400_000;

/** Text on both engines, so that one statement serves all groupings. */
const keys: Record<Grouping, string> = {
  day: `cast(created_at / ${dayMs} as text)`,
  category: 'category',
  number: 'cast(number_id as text)',
  campaign: 'campaign',
};

/** Of messages made from `from` on and before `to`, Unix ms. */
export async function readStatement(
  sql: Sql,
  tenantId: string,
  { from, to, by }: { from: number; to: number; by: Grouping },
): Promise<StatementLine[]> {
  const rows = await sql.all<StatementLine>(
    `select ${keys[by]} as key, count(*) as messages,
       cast(sum(case when fee_state = 'charged' then fee else 0 end) as bigint) as fees,
       cast(sum(case when price_state = 'charged' then price else 0 end) as bigint) as prices,
       cast(sum(case when fee_state = 'held' then fee else 0 end
         + case when price_state = 'held' then price else 0 end) as bigint) as held
     from messages where tenant_id = $1 and id >= $2 and id < $3 and fee_state is not null
     group by ${keys[by]} limit 10000`,
    [tenantId, firstIdAt(from), firstIdAt(to)],
  );
  const lines = by === 'day' ? rows.map(row => ({ ...row, key: dayOf(Number(row.key) * dayMs) })) : rows;
  // Each engine sorts texts in its own way.
  return lines.sort((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : 1));
}

/** What was topped up in the period, in micros. */
export async function toppedUpBetween(sql: Sql, tenantId: string, from: number, to: number): Promise<number> {
  const [row] = await sql.all<{ micros: number }>(
    `select cast(coalesce(sum(micros), 0) as bigint) as micros from top_ups
     where tenant_id = $1 and made_at >= $2 and made_at < $3`,
    [tenantId, from, to],
  );
  return row!.micros;
}
