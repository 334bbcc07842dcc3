/** What just happened to messages, told after it was committed: to waiting callers, to watchers, and to the relay (relay.ts). */
import type { MessageStatus } from '../canonical/status.ts';

export interface Change {
  tenantId: string;
  id: string;
  status: MessageStatus;
  at: number;
  /** Why, when it is not the ordinary course: Meta's refusal, a repeat, an expiry. */
  reason?: string;
}

export type Watcher = (changes: Change[]) => void;

export interface View {
  /** null: all tenants. */
  tenantId: string | null;
  /** Who made the changes: this process only, or others as well, as far as they can be heard. */
  madeBy: 'us' | 'anyone';
}

export interface Feed {
  /** What this process has changed. */
  publish(changes: Change[]): void;
  /** What another process has changed. */
  publishOthers(changes: Change[]): void;
  /** Calls `watcher` with the changes of its view, never with none. Returns the function that ends the watching. */
  watch(view: View, watcher: Watcher): () => void;
  /** Tenants of which someone watches what others change; null stands for all. */
  watched(): Set<string | null>;
  /** Calls `listener` when a tenant is watched that was not before. */
  whenWatched(listener: () => void): void;
}

export function createFeed(): Feed {
  const watchers = new Set<View & { watcher: Watcher }>();
  const watchedListeners: (() => void)[] = [];

  function tell(changes: Change[], ours: boolean): void {
    if (changes.length === 0) return;
    for (const { tenantId, madeBy, watcher } of watchers) {
      if (!ours && madeBy === 'us') continue;
      const own = tenantId === null ? changes : changes.filter(change => change.tenantId === tenantId);
      if (own.length > 0) watcher(own);
    }
  }

  function watched(): Set<string | null> {
    const of = new Set<string | null>();
    for (const { tenantId, madeBy } of watchers) if (madeBy === 'anyone') of.add(tenantId);
    return of;
  }

  return {
    publish: changes => tell(changes, true),
    publishOthers: changes => tell(changes, false),
    watch(view, watcher) {
      const isNew = view.madeBy === 'anyone' && !watched().has(view.tenantId);
      const watching = { ...view, watcher };
      watchers.add(watching);
      if (isNew) for (const listener of watchedListeners) listener();
      return () => watchers.delete(watching);
    },
    watched,
    whenWatched(listener) {
      watchedListeners.push(listener);
    },
  };
}
