/** What is told of a broadcast: as an event to endpoints, and as the beginning of what the API says. */
import type { EventDraft, EventType } from '../canonical/event.ts';
import type { Broadcast } from './broadcast.ts';

type BroadcastEvent = Extract<EventType, `broadcast.${string}`>;

export function broadcastEvent(type: BroadcastEvent, broadcast: Broadcast, at: number): EventDraft {
  const { id, name, state, reason, detail, numberIds, recipients, taken, skipped } = broadcast;
  return {
    ...{
      type,
      at,
      numberId: numberIds.length === 1 ? numberIds[0]! : null,
      person: null,
      messageId: null,
      meta: null,
    },
    data: { broadcast: { id, name, state, reason, detail, numbers: numberIds, recipients, taken, skipped } },
  };
}
