/**
 * Meta's webhook payload, read into facts (cloud-api.md §7). Pure, and never throws: what is not understood becomes a
 * `kept` fact, so that one odd item costs nothing to the others.
 */
import { isObject, type Json, type JsonObject } from '../canonical/json.ts';
import { errorTable } from '../meta/error-table.ts';

export interface StatusFact {
  kind: 'status';
  phoneNumberId: string;
  messageId: string | null;
  wamid: string;
  status: 'sent' | 'delivered' | 'read' | 'played' | 'failed';
  at: number;
  waId: string | null;
  error: string | null;
  reason?: string;
}

export interface IncomingFact {
  kind: 'incoming';
  phoneNumberId: string;
  wamid: string;
  /** Digits, or the user id when Meta withholds the phone number. */
  sender: string;
  type: string;
  at: number;
  /** The message as Meta sent it, with the sender's contact beside it. */
  payload: JsonObject;
}

export interface KeptFact {
  kind: 'kept';
  phoneNumberId: string | null;
  wabaId: string;
  field: string;
  payload: Json;
}

export type Fact = StatusFact | IncomingFact | KeptFact;

const statuses = ['sent', 'delivered', 'read', 'played', 'failed'] as const;

/** Our ids are ULIDs; any other callback data is somebody else's. */
const ulid = /^[0-9A-HJKMNP-TV-Z]{26}$/;

export function readPayload(payload: JsonObject, receivedAt: number): Fact[] {
  return objects(payload.entry).flatMap(entry =>
    objects(entry.changes).flatMap(change => readChange(text(entry.id) ?? '', change, receivedAt)),
  );
}

function readChange(wabaId: string, change: JsonObject, receivedAt: number): Fact[] {
  const field = text(change.field) ?? '';
  const value = isObject(change.value) ? change.value : {};
  const metadata = isObject(value.metadata) ? value.metadata : {};
  const phoneNumberId = text(metadata.phone_number_id) ?? null;
  const kept = (payload: Json, what = field): KeptFact => ({
    kind: 'kept',
    phoneNumberId,
    wabaId,
    field: what,
    payload,
  });
  if (field !== 'messages' || phoneNumberId === null) return [kept(change.value ?? null)];
  const contacts = objects(value.contacts);
  const facts: Fact[] = [];
  for (const status of items(value.statuses)) {
    facts.push(
      (isObject(status) && readStatus(phoneNumberId, status, contacts, receivedAt)) ||
        kept(status, 'messages.status'),
    );
  }
  for (const message of items(value.messages)) {
    facts.push(
      (isObject(message) && readIncoming(phoneNumberId, message, contacts, receivedAt)) ||
        kept(message, 'messages.message'),
    );
  }
  for (const error of items(value.errors)) facts.push(kept(error, 'messages.error'));
  const known = ['messaging_product', 'metadata', 'contacts', 'statuses', 'messages', 'errors'];
  const unknown = Object.keys(value).filter(key => !known.includes(key));
  if (unknown.length > 0)
    facts.push(kept(Object.fromEntries(unknown.map(key => [key, value[key]!])), 'messages.other'));
  return facts;
}

function readStatus(
  phoneNumberId: string,
  status: JsonObject,
  contacts: JsonObject[],
  receivedAt: number,
): StatusFact | undefined {
  const wamid = text(status.id);
  const kind = statuses.find(known => known === status.status);
  if (wamid === undefined || kind === undefined) return undefined;
  const callback = text(status.biz_opaque_callback_data);
  const failure = kind === 'failed' ? readFailure(status) : undefined;
  return {
    kind: 'status',
    phoneNumberId,
    messageId: callback !== undefined && ulid.test(callback) ? callback : null,
    wamid,
    status: kind,
    at: seconds(status.timestamp) ?? receivedAt,
    waId: waIdOf(status, contacts),
    error: failure?.error ?? null,
    ...(failure === undefined ? {} : { reason: failure.reason }),
  };
}

/** Of this status's own recipient: a change may bring statuses and contacts of several people. */
function waIdOf(status: JsonObject, contacts: JsonObject[]): string | null {
  const phone = text(status.recipient_id);
  const user = text(status.recipient_user_id);
  const own = contacts.find(
    ({ wa_id, user_id }) =>
      (phone !== undefined && text(wa_id) === phone) || (user !== undefined && text(user_id) === user),
  );
  const only = phone === undefined && contacts.length === 1 ? contacts[0] : undefined;
  return text((own ?? only)?.wa_id) ?? null;
}

/** The errors of a failed status in the shape the message row keeps: `{reason, meta: MetaError}`. */
function readFailure(status: JsonObject): { error: string; reason: string } {
  const [error = {}] = objects(status.errors);
  const code = Number(error.code ?? 0);
  const title = errorTable[code]?.title ?? text(error.title) ?? 'Message failed';
  const details = text(isObject(error.error_data) ? error.error_data.details : undefined) ?? null;
  const reason = `${code} ${title}${details === null ? '' : `: ${details}`}`;
  const meta = { httpStatus: 200, code, subcode: null, title, details, body: error };
  return { error: JSON.stringify({ reason, meta }), reason };
}

function readIncoming(
  phoneNumberId: string,
  message: JsonObject,
  contacts: JsonObject[],
  receivedAt: number,
): IncomingFact | undefined {
  const wamid = text(message.id);
  const from = text(message.from);
  const userId = text(message.from_user_id);
  const contact =
    contacts.find(({ wa_id, user_id }) => (from && wa_id === from) || (userId && user_id === userId)) ??
    contacts[0];
  const sender = from ?? userId ?? text(contact?.wa_id) ?? text(contact?.user_id);
  if (wamid === undefined || sender === undefined) return undefined;
  return {
    kind: 'incoming',
    phoneNumberId,
    wamid,
    sender,
    type: text(message.type) ?? 'unknown',
    at: seconds(message.timestamp) ?? receivedAt,
    payload: contact === undefined ? { message } : { message, contact },
  };
}

const items = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);
const objects = (value: Json | undefined): JsonObject[] => items(value).filter(isObject);
const text = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined;

/** Meta's timestamps: Unix seconds, as text in messages and statuses, as numbers elsewhere. */
function seconds(value: Json | undefined): number | undefined {
  const number = Number(value ?? Number.NaN);
  return Number.isInteger(number) && number > 0 ? number * 1000 : undefined;
}
