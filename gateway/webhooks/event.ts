/** An event as it is kept: what render, replay and the API read. */
import type { EventDraft } from '../canonical/event.ts';

export interface StoredEvent extends EventDraft {
  tenantId: string;
  /** Ours, sortable by time; `webhook-id` of the standard format. */
  id: string;
}
