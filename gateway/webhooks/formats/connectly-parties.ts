/** Who writes to whom in Connectly's events, and what the caller gave to have back (vendor-apis.md §2.6). */
import { isUserId } from '../../canonical/content.ts';
import { type Json, type JsonObject, parseJson } from '../../canonical/json.ts';

const channelType = 'whatsapp';

/** `+digits`, however it is written. */
export function business({ displayNumber }: JsonObject): JsonObject {
  return { id: plus(typeof displayNumber === 'string' ? displayNumber : ''), channelType };
}

/** Known by digits, by a user id or by both; a group by its id. Whoever hides the phone number is named by the user id. */
export function person(names: string[]): JsonObject {
  const phone = names.find(name => /^\d+$/.test(name));
  const userId = names.find(isUserId);
  const id = phone === undefined ? (userId ?? names[0] ?? '') : plus(phone);
  return {
    id,
    channelType,
    ...(userId === undefined ? {} : { userId, phoneNumber: phone === undefined ? '' : id }),
  };
}

/** WhatsApp shows whoever has no name under the number. */
export function named(party: JsonObject, name: Json | undefined = null): JsonObject {
  const { id = '', channelType: channel = '', ...rest } = party;
  return { id, channelType: channel, name: name ?? id, ...rest };
}

const plus = (number: string): string => `+${number.replace(/\D/g, '')}`;

/** Kept as text. Callers of Connectly's door give any JSON, those of the others a string that is not JSON but by accident. */
export function callback({ callbackData, dialect }: JsonObject): { callbackData?: Json } {
  if (typeof callbackData !== 'string') return {};
  const isText = dialect !== undefined && dialect !== 'connectly';
  return { callbackData: isText ? callbackData : (parseJson(callbackData) ?? callbackData) };
}

/** Unix seconds as text. */
export const timestamp = (ms: number): string => String(Math.floor(ms / 1000));
