/**
 * What Meta tells of people beside what they write: that one called, that one is known by another name from now on (cloud-api.md §7).
 * Pure; undefined or empty where an item says neither.
 */
import { isObject, type Json, type JsonObject } from '../canonical/json.ts';
import { namesOf, seconds } from './fields.ts';

/** A person called the business, which opens the window as a message does (§8). */
export interface CallFact {
  kind: 'call';
  phoneNumberId: string;
  names: string[];
  /** When it rang. */
  at: number;
  field: string;
  payload: Json;
}

/** A person whose user id is another now. */
export interface RenameFact {
  kind: 'rename';
  phoneNumberId: string;
  /** Names of before, and those of now. */
  from: string[];
  to: string[];
  at: number;
  field: string;
  payload: Json;
}

/** Of field `calls`: its ringing tells when it began, and so does the end of one that was answered. */
export function readCall(phoneNumberId: string, item: JsonObject): CallFact | undefined {
  if (item.direction !== 'USER_INITIATED') return undefined;
  const at = seconds(item.event === 'connect' ? item.timestamp : item.start_time);
  const names = namesOf([item.from, item.from_user_id]);
  if (at === undefined || names.length === 0) return undefined;
  return { kind: 'call', phoneNumberId, names, at, field: 'calls', payload: item };
}

/** Of field `user_id_update`. */
export function readUserIdUpdate(
  phoneNumberId: string,
  item: JsonObject,
  entryAt: number,
): RenameFact | undefined {
  const ids = isObject(item.user_id) ? item.user_id : {};
  const from = namesOf([ids.previous]);
  const to = namesOf([ids.current, item.wa_id]);
  if (from.length === 0 || to.length === 0) return undefined;
  const at = seconds(item.timestamp) ?? entryAt;
  return { kind: 'rename', phoneNumberId, from, to, at, field: 'user_id_update', payload: item };
}

/** Of a message of type `system`: user_changed_number has the new `wa_id`, user_changed_user_id the new `user_id`. */
export function renamedTo({ type, from, from_user_id, system }: JsonObject): string[] {
  if (type !== 'system' || !isObject(system)) return [];
  const before = namesOf([from, from_user_id]);
  return namesOf([system.wa_id, system.user_id]).filter(name => !before.includes(name));
}
