/** An event as it is stored (table `events`) and rendered (formats/). */
import type { EventType, MetaChange } from '../canonical/event.ts';
import type { JsonObject } from '../canonical/json.ts';

export interface StoredEvent {
  tenantId: string;
  id: string;
  type: EventType;
  /** When it happened, Unix ms. */
  at: number;
  /** null: of the whole tenant. */
  numberId: number | null;
  person: string | null;
  messageId: string | null;
  data: JsonObject;
  /** null when it was not Meta who told it. */
  meta: MetaChange | null;
}
