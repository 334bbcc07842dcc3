/** The native send: our own members in camelCase, the content in Meta's words (docs/dialects/native.md). */
import { type Content, contentTypes, isContentType, type MetaEndpoint } from '../../canonical/content.ts';
import { isObject, type JsonObject } from '../../canonical/json.ts';
import { invalid, isRefusal, type Refusal, required } from '../../canonical/refusal.ts';
import type { Command, WireRequest } from '../dialect.ts';
import { contentOf } from '../meta-form.ts';
import { asFlag, given, withoutNulls } from '../reading.ts';
import { readEndpoint, readFallback, readLabel, readNumber, readSendAt, readTtl } from './options.ts';
import { readRecipient } from './recipient.ts';

/** Ours, not content. */
const envelope = new Set([
  ...['to', 'number', 'callbackData', 'campaign', 'sendAt', 'ttlSeconds', 'fake', 'endpoint', 'window'],
]);

/** Members of Meta's beside the content object that change what is sent (cloud-api.md §1.1, §1.10, §3). */
const metaMembers = new Set([
  ...['type', 'context', 'recipient_identity_key_hash', 'category', 'direct_send_config'],
  ...['product_policy', 'message_activity_sharing'],
]);

export function read(wire: WireRequest): Command | Refusal {
  if (!isObject(wire.body)) return { code: 'body_unreadable', reason: 'it must be a JSON object' };
  const body = withoutNulls(wire.body);
  const content = readContent(body);
  if (isRefusal(content)) return content;
  const recipient = readRecipient(given(body, 'to'));
  if (isRefusal(recipient)) return recipient;
  const options = readOptions(body);
  if (isRefusal(options)) return options;
  return {
    kind: 'send',
    recipients: [recipient],
    tags: [],
    content,
    wait: isAsynchronous(wire) ? 'commit' : 'meta',
    ...options,
  };
}

/** Answered at commit: by the caller's wish (RFC 7240), or because the message has its own time. */
export function isAsynchronous(wire: WireRequest): boolean {
  return prefersAsync(wire) || (isObject(wire.body) && given(wire.body, 'sendAt') !== undefined);
}

export function prefersAsync({ headers }: WireRequest): boolean {
  const preferences = (headers.prefer ?? '').split(',').map(part => part.split(';')[0]?.trim().toLowerCase());
  return preferences.includes('respond-async');
}

export function readContent(body: JsonObject): Content | Refusal {
  const type = given(body, 'type');
  if (type === undefined) return required('type');
  if (!isContentType(type)) return invalid('type', 'enum', `must be one of ${contentTypes.join(', ')}`);
  // A misspelled sendAt that is passed over in silence would send at once: our own API knows its members.
  const stranger = Object.keys(body).find(key => key !== type && !envelope.has(key) && !metaMembers.has(key));
  if (stranger === undefined) return contentOf(body, type, envelope);
  const message = isContentType(stranger)
    ? `does not go with type ${type}`
    : 'is not a member of this request';
  return invalid(stranger, 'conflict', message);
}

type Options = Pick<
  Extract<Command, { kind: 'send' }>,
  'number' | 'endpoint' | 'fake' | 'callbackData' | 'campaign' | 'sendAt' | 'ttlMs' | 'fallback'
>;

function readOptions(body: JsonObject): Options | Refusal {
  const number = readNumber(body);
  if (isRefusal(number)) return number;
  const endpoint: MetaEndpoint | Refusal = readEndpoint(body);
  if (isRefusal(endpoint)) return endpoint;
  const callbackData = readLabel(body, 'callbackData', 1024);
  if (isRefusal(callbackData)) return callbackData;
  const campaign = readLabel(body, 'campaign', 256);
  if (isRefusal(campaign)) return campaign;
  const sendAt = readSendAt(body);
  if (isRefusal(sendAt)) return sendAt;
  const ttlMs = readTtl(body);
  if (isRefusal(ttlMs)) return ttlMs;
  const fake = asFlag(given(body, 'fake') ?? false);
  if (fake === undefined) return invalid('fake', 'type', 'must be a boolean');
  const fallback = readFallback(body);
  if (isRefusal(fallback)) return fallback;
  return { number, endpoint, fake, callbackData, campaign, sendAt, ttlMs, fallback };
}
