/** What an AutoKonnect request says: `type` and the flat members beside it (seeds/004 'Message Types and Payloads'). */
import type { Content } from '../../canonical/content.ts';
import { isObject, type JsonObject } from '../../canonical/json.ts';
import { invalid, type Refusal, required } from '../../canonical/refusal.ts';
import type { TemplateNeed } from '../dialect.ts';
import { asText, compact, given, isBlank, withoutNulls } from '../reading.ts';
import { readTemplate } from './template.ts';

/** The content, or the refusal to give once the audience is known to hold someone. */
export function readContent(body: JsonObject): Content | TemplateNeed | Refusal {
  const type = given(body, 'type');
  switch (type) {
    case 'text':
      return text(body);
    case 'image':
    case 'video':
    case 'audio':
    case 'document':
      return media(body, type);
    case 'template':
      return readTemplate(body);
    case 'interactive':
      return interactive(body);
    default:
      return invalid('type', 'enum', 'must be text, image, video, audio, document, template or interactive');
  }
}

function text(body: JsonObject): Content | Refusal {
  const message = given(body, 'message');
  if (isBlank(message)) return required('message');
  const said = asText(message);
  if (said === undefined) return invalid('message', 'type', 'must be a string');
  return { type: 'text', text: { body: said } };
}

/** `caption` is documented for image, video and document; WhatsApp shows none on audio, so there it is left out. */
function media(body: JsonObject, type: 'image' | 'video' | 'audio' | 'document'): Content | Refusal {
  const link = given(body, 'link');
  if (isBlank(link)) return required('link');
  if (typeof link !== 'string') return invalid('link', 'type', 'must be a string');
  const caption = given(body, 'caption');
  const shown = type === 'audio' || isBlank(caption) ? undefined : caption;
  return { type, [type]: compact({ link: link.trim(), caption: shown }) };
}

function interactive(body: JsonObject): Content | Refusal {
  const payload = given(body, 'interactive');
  if (isBlank(payload)) return required('interactive');
  if (!isObject(payload)) return invalid('interactive', 'type', 'must be an object');
  return { type: 'interactive', interactive: withoutNulls(payload) };
}
