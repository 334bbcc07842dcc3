/** What the dialects share whose bodies and answers have Meta's own form: Cloud API, Connexease and our own. */
import { type Content, type ContentType, isContentType } from '../canonical/content.ts';
import type { JsonObject } from '../canonical/json.ts';
import { given } from './reading.ts';

/**
 * The content of a body: its type, the one object that type names, and the members that belong to neither the `envelope`
 * nor another type. Seeds/000 shows text, image and template objects in one body: only the named one is sent.
 */
export function contentOf(body: JsonObject, type: ContentType, envelope: ReadonlySet<string>): Content {
  const rest = Object.entries(body).filter(
    ([key, value]) => value !== null && key !== 'type' && !isContentType(key) && !envelope.has(key),
  );
  const named = given(body, type);
  return { ...Object.fromEntries(rest), type, ...(named === undefined ? {} : { [type]: named }) };
}
