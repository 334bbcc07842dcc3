/** Who writes to whom: `sender` and `recipient` of a session message, `sender` and `number` of a templated one. */
import { isUserId, phoneDigits, type Recipient } from '../../canonical/content.ts';
import { isObject, type Json, type JsonObject } from '../../canonical/json.ts';
import { invalid, type Refusal, required } from '../../canonical/refusal.ts';
import type { NumberSelector } from '../dialect.ts';
import { phoneRule } from '../phone.ts';
import { asText, given, isBlank } from '../reading.ts';

/**
 * The sender: an object `{id, channelType}` on one page, a plain string on the other, taken in either form on both.
 * Left out: the tenant's own choice of number.
 */
export function readSender(body: JsonObject): NumberSelector | Refusal {
  const sender = given(body, 'sender');
  if (isBlank(sender)) return { by: 'only' };
  if (!isObject(sender)) return senderNumber(sender, 'sender');
  const channel = wrongChannel(given(sender, 'channelType'), 'sender.channelType');
  if (channel) return channel;
  const id = given(sender, 'id');
  return isBlank(id) ? { by: 'only' } : senderNumber(id, 'sender.id');
}

function senderNumber(value: Json, path: string): NumberSelector | Refusal {
  const digits = dialled(value, path);
  return typeof digits === 'string' ? { by: 'displayNumber', digits, path } : digits;
}

/** The recipient of a session message: `id` is a phone number or a bare BSUID, `userId` a BSUID; a number goes first. */
export function readRecipient(body: JsonObject): Recipient | Refusal {
  const recipient = given(body, 'recipient');
  if (recipient === undefined) return required('recipient');
  if (!isObject(recipient)) return invalid('recipient', 'type', 'must be an object with id and channelType');
  const channelType = given(recipient, 'channelType');
  if (isBlank(channelType)) return required('recipient.channelType');
  const channel = wrongChannel(channelType, 'recipient.channelType');
  if (channel) return channel;

  const id = given(recipient, 'id');
  if (!isBlank(id)) return address(id, 'recipient.id');
  const userId = given(recipient, 'userId');
  if (isBlank(userId)) return required('recipient.id');
  const user = typeof userId === 'string' ? readUserId(userId) : undefined;
  return user ?? invalid('recipient.userId', 'format', 'must be a business-scoped user id such as US.134912');
}

/** The recipient of a templated message: a phone number, or `bsuid:US.…`. */
export function readNumber(body: JsonObject): Recipient | Refusal {
  const number = given(body, 'number');
  return isBlank(number) ? required('number') : address(number, 'number');
}

function address(value: Json, path: string): Recipient | Refusal {
  const user = typeof value === 'string' ? readUserId(value) : undefined;
  if (user) return user;
  const digits = dialled(value, path);
  return typeof digits === 'string' ? { kind: 'phone', digits, to: `+${digits}` } : digits;
}

/** A BSUID with or without its prefix: one page says bare, the other `bsuid:` (vendor-apis.md §2.9). */
function readUserId(value: string): Recipient | undefined {
  const id = value.trim().replace(/^bsuid:/i, '');
  return isUserId(id) ? { kind: 'user', id } : undefined;
}

/** Digits of a number in E.164 or as people write it: the vendor's own example is `+1(604) 585 2331`. */
function dialled(value: Json, path: string): string | Refusal {
  const text = asText(value);
  if (text === undefined) return invalid(path, 'type', 'must be a phone number in a string');
  const shown = JSON.stringify(text.slice(0, 60));
  if (!/^[+\d\s().\-–/]*\d[+\d\s().\-–/]*$/.test(text)) {
    return invalid(path, 'format', `must be a phone number in E.164 format, is ${shown}`);
  }
  const digits = phoneDigits(text);
  // No country code begins with 0.
  if (digits !== undefined && !digits.startsWith('0')) return digits;
  return invalid(path, 'length', `${phoneRule}, is ${shown}`);
}

/** `whatsapp` is the only channel there is; Connectly's other named one is SMS. */
function wrongChannel(value: Json | undefined, path: string): Refusal | undefined {
  if (isBlank(value) || value === 'whatsapp') return undefined;
  return invalid(path, 'enum', 'must be whatsapp');
}
