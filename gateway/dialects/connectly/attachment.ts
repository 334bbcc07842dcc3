/** `{type, url, caption?, filename?}`, the one form Connectly has for media, in a message and in a header. */
import { isObject, type Json, type JsonObject } from '../../canonical/json.ts';
import { invalid, type Refusal, type RefusalOf, required } from '../../canonical/refusal.ts';
import { asText, compact, given, isBlank } from '../reading.ts';

export type MediaType = 'image' | 'video' | 'audio' | 'document';
type Media = JsonObject & { type: MediaType };

/**
 * Meta's `{type, <type>: {link, caption?, filename?}}`. WhatsApp shows a caption on image, video and document, a
 * filename on a document, and neither elsewhere, where they are left out.
 */
export function readAttachment(
  value: Json | undefined,
  path: string,
  types: readonly MediaType[],
  { captions }: { captions: boolean },
): Media | Refusal {
  if (!isObject(value)) return invalid(path, 'type', 'must be an object with type and url');
  const type = types.find(each => each === given(value, 'type'));
  if (type === undefined) {
    return invalid(`${path}.type`, 'enum', `must be ${types.slice(0, -1).join(', ')} or ${types.at(-1)}`);
  }
  const url = readUrl(given(value, 'url'), `${path}.url`);
  if (typeof url !== 'string') return url;
  const caption = captions && type !== 'audio' ? textMember(value, 'caption') : undefined;
  const filename = type === 'document' ? textMember(value, 'filename') : undefined;
  return { type, [type]: compact({ link: url, caption, filename }) };
}

/** An address Meta can fetch; an empty and an unreadable one are two different errors at Connectly. */
export function readUrl(value: Json | undefined, path: string): string | RefusalOf<'field_invalid'> {
  if (isBlank(value)) return required(path);
  const url = typeof value === 'string' ? value.trim() : '';
  if (/^https?:\/\/\S+$/i.test(url) && URL.canParse(url)) return url;
  return invalid(path, 'format', 'must be an http:// or https:// URL');
}

/** A text, absent when empty; anything else goes through as it is, for limits to name its type. */
export function textMember(object: JsonObject, key: string): Json | undefined {
  const value = given(object, key);
  return isBlank(value) ? undefined : (asText(value) ?? value);
}
