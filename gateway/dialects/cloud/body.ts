/** The body of a call to Graph, in whichever of its three media types, as one JSON object. */
import { contentTypes } from '../../canonical/content.ts';
import { type Json, type JsonObject, parseJson } from '../../canonical/json.ts';
import { withoutNulls } from '../reading.ts';

/** Members that are objects or arrays: a form carries them as JSON text, and some clients do so inside JSON too. */
const structured = new Set<string>([
  ...contentTypes,
  ...['context', 'typing_indicator', 'direct_send_config', 'webhook_configuration'],
]);

/** A body of whichever media type with its structured members unfolded, and without those that are null. */
export function unfolded(body: JsonObject): JsonObject {
  const members = Object.entries(body).map(([key, value]): [string, Json] => [key, unfold(key, value)]);
  return withoutNulls(Object.fromEntries(members));
}

function unfold(key: string, value: Json): Json {
  if (typeof value !== 'string' || !structured.has(key)) return value;
  const inner = parseJson(value);
  return typeof inner === 'object' && inner !== null ? inner : value;
}
