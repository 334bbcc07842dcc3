/** Members of Meta's JSON, read without trust: the wrong kind of thing reads as nothing. */
import { isObject, type Json, type JsonObject } from '../canonical/json.ts';
import { storable } from '../platform/database.ts';

export const items = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);
export const objects = (value: Json | undefined): JsonObject[] => items(value).filter(isObject);
export const object = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});

/** Not empty, and fit for a column: what is only looked at is never the reason why a database refuses a batch. Ids may be numbers. */
export const text = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && value !== ''
    ? storable(value)
    : typeof value === 'number'
      ? String(value)
      : undefined;

/** The last second of the year 9999: past it no time can be written down. */
const lastSecond = 253_402_300_799;

/** Meta's timestamps, in Unix ms: seconds, as text in messages and statuses, as numbers elsewhere. */
export function seconds(value: Json | undefined): number | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const number = Number(value);
  return Number.isInteger(number) && number > 0 && number <= lastSecond ? number * 1000 : undefined;
}

/** Names of one person, each once. */
export const namesOf = (names: (Json | undefined)[]): string[] => [
  ...new Set(names.map(text).filter(name => name !== undefined)),
];

/** Of several contacts beside an item, the one that has any of these names. */
export const contactOf = (contacts: JsonObject[], names: string[]): JsonObject | undefined =>
  contacts.find(({ wa_id, user_id }) => namesOf([wa_id, user_id]).some(name => names.includes(name)));
