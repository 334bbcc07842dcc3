/**
 * Callers that wait for Meta's answer. The process that sends tells its own waiters directly; on PostgreSQL another
 * process may have sent, so that the rows are looked at as well.
 */
import type { Settlement } from './message.ts';

export interface Waiters {
  /** Resolves with the settlement, or with undefined after `timeoutMs`. */
  wait(tenantId: string, id: string, timeoutMs: number): Promise<Settlement | undefined>;
  resolve(settlement: Settlement): void;
  isWaiting(id: string): boolean;
  /** Ids still waited for, by tenant: for the look at the rows. */
  pending(): Map<string, string[]>;
}

interface Waiter {
  tenantId: string;
  resolve(settlement: Settlement | undefined): void;
  timer: NodeJS.Timeout;
}

export function createWaiters(): Waiters {
  const waiters = new Map<string, Waiter>();
  return {
    wait(tenantId, id, timeoutMs) {
      return new Promise(resolve => {
        const timer = setTimeout(() => {
          waiters.delete(id);
          resolve(undefined);
        }, timeoutMs);
        waiters.set(id, { tenantId, resolve, timer });
      });
    },
    resolve(settlement) {
      const waiter = waiters.get(settlement.id);
      if (waiter === undefined) return;
      waiters.delete(settlement.id);
      clearTimeout(waiter.timer);
      waiter.resolve(settlement);
    },
    isWaiting: id => waiters.has(id),
    pending() {
      const ids = new Map<string, string[]>();
      for (const [id, { tenantId }] of waiters) {
        const ofTenant = ids.get(tenantId);
        if (ofTenant === undefined) ids.set(tenantId, [id]);
        else ofTenant.push(id);
      }
      return ids;
    },
  };
}
