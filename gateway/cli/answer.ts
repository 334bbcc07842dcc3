/** Reading members of the API's answers, which arrive as any JSON. */
import { isObject, type Json, type JsonObject } from '../canonical/json.ts';

export function textOf(object: JsonObject, name: string): string {
  const value = object[name];
  return value === null || value === undefined
    ? ''
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);
}

export function rowsOf(answer: JsonObject, name = 'data'): JsonObject[] {
  const list: Json | undefined = answer[name];
  return Array.isArray(list) ? list.filter(isObject) : [];
}
