/**
 * Meta's webhook payload, read into facts (cloud-api.md §7). Pure, and never throws: what is not understood becomes a
 * `kept` fact, so that one odd item costs nothing to the others.
 */
import { isObject, type Json, type JsonObject } from '../canonical/json.ts';
import { refusals } from '../canonical/refusal.ts';
import { errorTable } from '../meta/error-table.ts';
import { items, namesOf, objects, seconds, text } from './fields.ts';
import { type CallFact, type RenameFact, readCall, readUserIdUpdate, renamedTo } from './read-people.ts';

export interface StatusFact {
  kind: 'status';
  phoneNumberId: string;
  messageId: string | null;
  wamid: string;
  status: 'sent' | 'delivered' | 'read' | 'played' | 'failed';
  at: number;
  waId: string | null;
  error: string | null;
  /** Meta's error code, of a failure. */
  code: number | null;
  reason?: string;
  /** The names by which Meta knows the recipient: digits, user id. */
  names: string[];
  /** Meta's word that everything to the person is free until then: it came by an ad. */
  freeUntil: number | null;
  /** What it costs: `regular <category>` or `free <category>`; null when the status does not say. */
  pricing: string | null;
}

export interface IncomingFact {
  kind: 'incoming';
  phoneNumberId: string;
  wamid: string;
  /** Digits, or the user id when Meta withholds the phone number. */
  sender: string;
  /** All names by which the sender is known, `sender` first: digits, user id. */
  names: string[];
  type: string;
  at: number;
  /** What the person said, as far as it may be a word that ends or takes up marketing. */
  words: string[];
  /** The person came by an ad. */
  referred: boolean;
  /** Written to a group, not to us. */
  inGroup: boolean;
  /** What the sender is called from now on, where that is what the message tells. */
  renamedTo: string[];
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

/** The person told WhatsApp to end our marketing, or to take it up again. */
export interface PreferenceFact {
  kind: 'preference';
  phoneNumberId: string;
  names: string[];
  wish: 'stop' | 'start';
  at: number;
  field: string;
  payload: Json;
}

export type Fact = StatusFact | IncomingFact | KeptFact | PreferenceFact | CallFact | RenameFact;

const statuses = ['sent', 'delivered', 'read', 'played', 'failed'] as const;

/** Our ids are ULIDs; any other callback data is somebody else's. */
const ulid = /^[0-9A-HJKMNP-TV-Z]{26}$/;

export function readPayload(payload: JsonObject, receivedAt: number): Fact[] {
  return objects(payload.entry).flatMap(entry =>
    objects(entry.changes).flatMap(change =>
      readChange(text(entry.id) ?? '', change, receivedAt, seconds(entry.time) ?? receivedAt),
    ),
  );
}

function readChange(wabaId: string, change: JsonObject, receivedAt: number, entryAt: number): Fact[] {
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
  if (field === 'user_preferences' && phoneNumberId !== null) {
    return items(value.user_preferences).map(
      item => (isObject(item) && readPreference(phoneNumberId, item, entryAt)) || kept(item),
    );
  }
  if (field === 'calls' && phoneNumberId !== null)
    return items(value.calls).map(item => (isObject(item) && readCall(phoneNumberId, item)) || kept(item));
  if (field === 'user_id_update' && phoneNumberId !== null)
    return items(value.user_id_update).map(
      item => (isObject(item) && readUserIdUpdate(phoneNumberId, item, entryAt)) || kept(item),
    );
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
    code: failure?.code ?? null,
    pricing: readPricing(status),
    names: namesOf(status.recipient_type === 'group' ? [] : [status.recipient_id, status.recipient_user_id]),
    freeUntil: freeUntilOf(status),
    ...(failure === undefined ? {} : { reason: failure.reason }),
  };
}

/** `billable` is to be dropped; where it is there, false is as free as a type that says so (cloud-api.md §7.4). */
function readPricing({ pricing }: JsonObject): string | null {
  if (!isObject(pricing)) return null;
  const category = text(pricing.category)?.toLowerCase() ?? '';
  if (!/^[a-z_-]{1,40}$/.test(category)) return null;
  const isFree = pricing.billable === false || text(pricing.type)?.startsWith('free') === true;
  return `${isFree ? 'free' : 'regular'} ${category}`;
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

/** Told with statuses inside a free entry point (cloud-api.md §7.4). */
function freeUntilOf({ conversation }: JsonObject): number | null {
  if (!isObject(conversation) || !isObject(conversation.origin)) return null;
  if (conversation.origin.type !== 'referral_conversion') return null;
  return seconds(conversation.expiration_timestamp) ?? null;
}

function readPreference(
  phoneNumberId: string,
  item: JsonObject,
  entryAt: number,
): PreferenceFact | undefined {
  const names = namesOf([item.wa_id, item.user_id]);
  const wish = item.value === 'stop' ? 'stop' : item.value === 'resume' ? 'start' : undefined;
  if (names.length === 0 || wish === undefined || item.category !== 'marketing_messages') return undefined;
  const at = seconds(item.timestamp) ?? entryAt;
  return { kind: 'preference', phoneNumberId, names, wish, at, field: 'user_preferences', payload: item };
}

/** What Meta finds later than we would have is told in the words of our own no. */
const ownWords: Record<number, string> = {
  131047: refusals.window_closed.title,
  131050: refusals.recipient_opted_out.title,
};

/** The errors of a failed status in the shape the message row keeps: `{reason, meta: MetaError}`. */
function readFailure(status: JsonObject): { error: string; code: number; reason: string } {
  const [error = {}] = objects(status.errors);
  const code = Number(error.code ?? 0);
  const title = errorTable[code]?.title ?? text(error.title) ?? 'Message failed';
  const details = text(isObject(error.error_data) ? error.error_data.details : undefined) ?? null;
  const words = ownWords[code] ?? details;
  const reason = `${code} ${title}${words === null ? '' : `: ${words}`}`;
  const meta = { httpStatus: 200, code, subcode: null, title, details, body: error };
  return { error: JSON.stringify({ reason, meta }), code, reason };
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
  const own = contacts.find(
    ({ wa_id, user_id }) => (from && wa_id === from) || (userId && user_id === userId),
  );
  const contact = own ?? contacts[0];
  const sender = from ?? userId ?? text(contact?.wa_id) ?? text(contact?.user_id);
  if (wamid === undefined || sender === undefined) return undefined;
  return {
    kind: 'incoming',
    phoneNumberId,
    wamid,
    sender,
    // The contact beside a message need not be its sender's.
    names: namesOf([sender, from, userId, own?.wa_id, own?.user_id]),
    type: text(message.type) ?? 'unknown',
    at: seconds(message.timestamp) ?? receivedAt,
    words: wordsOf(message),
    referred: isObject(message.referral),
    inGroup: text(message.group_id) !== undefined,
    renamedTo: renamedTo(message),
    payload: contact === undefined ? { message } : { message, contact },
  };
}

/** A typed text, or what stands on the button that was pressed. */
function wordsOf({ text: typed, button, interactive }: JsonObject): string[] {
  const reply = isObject(interactive) ? (interactive.button_reply ?? interactive.list_reply) : undefined;
  const said = [
    isObject(typed) ? typed.body : undefined,
    ...(isObject(button) ? [button.text, button.payload] : []),
    isObject(reply) ? reply.title : undefined,
  ];
  return said.map(text).filter(one => one !== undefined);
}
