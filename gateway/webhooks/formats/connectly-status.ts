/** Connectly's delivery status, with its error object where the message failed (vendor-apis.md §2.4, §2.6). */
import { createHash } from 'node:crypto';
import type { EventType } from '../../canonical/event.ts';
import { isObject, type Json, type JsonObject } from '../../canonical/json.ts';
import type { Refusal } from '../../canonical/refusal.ts';
import { refuse } from '../../dialects/connectly/refuse.ts';
import type { StoredEvent } from '../event.ts';
import { business, callback, person, timestamp } from './connectly-parties.ts';

type Status = 'sent' | 'delivered' | 'read' | 'delivery_failed';

const statuses: Partial<Record<EventType, Status>> = {
  'message.sent': 'sent',
  'message.delivered': 'delivered',
  'message.read': 'read',
  'message.failed': 'delivery_failed',
  'message.expired': 'delivery_failed',
};

export const isStatus = (type: EventType): boolean => statuses[type] !== undefined;

export function deliveryStatus(event: StoredEvent): JsonObject {
  const { type, at, data, messageId } = event;
  const message = isObject(data.message) ? data.message : {};
  const { id, to, campaign = null } = message;
  const status = statuses[type]!;
  return {
    topic: 'delivery_status',
    timestamp: timestamp(at),
    sender: business(isObject(data.number) ? data.number : {}),
    recipient: person([...new Set([to, ...userIdTold(event)])].filter(name => typeof name === 'string')),
    statusUpdate: {
      id: id ?? messageId ?? '',
      status,
      error: status === 'delivery_failed' ? failure(event, message) : null,
    },
    metadata: campaign === null ? null : { campaign_name: campaign },
    ...callback(message),
  };
}

/** Meta names the user id beside the phone number. */
function userIdTold({ meta }: StoredEvent): Json[] {
  const [status] = Array.isArray(meta?.value.statuses) ? meta.value.statuses : [];
  return isObject(status) && status.recipient_user_id !== undefined ? [status.recipient_user_id] : [];
}

function failure(event: StoredEvent, message: JsonObject): Json {
  const { body } = refuse(refusalOf(event, message));
  // One event has one trace, however often it is posted.
  return isObject(body) ? { ...body, cntTraceId: traceOf(event.id) } : body;
}

/** The error object is the one that the send door would have answered for the same reason. */
function refusalOf({ type, messageId }: StoredEvent, message: JsonObject): Refusal {
  const error = isObject(message.error) ? message.error : {};
  const { code, title, details, reason } = error;
  if (typeof code === 'number') {
    const words = { title: typeof title === 'string' ? title : '', details: text(details) ?? text(reason) };
    return {
      code: 'meta_rejected',
      messageId,
      error: {
        httpStatus: 200,
        code,
        subcode: null,
        body: {},
        title: words.title,
        details: words.details ?? null,
      },
    };
  }
  const status = type === 'message.expired' ? 'expired' : 'failed';
  const said = text(reason) ?? text(details) ?? `The message ${status === 'expired' ? 'expired' : 'failed'}`;
  return { code: 'message_ended', messageId: messageId ?? '', status, reason: said };
}

/** A decimal uint64 as text, as `cntTraceId` is everywhere. */
const traceOf = (eventId: string): string =>
  createHash('sha256').update(eventId).digest().readBigUInt64BE().toString();

const text = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;
