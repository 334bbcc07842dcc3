/** A call to `/messages` or `/marketing_messages`, read into a command (cloud-api.md §1.1, §1.6, §3). */
import type { MetaEndpoint } from '../../canonical/content.ts';
import { isObject, type JsonObject } from '../../canonical/json.ts';
import { codePoints } from '../../canonical/limits/value.ts';
import { invalid, isRefusal, type Refusal, required } from '../../canonical/refusal.ts';
import type { Command, NumberSelector, WireRequest } from '../dialect.ts';
import { asText, given } from '../reading.ts';
import { unfolded } from './body.ts';
import { readContent, readMarketingContent } from './content.ts';
import { readRecipient } from './recipient.ts';
import { readWord } from './word.ts';

/** Checks stand in Graph's order: the product, then the recipient, then what is said. */
export function read(wire: WireRequest, endpoint: MetaEndpoint): Command | Refusal {
  // No body is an empty one: Graph then misses its first required parameter.
  const sent = wire.body ?? {};
  if (!isObject(sent)) return { code: 'body_unreadable', reason: 'it must be a JSON object' };
  const body = unfolded(sent);
  const product = readWord(body, 'messaging_product', ['whatsapp']);
  if (product === undefined) return required('messaging_product');
  if (typeof product === 'object') return product;
  const number: NumberSelector = { by: 'phoneNumberId', id: wire.params.phoneNumberId ?? '' };
  if (endpoint === 'messages' && given(body, 'status') !== undefined) return readMarkRead(body, number);

  const recipient = readRecipient(body);
  if (isRefusal(recipient)) return recipient;
  if (endpoint === 'marketing_messages' && recipient.kind === 'group') {
    return invalid('recipient_type', 'enum', 'must be one of {INDIVIDUAL} - got "GROUP"');
  }
  const content = endpoint === 'messages' ? readContent(body) : readMarketingContent(body);
  if (isRefusal(content)) return content;
  const callbackData = readCallbackData(body);
  if (isRefusal(callbackData)) return callbackData;
  return {
    kind: 'send',
    number,
    recipients: [recipient],
    tags: [],
    content,
    endpoint,
    fake: false,
    wait: 'meta',
    callbackData,
    campaign: null,
    sendAt: null,
    ttlMs: null,
    fallback: null,
  };
}

function readMarkRead(body: JsonObject, number: NumberSelector): Command | Refusal {
  const status = readWord(body, 'status', ['read']);
  if (typeof status === 'object') return status;
  const messageId = asText(given(body, 'message_id'));
  if (messageId === undefined || messageId === '') return required('message_id');
  const typing = given(body, 'typing_indicator');
  const meta: JsonObject = { messaging_product: 'whatsapp', status: 'read', message_id: messageId };
  if (typing === undefined) return { kind: 'mark_read', number, messageId, body: meta };
  if (!isObject(typing)) return invalid('typing_indicator', 'type', 'must be an object');
  if (typing.type !== 'text') return invalid('typing_indicator.type', 'enum', 'must be "text"');
  return { kind: 'mark_read', number, messageId, body: { ...meta, typing_indicator: { type: 'text' } } };
}

/** Raised from 256 to 512 characters in 2025 (cloud-api.md §1.1). */
const callbackDataMax = 512;

function readCallbackData(body: JsonObject): string | null | Refusal {
  const value = given(body, 'biz_opaque_callback_data');
  if (value === undefined) return null;
  const text = asText(value);
  if (text === undefined) return invalid('biz_opaque_callback_data', 'type', 'must be a string');
  const length = codePoints(text);
  if (length <= callbackDataMax) return text;
  const message = `must be at most ${callbackDataMax} characters, has ${length}`;
  return invalid('biz_opaque_callback_data', 'length', message);
}
