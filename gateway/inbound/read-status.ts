/** One item of `statuses` (cloud-api.md §7.4). */
import { isObject, type JsonObject } from '../canonical/json.ts';
import { refusals } from '../canonical/refusal.ts';
import { errorTable } from '../meta/error-table.ts';
import type { StatusFact } from './facts.ts';
import { contactOf, namesOf, object, objects, seconds, text } from './fields.ts';
import type { Surroundings } from './read-payload.ts';

const statuses = ['sent', 'delivered', 'read', 'played', 'failed'] as const;

/** Our ids are ULIDs; any other callback data is somebody else's. */
const ulid = /^[0-9A-HJKMNP-TV-Z]{26}$/;

export function readStatus(status: JsonObject, around: Surroundings): StatusFact | undefined {
  const { phoneNumberId, wabaId, contacts, receivedAt } = around;
  const wamid = text(status.id);
  const kind = statuses.find(known => known === status.status);
  if (phoneNumberId === null || wamid === undefined || kind === undefined) return undefined;
  const callback = text(status.biz_opaque_callback_data);
  const failure = kind === 'failed' ? readFailure(status) : undefined;
  const toGroup = status.recipient_type === 'group';
  const contact = contactOfStatus(status, contacts, toGroup);
  return {
    kind: 'status',
    phoneNumberId,
    wabaId,
    messageId: callback !== undefined && ulid.test(callback) ? callback : null,
    wamid,
    status: kind,
    at: seconds(status.timestamp) ?? receivedAt,
    waId: toGroup ? null : (text(contact?.wa_id) ?? null),
    error: failure?.error ?? null,
    code: failure?.code ?? null,
    pricing: readPricing(status),
    names: toGroup ? [] : namesOf([status.recipient_id, status.recipient_user_id]),
    freeUntil: freeUntilOf(status),
    ...(failure === undefined ? {} : { reason: failure.reason }),
    change: around.reduced({ statuses: [status] }, contact),
  };
}

/**
 * Of this status's own recipient, or of the member of a group it tells of: a change may bring statuses and contacts of several people.
 */
function contactOfStatus(
  status: JsonObject,
  contacts: JsonObject[],
  toGroup: boolean,
): JsonObject | undefined {
  const names = toGroup
    ? namesOf([status.recipient_participant_id, status.recipient_participant_user_id])
    : namesOf([status.recipient_id, status.recipient_user_id]);
  const own = contactOf(contacts, names);
  const isUnnamed = toGroup ? names.length === 0 : text(status.recipient_id) === undefined;
  return own ?? (isUnnamed && contacts.length === 1 ? contacts[0] : undefined);
}

/** `billable` is to be dropped; where it is there, false is as free as a type that says so (cloud-api.md §7.4). */
function readPricing({ pricing }: JsonObject): string | null {
  if (!isObject(pricing)) return null;
  const category = text(pricing.category)?.toLowerCase() ?? '';
  if (!/^[a-z_-]{1,40}$/.test(category)) return null;
  const isFree = pricing.billable === false || text(pricing.type)?.startsWith('free') === true;
  return `${isFree ? 'free' : 'regular'} ${category}`;
}

/** Told with statuses inside a free entry point (cloud-api.md §7.4). */
function freeUntilOf({ conversation }: JsonObject): number | null {
  const { origin, expiration_timestamp } = object(conversation);
  if (object(origin).type !== 'referral_conversion') return null;
  return seconds(expiration_timestamp) ?? null;
}

/** What Meta finds later than we would have is told in the words of our own no. */
const ownWords: Record<number, string> = {
  131047: refusals.window_closed.title,
  131050: refusals.recipient_opted_out.title,
};

/** The errors of a failed status in the shape the message row keeps: `{reason, meta: MetaError}`. */
function readFailure(status: JsonObject): { error: string; code: number; reason: string } {
  const [error = {}] = objects(status.errors);
  const told = Number(text(error.code));
  const code = Number.isSafeInteger(told) ? told : 0;
  const title = errorTable[code]?.title ?? text(error.title) ?? 'Message failed';
  const details = text(object(error.error_data).details) ?? null;
  const words = ownWords[code] ?? details;
  const reason = `${code} ${title}${words === null ? '' : `: ${words}`}`;
  const meta = { httpStatus: 200, code, subcode: null, title, details, body: error };
  return { error: JSON.stringify({ reason, meta }), code, reason };
}
