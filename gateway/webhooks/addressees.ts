/** Whom of a tenant's endpoints an event is for. */
import type { EventDraft } from '../canonical/event.ts';
import { isObject } from '../canonical/json.ts';
import type { Subscription } from '../tenants/endpoints.ts';
import { wantsEvent } from './formats/render.ts';

/** How often a listener's process says that it is still there, and when it is taken to be gone: after a kill nobody removes it. */
export const listenerBeatMs = 15_000;
const listenerGoneMs = 4 * listenerBeatMs;

export function addressees(endpoints: Subscription[], event: EventDraft, now: number): Subscription[] {
  const asking = endpoints.filter(endpoint => !isGone(endpoint, now) && wantsEvent(endpoint, event));
  // Of Meta's callbacks the number's goes before its account's (cloud-api.md §7.1).
  const hasOwn = asking.some(endpoint => endpoint.door === 'cloud' && endpoint.numberId !== null);
  return hasOwn ? asking.filter(({ door, numberId }) => door !== 'cloud' || numberId !== null) : asking;
}

/** Of a listener (`wagate listen`) whose process has ended without a word. */
export function isGone({ door, updatedAt }: Subscription, now: number): boolean {
  return door === 'listen' && updatedAt < now - listenerGoneMs;
}

/** Connectly's echo: what was sent is told to the one who sent it. */
export function wantsContent({ format, doorData }: Subscription): boolean {
  return format === 'connectly' && isObject(doorData.configuration) && doorData.configuration.echo === true;
}
