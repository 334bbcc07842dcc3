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
  resolve(settlement: Settlement | undefined): void;
  timer: NodeJS.Timeout;
}

export function createWaiters(): Waiters {
  /** By message. Several wait for one when a send is repeated under its Idempotency-Key. */
  const waiting = new Map<string, { tenantId: string; waiters: Set<Waiter> }>();
  return {
    wait(tenantId, id, timeoutMs) {
      return new Promise(resolve => {
        const ofMessage = waiting.get(id) ?? { tenantId, waiters: new Set() };
        waiting.set(id, ofMessage);
        const timer = setTimeout(() => {
          ofMessage.waiters.delete(waiter);
          if (ofMessage.waiters.size === 0 && waiting.get(id) === ofMessage) waiting.delete(id);
          resolve(undefined);
        }, timeoutMs);
        const waiter = { resolve, timer };
        ofMessage.waiters.add(waiter);
      });
    },
    resolve(settlement) {
      const ofMessage = waiting.get(settlement.id);
      if (ofMessage === undefined) return;
      waiting.delete(settlement.id);
      for (const { timer, resolve } of ofMessage.waiters) {
        clearTimeout(timer);
        resolve(settlement);
      }
    },
    isWaiting: id => waiting.has(id),
    pending() {
      const ids = new Map<string, string[]>();
      for (const [id, { tenantId }] of waiting) {
        const ofTenant = ids.get(tenantId);
        if (ofTenant === undefined) ids.set(tenantId, [id]);
        else ofTenant.push(id);
      }
      return ids;
    },
  };
}
