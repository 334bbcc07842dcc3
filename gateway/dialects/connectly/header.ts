/** `header: {text}` or `header: {attachment}`, and `footer: {text}`, of interactive messages (vendor-apis.md §2.2). */
import { isObject, type JsonObject } from '../../canonical/json.ts';
import { invalid, type Refusal } from '../../canonical/refusal.ts';
import { given, isBlank } from '../reading.ts';
import { type MediaType, readAttachment, textMember } from './attachment.ts';

/** `media`: the attachment types WhatsApp shows above this kind of message; none above lists and products. */
export function readHeader(
  message: JsonObject,
  path: string,
  media: readonly MediaType[],
): JsonObject | undefined | Refusal {
  const header = given(message, 'header');
  if (isBlank(header)) return undefined;
  const here = `${path}.header`;
  if (!isObject(header)) return invalid(here, 'type', 'must be an object with text or attachment');
  const text = textMember(header, 'text');
  const attachment = given(header, 'attachment');
  if (attachment === undefined) return text === undefined ? undefined : { type: 'text', text };
  if (text !== undefined) return invalid(here, 'conflict', 'must have either text or attachment, not both');
  if (media.length === 0) {
    return invalid(
      `${here}.attachment`,
      'conflict',
      'is not allowed here: WhatsApp shows only a text header',
    );
  }
  return readAttachment(attachment, `${here}.attachment`, media, { captions: false });
}

export function readFooter(message: JsonObject, path: string): JsonObject | undefined | Refusal {
  const footer = given(message, 'footer');
  if (isBlank(footer)) return undefined;
  if (!isObject(footer)) return invalid(`${path}.footer`, 'type', 'must be an object with text');
  const text = textMember(footer, 'text');
  return text === undefined ? undefined : { text };
}
