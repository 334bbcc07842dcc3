/** The one way in: events to bytes, in the format of the endpoint. Pure, and deterministic for the same moment. */
import { type EventDraft, matchesPattern } from '../../canonical/event.ts';
import type { Endpoint, EndpointFormat, Subscription } from '../../tenants/endpoints.ts';
import type { StoredEvent } from '../event.ts';
import { connectly } from './connectly.ts';
import type { Format, Posting, Signing } from './format.ts';
import { meta } from './meta.ts';
import { standard } from './standard.ts';

const formats: Record<EndpointFormat, Format> = { standard, meta, connectly };

/**
 * One POST with these events, in this order. Events the format has no words for are left out; undefined when none is left.
 * Throws when several events are given to a format that takes one at a time (eventsPerPost).
 */
export function render(
  format: EndpointFormat,
  events: StoredEvent[],
  endpoint: Endpoint,
  signing: Signing,
): Posting | undefined {
  const { hasWords, batches, post } = formats[format];
  const told = events.filter(hasWords);
  if (told.length === 0) return undefined;
  if (told.length > 1 && !batches) throw new RangeError(`The ${format} format takes one event per POST`);
  return post(told, endpoint, signing);
}

/** How many events one POST to this endpoint may hold. */
export function eventsPerPost({ format, batchMax }: Pick<Subscription, 'format' | 'batchMax'>): number {
  return formats[format].batches ? Math.max(1, batchMax) : 1;
}

/** Whether the format can tell this event. */
export function hasWords(format: EndpointFormat, event: EventDraft): boolean {
  return formats[format].hasWords(event);
}

/**
 * Whether this event is posted to this endpoint: its number, its patterns, what its format can tell, and what the endpoint asked for in
 * the words of its door. Says nothing about its status: what a paused or disabled endpoint wants waits.
 */
export function wantsEvent(endpoint: Subscription, event: EventDraft): boolean {
  const { numberId, events: patterns, format } = endpoint;
  // What is of no number concerns all of them.
  if (numberId !== null && event.numberId !== null && numberId !== event.numberId) return false;
  if (!patterns.some(pattern => matchesPattern(pattern, event.type))) return false;
  return formats[format].hasWords(event) && formats[format].wants(endpoint, event);
}
