/** Meta's limit of people that a business may write to in 24 hours without being asked (cloud-api.md §6). */
import { firstIdAt } from '../canonical/ids.ts';
import type { Sql } from '../platform/database.ts';

export interface MessagingLimit {
  /** As Meta names it: TIER_2K. */
  tier: string;
  most: number;
  /** How many more people there may be now, as far as this tenant's own messages tell: the limit counts for a whole portfolio. */
  left: number;
}

const tiers: Record<string, number> = {
  ...{ TIER_50: 50, TIER_250: 250, TIER_1K: 1_000, TIER_2K: 2_000, TIER_10K: 10_000, TIER_100K: 100_000 },
};

const dayMs = 24 * 3_600_000;
const stepRows = 5_000;

/** null where Meta told none, or one without an end. */
export async function messagingLimitOf(
  sql: Sql,
  tenantId: string,
  tier: string | null,
  now: number,
): Promise<MessagingLimit | null> {
  const most = tier === null ? undefined : tiers[tier];
  if (most === undefined) return null;
  const people = new Set<string>();
  for (let after = firstIdAt(now - dayMs); people.size < most; ) {
    const rows = await sql.all<{ id: string; recipient: string; type: string }>(
      'select id, recipient, type from messages where tenant_id = $1 and id > $2 order by id limit $3',
      [tenantId, after, stepRows],
    );
    // Only templates go out unasked.
    for (const { recipient, type } of rows) if (type === 'template') people.add(recipient);
    if (rows.length < stepRows) break;
    after = rows.at(-1)!.id;
  }
  return { tier: tier!, most, left: Math.max(0, most - people.size) };
}
