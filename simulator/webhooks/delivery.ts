import { createOutbox, type DeliveryCounts, noCounts, type Outbox, type OutboxDeps } from './outbox.ts';
import type { Update } from './update.ts';

export type Delivery = ReturnType<typeof createDelivery>;

/** Brings updates to callbacks: an outbox for each account. */
export function createDelivery(deps: OutboxDeps) {
  const outboxes = new Map<string, Outbox>();

  return {
    enqueue(wabaId: string, update: Update): void {
      let outbox = outboxes.get(wabaId);
      if (!outbox) {
        outbox = createOutbox(wabaId, deps);
        outboxes.set(wabaId, outbox);
      }
      const { shuffle, shuffleMs } = deps.settings.of(wabaId);
      outbox.push(update, shuffle ? Math.random() * shuffleMs : 0);
    },
    summary(wabaId?: string): DeliveryCounts {
      const total = noCounts();
      for (const [id, { counts }] of outboxes) {
        if (wabaId && id !== wabaId) continue;
        for (const key of Object.keys(total) as (keyof DeliveryCounts)[]) total[key] += counts[key];
      }
      return total;
    },
    /** To be called when settings changed: what was paused may go again. */
    wake(): void {
      for (const outbox of outboxes.values()) outbox.wake();
    },
    clear(): void {
      for (const outbox of outboxes.values()) outbox.close();
      outboxes.clear();
    },
  };
}
