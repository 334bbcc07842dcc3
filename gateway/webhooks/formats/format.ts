/** The contract of a format: pure translation from events to the exact bytes and headers of one POST. */
import type { EventDraft } from '../../canonical/event.ts';
import type { Endpoint, Subscription } from '../../tenants/endpoints.ts';
import type { StoredEvent } from '../event.ts';

/** What goes over the wire; the body is sent as UTF-8. */
export interface Posting {
  headers: Record<string, string>;
  body: string;
}

export interface Signing {
  /** The live secrets of the endpoint, newest first. */
  secrets: string[];
  nowMs: number;
  /** Of the number the events are of, for endpoints that sign as Meta would; null where there is none. */
  appSecret: string | null;
  /** How often the event was posted, this time included: 1, 2, … */
  attempt: number;
}

export interface Format {
  /** Whether the format can tell this event at all. */
  hasWords(event: EventDraft): boolean;
  /** What the endpoint asked for beyond number and patterns. */
  wants(endpoint: Subscription, event: EventDraft): boolean;
  /** Whether one POST may hold several events. */
  batches: boolean;
  /** Of events that it has words for, at least one; several only where it batches. */
  post(events: StoredEvent[], endpoint: Endpoint, signing: Signing): Posting;
}
