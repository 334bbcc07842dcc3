/**
 * Connectly's JSON front takes a member under its proto name and under its camelCase name: the same page writes
 * `list_message` in prose and `listMessage` in the schema (vendor-apis.md §2.2).
 */
import { isObject, type Json, type JsonObject } from '../../canonical/json.ts';

/** Members that hold the caller's own data: their inside is not ours to rename. */
const opaque = new Set(['callbackData']);

/** Far deeper than any documented body; what lies below is left as it is, for limits to refuse. */
const depthMax = 64;

/** The object with every member in camelCase, at any depth. Of a member written both ways camelCase counts. */
export function camelCased(object: JsonObject, depth = 0): JsonObject {
  const renamed: [string, Json][] = [];
  for (const [key, value] of Object.entries(object)) {
    const name = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (name !== key && Object.hasOwn(object, name)) continue;
    renamed.push([name, opaque.has(name) ? value : inside(value, depth + 1)]);
  }
  return Object.fromEntries(renamed);
}

function inside(value: Json, depth: number): Json {
  if (depth > depthMax) return value;
  if (Array.isArray(value)) return value.map(element => inside(element, depth + 1));
  return isObject(value) ? camelCased(value, depth) : value;
}
