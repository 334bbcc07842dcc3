/** A Connexease body, read into a command. Documents disagree here and there; docs/dialects/connexease.md says what is taken. */
import { type Content, type ContentType, isContentType } from '../../canonical/content.ts';
import { isObject, type JsonObject } from '../../canonical/json.ts';
import { invalid, isRefusal, type Refusal, required } from '../../canonical/refusal.ts';
import type { Command, WireRequest } from '../dialect.ts';
import { contentOf } from '../meta-form.ts';
import { asPhone, phoneRule } from '../phone.ts';
import { asFlag, asText, given, isBlank, withoutNulls } from '../reading.ts';

/** seeds/001 has six, seeds/000 four; video is on no page, yet in the vendor's table of media sizes. */
const types: readonly ContentType[] = [
  'text',
  'image',
  'audio',
  'video',
  'document',
  'template',
  'interactive',
];

const envelope = new Set([
  ...['messaging_product', 'recipient_type', 'to', 'recipient', 'biz_opaque_callback_data'],
  ...['is_fake', 'mmlite', 'status', 'message_id', 'typing_indicator'],
]);

export function read(wire: WireRequest): Command | Refusal {
  const mmlite = readFlag(wire, 'mmlite');
  if (isRefusal(mmlite)) return mmlite;
  const fake = readFlag(wire, 'is_fake');
  if (isRefusal(fake)) return fake;
  if (!isObject(wire.body)) return { code: 'body_unreadable', reason: 'it must be a JSON object' };
  const body = withoutNulls(wire.body);

  const wrong = checkEnvelope(body);
  if (wrong) return wrong;
  const to = given(body, 'to');
  if (isBlank(to)) return required('to');
  const recipient = asPhone(to);
  if (recipient === undefined) return invalid('to', 'format', phoneRule);
  const content = readContent(body);
  if (isRefusal(content)) return content;
  if (mmlite && content.type !== 'template') {
    return invalid('type', 'conflict', 'must be "template" when mmlite is true');
  }
  return {
    kind: 'send',
    number: { by: 'only' },
    recipients: [recipient],
    tags: [],
    content,
    endpoint: mmlite ? 'marketing_messages' : 'messages',
    fake,
    wait: 'meta',
    callbackData: asText(given(body, 'biz_opaque_callback_data')) ?? null,
    campaign: null,
    sendAt: null,
    ttlMs: null,
    fallback: null,
  };
}

/** A query parameter that is a boolean; guessing at a sandbox flag could send a real message. */
function readFlag({ query }: WireRequest, name: string): boolean | Refusal {
  const value = query[name];
  if (value === undefined) return false;
  return asFlag(value) ?? invalid(name, 'type', 'must be true or false');
}

function checkEnvelope(body: JsonObject): Refusal | undefined {
  // seeds/000 lists "whatsapp" as the default, so it may be left out.
  const product = given(body, 'messaging_product') ?? 'whatsapp';
  if (product !== 'whatsapp') return invalid('messaging_product', 'enum', 'must be "whatsapp"');
  const kind = given(body, 'recipient_type') ?? 'individual';
  if (kind !== 'individual') return invalid('recipient_type', 'enum', 'must be "individual"');
  if (asFlag(given(body, 'is_fake')) === true) {
    return invalid(
      'is_fake',
      'conflict',
      'must be a query parameter (?is_fake=true), it has no effect in the body',
    );
  }
  return undefined;
}

function readContent(body: JsonObject): Content | Refusal {
  const type = given(body, 'type');
  if (isBlank(type)) return required('type');
  if (isContentType(type) && types.includes(type)) return contentOf(body, type, envelope);
  return invalid('type', 'enum', `must be one of ${types.join(', ')}`);
}
