/** Whom of a tenant's endpoints an event is for. */
import type { EventDraft } from '../canonical/event.ts';
import { isObject } from '../canonical/json.ts';
import type { Subscription } from '../tenants/endpoints.ts';
import { wantsEvent } from './formats/render.ts';
import { isGone } from './listeners.ts';

export function addressees(endpoints: Subscription[], event: EventDraft, now: number): Subscription[] {
  const asking = endpoints.filter(endpoint => !isGone(endpoint, now) && wantsEvent(endpoint, event));
  // Of Meta's callbacks the number's goes before its account's (cloud-api.md §7.1).
  const hasOwn = asking.some(endpoint => endpoint.door === 'cloud' && endpoint.numberId !== null);
  return hasOwn ? asking.filter(({ door, numberId }) => door !== 'cloud' || numberId !== null) : asking;
}

/** Connectly's echo: what was sent is told to the one who sent it. */
export function wantsContent({ format, doorData }: Subscription): boolean {
  return format === 'connectly' && isObject(doorData.configuration) && doorData.configuration.echo === true;
}
