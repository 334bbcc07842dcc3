/**
 * What Meta tells of people beside what they write: that one called, that one is known by another name from now on, that one wants no
 * more marketing (cloud-api.md §7). Pure; undefined or empty where an item says neither.
 */
import type { MetaChange } from '../canonical/event.ts';
import { isObject, type JsonObject } from '../canonical/json.ts';
import type { CallFact, PreferenceFact, RenameFact } from './facts.ts';
import { namesOf, object, seconds } from './fields.ts';
import type { Surroundings } from './read-payload.ts';

export type ReadPerson = (
  item: JsonObject,
  around: Surroundings,
  change: MetaChange,
) => CallFact | PreferenceFact | RenameFact | undefined;

/** By field, whose value has a list of the same name. */
export const personFields: Record<string, ReadPerson> = {
  calls: readCall,
  user_id_update: readUserIdUpdate,
  user_preferences: readPreference,
};

/** Its ringing tells when it began, and so does the end of one that was answered. */
function readCall(
  item: JsonObject,
  { phoneNumberId, wabaId }: Surroundings,
  change: MetaChange,
): CallFact | undefined {
  if (phoneNumberId === null || item.direction !== 'USER_INITIATED') return undefined;
  const at = seconds(item.event === 'connect' ? item.timestamp : item.start_time);
  const names = namesOf([item.from, item.from_user_id]);
  if (at === undefined || names.length === 0) return undefined;
  return { kind: 'call', phoneNumberId, wabaId, names, at, field: 'calls', payload: item, change };
}

function readUserIdUpdate(
  item: JsonObject,
  { phoneNumberId, wabaId, entryAt }: Surroundings,
  change: MetaChange,
): RenameFact | undefined {
  const { previous, current } = object(item.user_id);
  const from = namesOf([previous]);
  const to = namesOf([current, item.wa_id]);
  if (phoneNumberId === null || from.length === 0 || to.length === 0) return undefined;
  const at = seconds(item.timestamp) ?? entryAt;
  return {
    ...{ kind: 'rename', phoneNumberId, wabaId, from, to, at },
    ...{ field: 'user_id_update', payload: item, change },
  };
}

function readPreference(
  item: JsonObject,
  { phoneNumberId, wabaId, entryAt }: Surroundings,
  change: MetaChange,
): PreferenceFact | undefined {
  const names = namesOf([item.wa_id, item.user_id]);
  const wish = item.value === 'stop' ? 'stop' : item.value === 'resume' ? 'start' : undefined;
  if (phoneNumberId === null || names.length === 0 || wish === undefined) return undefined;
  if (item.category !== 'marketing_messages') return undefined;
  const at = seconds(item.timestamp) ?? entryAt;
  return {
    ...{ kind: 'preference', phoneNumberId, wabaId, names, wish, at },
    ...{ field: 'user_preferences', payload: item, change },
  };
}

/** Of a message of type `system`: user_changed_number has the new `wa_id` (once `new_wa_id`), user_changed_user_id the new `user_id`. */
export function renamedTo({ type, from, from_user_id, system }: JsonObject): string[] {
  if (type !== 'system' || !isObject(system)) return [];
  const before = namesOf([from, from_user_id]);
  return namesOf([system.wa_id, system.new_wa_id, system.user_id]).filter(name => !before.includes(name));
}
