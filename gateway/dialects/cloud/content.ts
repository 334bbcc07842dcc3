/** What a Cloud API body says: its type, the object that type names, and whatever newer member Meta understands. */
import { type Content, type ContentType, contentTypes } from '../../canonical/content.ts';
import type { JsonObject } from '../../canonical/json.ts';
import { invalid, type Refusal, required } from '../../canonical/refusal.ts';
import { contentOf } from '../meta-form.ts';
import { asFlag, given } from '../reading.ts';
import { templateOnly } from './issue-error.ts';
import { readWord } from './word.ts';

/** Members that are not content: sender, recipient, the caller's own value, and Graph's options for the call itself. */
const envelope = new Set([
  ...['messaging_product', 'recipient_type', 'to', 'recipient', 'biz_opaque_callback_data'],
  ...['status', 'message_id', 'typing_indicator'],
  ...['access_token', 'appsecret_proof', 'method', 'pretty', 'debug', 'locale', 'suppress_http_code'],
]);

export function readContent(body: JsonObject): Content | Refusal {
  const type = readType(body);
  return typeof type === 'string' ? contentOf(body, type, envelope) : type;
}

/**
 * Without `type` a body with `text` is a text, as ever. A body with one other content object is of that type: Meta's own
 * example of a reply to a list has no `type` (meta-examples/send-reply-to-list-message.json).
 */
function readType(body: JsonObject): ContentType | Refusal {
  const type = readWord(body, 'type', contentTypes);
  if (type !== undefined) return type;
  if (given(body, 'text') !== undefined) return 'text';
  const [only, ...others] = contentTypes.filter(name => given(body, name) !== undefined);
  return only !== undefined && others.length === 0 ? only : required('type');
}

/** Marketing Messages API: a template, and two members of its own (cloud-api.md §3). */
export function readMarketingContent(body: JsonObject): Content | Refusal {
  const content = readContent(body);
  if (!('type' in content)) return content;
  if (content.type !== 'template') return invalid('type', 'conflict', templateOnly);
  const policy = readWord(body, 'product_policy', ['cloud_api_fallback', 'strict']);
  if (typeof policy === 'object') return policy;
  if (policy !== undefined) content.product_policy = policy.toUpperCase();
  const sharing = given(body, 'message_activity_sharing');
  if (sharing === undefined) return content;
  const flag = asFlag(sharing);
  if (flag === undefined) return invalid('message_activity_sharing', 'type', 'must be a boolean');
  content.message_activity_sharing = flag;
  return content;
}
