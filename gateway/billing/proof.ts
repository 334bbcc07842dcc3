/** Proves that the wallets are right: what they say against the sum over top-ups and messages, to the micro. */
import type { Sql } from '../platform/database.ts';

/** A wallet that does not add up: each name with what the wallet says and what it should. */
export interface Astray {
  tenantId: string;
  toppedUp: { wallet: number; proof: number };
  charged: { wallet: number; proof: number };
  held: { wallet: number; proof: number };
}

/** Of every tenant, or of these; empty when every micro is where it should be. */
export async function proveMoney(sql: Sql, tenantIds?: string[]): Promise<Astray[]> {
  const ids = tenantIds ?? (await sql.all<{ id: string }>('select id from tenants')).map(({ id }) => id);
  const astray: Astray[] = [];
  for (const tenantId of ids) {
    const found = await proveTenant(sql, tenantId);
    if ([found.toppedUp, found.charged, found.held].some(({ wallet, proof }) => wallet !== proof))
      astray.push(found);
  }
  return astray;
}

interface Sums {
  topped_up: number;
  charged: number;
  held: number;
  top_ups: number;
  on_messages: number;
  on_hold: number;
}

/** One statement, so that it sees one moment also while money moves. */
async function proveTenant(sql: Sql, tenantId: string): Promise<Astray> {
  const [sums] = await sql.all<Sums>(
    `select coalesce(w.topped_up, 0) as topped_up, coalesce(w.charged, 0) as charged, coalesce(w.held, 0) as held,
       t.top_ups, m.on_messages + coalesce(w.forgotten, 0) as on_messages, m.on_hold
     from (select cast(coalesce(sum(micros), 0) as bigint) as top_ups from top_ups where tenant_id = $1) t
     cross join (
       select
         cast(coalesce(sum(case when fee_state = 'charged' then fee else 0 end
           + case when price_state = 'charged' then price else 0 end), 0) as bigint) as on_messages,
         cast(coalesce(sum(case when fee_state = 'held' then fee else 0 end
           + case when price_state = 'held' then price else 0 end), 0) as bigint) as on_hold
       from messages where tenant_id = $1 and fee_state is not null) m
     left join wallets w on w.tenant_id = $1`,
    [tenantId],
  );
  const { topped_up, charged, held, top_ups, on_messages, on_hold } = sums!;
  return {
    tenantId,
    toppedUp: { wallet: topped_up, proof: top_ups },
    charged: { wallet: charged, proof: on_messages },
    held: { wallet: held, proof: on_hold },
  };
}

export const tellAstray = ({ tenantId, toppedUp, charged, held }: Astray): string =>
  `tenant ${tenantId}: ${Object.entries({ 'topped up': toppedUp, charged, held })
    .filter(([, { wallet, proof }]) => wallet !== proof)
    .map(([name, { wallet, proof }]) => `${name} ${wallet} micros in the wallet, ${proof} by the proof`)
    .join('; ')}`;
