/** Reading what Meta may leave out or write in more than one way. */
import { isObject, type Json, type JsonObject } from '../canonical/json.ts';

export const items = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);

export const objects = (value: Json | undefined): JsonObject[] => items(value).filter(isObject);

export const text = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined;

/** Meta's timestamps: Unix seconds, as text in messages and statuses, as numbers elsewhere. Unix ms. */
export function seconds(value: Json | undefined): number | undefined {
  const number = Number(value ?? Number.NaN);
  return Number.isInteger(number) && number > 0 ? number * 1000 : undefined;
}

/** Names of one person, each once. */
export const namesOf = (names: (Json | undefined)[]): string[] => [
  ...new Set(names.map(text).filter(name => name !== undefined)),
];
