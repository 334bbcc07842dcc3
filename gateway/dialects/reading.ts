/** Reading members of a parsed JSON body the way callers really write them: ids as numbers, null for "left out". */
import { isObject, type Json, type JsonObject } from '../canonical/json.ts';

/** The member, with null told as absent: generated clients write null for what they leave out. */
export function given(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? (object[key] ?? undefined) : undefined;
}

/**
 * A string, or a whole number as its digits (callers send ids and phone numbers unquoted); else undefined.
 * A number past 2^53 has already lost digits in JSON.parse, so it is not taken for an id.
 */
export function asText(value: Json | undefined): string | undefined {
  if (typeof value === 'string') return value;
  return Number.isSafeInteger(value) ? String(value) : undefined;
}

/** A boolean, also written `"true"`, `"false"`, `"1"`, `"0"`, 1 or 0 (query parameters, form fields); else undefined. */
export function asFlag(value: Json | undefined): boolean | undefined {
  const word = String(value).toLowerCase();
  if (word === 'true' || word === '1') return true;
  if (word === 'false' || word === '0') return false;
  return undefined;
}

/** A whole number ≥ 0, also written in a string of digits; else undefined. */
export function asCount(value: Json | undefined): number | undefined {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) && (number as number) >= 0 ? (number as number) : undefined;
}

/** Objects whose members are the caller's own data, where null is a value (Flows). */
const opaque = new Set(['data', 'flow_action_data']);

/** What is nested deeper than any documented body is left as it is; `canonical/limits.ts` refuses it. */
const depthMax = 64;

/** The same object without members that are null, at any depth; elements of arrays stay. */
export function withoutNulls(object: JsonObject, depth = 0): JsonObject {
  const kept = Object.entries(object).filter(([, value]) => value !== null);
  return Object.fromEntries(
    kept.map(([key, value]) => [key, opaque.has(key) ? value : denulled(value, depth + 1)]),
  );
}

function denulled(value: Json, depth: number): Json {
  if (depth > depthMax) return value;
  if (Array.isArray(value)) return value.map(element => denulled(element, depth + 1));
  return isObject(value) ? withoutNulls(value, depth) : value;
}

/** The same members without those that are undefined: for building wire objects from optional parts. */
export function compact(members: Record<string, Json | undefined>): JsonObject {
  const kept: JsonObject = {};
  for (const [key, value] of Object.entries(members)) {
    if (value !== undefined) kept[key] = value;
  }
  return kept;
}

/** True for what stands for "left out" in a form or a generated body: nothing, null, an empty or blank string. */
export function isBlank(value: Json | undefined): value is undefined | null | '' {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}
