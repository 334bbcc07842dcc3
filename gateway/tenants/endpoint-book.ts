/**
 * A tenant's endpoints as every announcement needs them, kept for two seconds. A change made through this process shows at once; so
 * does one made through another where its notice arrives, and else after at most two seconds.
 */
import type { Sql } from '../platform/database.ts';
import type { Notices } from '../platform/notices.ts';
import { listSealed, type SealedEndpoint } from './endpoints.ts';

export interface EndpointBook {
  /** `sql` may be a transaction: it is asked only when nothing is kept. */
  of(sql: Sql, tenantId: string): Promise<SealedEndpoint[]>;
  /** An endpoint was changed, and that is committed. */
  forget(): void;
}

const keptMs = 2_000;
const keptMax = 10_000;

export function createEndpointBook(deps: { notices: Notices; now(): number }): EndpointBook {
  const { notices, now } = deps;
  const kept = new Map<string, { endpoints: SealedEndpoint[]; until: number }>();
  let timesForgotten = 0;

  function clear(): void {
    timesForgotten++;
    kept.clear();
  }
  notices.hear('endpoints', clear);

  return {
    async of(sql, tenantId) {
      const entry = kept.get(tenantId);
      // Not further ahead than it can be: the clock may have been set back.
      if (entry !== undefined && entry.until > now() && entry.until <= now() + keptMs) return entry.endpoints;
      const before = timesForgotten;
      const endpoints = await listSealed(sql, tenantId);
      if (timesForgotten !== before) return endpoints;
      if (kept.size >= keptMax) kept.clear();
      kept.set(tenantId, { endpoints, until: now() + keptMs });
      return endpoints;
    },
    forget() {
      clear();
      notices.tell('endpoints', null);
    },
  };
}
