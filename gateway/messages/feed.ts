/** What just happened to messages, told inside this process after it was committed: to waiting callers and to watchers. */
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

export interface Feed {
  publish(changes: Change[]): void;
  /** Returns the function that ends the watching. */
  watch(watcher: Watcher): () => void;
}

export function createFeed(): Feed {
  const watchers = new Set<Watcher>();
  return {
    publish(changes) {
      if (changes.length > 0) for (const watcher of watchers) watcher(changes);
    },
    watch(watcher) {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
  };
}
