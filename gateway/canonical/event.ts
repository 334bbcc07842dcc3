/** Events: facts in our words, told to a tenant's endpoints (webhooks/). Each type with what it says, in one list. */
import type { JsonObject } from './json.ts';

/** Every type there is, and when it happens. docs/events.md is made from it. */
export const eventTypes = {
  'message.accepted': 'Meta took the message.',
  'message.sent': 'Meta sent it.',
  'message.delivered': "It reached the recipient's device.",
  'message.read': 'The recipient read it.',
  'message.played': 'The recipient played the voice message.',
  'message.failed': 'It will not be delivered; `error` says why.',
  'message.expired': 'Nobody could send it within its time to live.',
  'message.canceled': 'It was canceled before it was sent.',
  'message.uncertain':
    'It was written to Meta and no answer came. It is not sent again; the next status settles it.',
  'message.received': 'Somebody wrote to the number.',
  'recipient.opted_out': 'Somebody asked for no more marketing.',
  'recipient.opted_in': 'Somebody asked for marketing again.',
  'recipient.changed': 'Somebody has a new phone number or user id.',
  'template.status_changed': 'Meta approved, rejected, paused or deleted a template.',
  'template.quality_changed': "A template's quality changed.",
  'template.category_changed': 'Meta changed, or will change, the category of a template.',
  'template.components_changed': 'The text of a template changed.',
  'number.quality_changed': "The number's quality or throughput changed.",
  'number.name_changed': 'Meta decided on a display name.',
  'number.username_changed': "The number's username changed.",
  'number.security_changed': "The number's PIN was changed or asked for.",
  'number.disconnected':
    'Meta refuses the access token of the number: nothing is sent until it is connected again.',
  'account.updated': 'Something about the WhatsApp Business Account changed.',
  'account.alert': 'Meta warns about the account.',
  'account.reviewed': 'Meta reviewed the account.',
  'account.capability_changed': 'How many messages or numbers the account may have changed.',
  'broadcast.started': 'A broadcast began to send.',
  'broadcast.paused': 'A broadcast sends nothing until it is resumed; `reason` and `detail` say why.',
  'broadcast.completed': 'Nothing of a broadcast is left to send.',
  'broadcast.canceled': 'Somebody ended a broadcast before it was complete.',
  'balance.low': 'The balance fell below its threshold.',
  'endpoint.disabled':
    'An endpoint failed for days, or answered 410: nothing is posted to it until it is enabled again.',
  'endpoint.test': 'A test that somebody asked for.',
  'meta.error': 'Meta reports a problem of its own with a number.',
  'meta.change': 'Meta told something that has no name here yet; the `meta` format passes it on as it is.',
} as const satisfies Record<string, string>;

export type EventType = keyof typeof eventTypes;

/** One thing that happened, as whoever noticed it tells it (webhooks/announce.ts). */
export interface EventDraft {
  type: EventType;
  /** When it happened, Unix ms: Meta's time where Meta told it. */
  at: number;
  /** null: of the whole tenant. */
  numberId: number | null;
  /** Digits or user id of the recipient or sender: with the number it is the conversation. null: of nobody. */
  person: string | null;
  /** Ours, for `message.*` but `message.received`. */
  messageId: string | null;
  /** What the event says, in our words; `data` of the standard format. */
  data: JsonObject;
  /** What Meta told, reduced to this one item; null when it did not come from Meta. */
  meta: MetaChange | null;
}

/** One change of Meta's webhook with one item in it (cloud-api.md §7.2): what an SDK that reads only the first of everything can read. */
export interface MetaChange {
  wabaId: string;
  /** `entry.time`, Unix seconds; null where Meta gives none. */
  time: number | null;
  field: string;
  value: JsonObject;
}

/** `message.failed`, `message.*`, `*`. */
export function isEventPattern(text: string): boolean {
  if (text === '*' || text in eventTypes) return true;
  return text.endsWith('.*') && Object.keys(eventTypes).some(type => type.startsWith(text.slice(0, -1)));
}

export function matchesPattern(pattern: string, type: EventType): boolean {
  return (
    pattern === '*' || pattern === type || (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1)))
  );
}
