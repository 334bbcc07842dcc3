/**
 * Refusals: every expected no, as a value (decision 8). The union is closed: each dialect renders every member in
 * its vendor's envelope (the compiler sees to it) and docs/errors.md lists them (a test sees to it).
 */
import type { JsonObject } from './json.ts';

/** One thing wrong with one field. `path` is in the caller's words once it leaves a dialect: `text.body`. */
export interface Issue {
  path: string;
  rule: 'required' | 'type' | 'length' | 'count' | 'enum' | 'format' | 'unique' | 'conflict';
  /** A full sentence that makes sense without the path: "must be at most 4096 characters, has 5000". */
  message: string;
}

/** What Meta answered when it refused, as Graph says it. `body` is Meta's whole error object. */
export interface MetaError {
  httpStatus: number;
  code: number;
  subcode: number | null;
  title: string;
  details: string | null;
  body: JsonObject;
}

export type Refusal =
  | { code: 'credential_missing' }
  | { code: 'credential_malformed' }
  | { code: 'credential_invalid' }
  | { code: 'credential_corrupt' }
  | { code: 'credential_unchecked' }
  | { code: 'number_not_found'; number: string }
  | { code: 'number_forbidden'; number: string }
  | { code: 'number_disconnected'; number: string }
  | { code: 'tenant_forbidden'; tenant: string }
  | { code: 'tenant_not_found'; tenant: string }
  | { code: 'field_invalid'; issues: [Issue, ...Issue[]] }
  | { code: 'body_unreadable'; reason: string }
  | { code: 'body_too_large'; limitBytes: number }
  | { code: 'media_type_unsupported'; mediaType: string }
  | { code: 'route_not_found'; method: string; path: string }
  | { code: 'recipient_missing' }
  | { code: 'recipients_empty' }
  | { code: 'template_not_found'; template: string; language: string | null }
  | { code: 'template_not_approved'; template: string; status: string }
  | { code: 'object_not_found'; kind: string; id: string }
  | { code: 'conflict'; reason: string }
  | { code: 'meta_rejected'; messageId: string | null; error: MetaError }
  | { code: 'answer_pending'; messageId: string; status: string }
  | { code: 'message_ended'; messageId: string; status: 'expired' | 'canceled' | 'failed'; reason: string }
  | { code: 'meta_unreachable'; reason: string }
  /** Of an API key: so many requests in one second (sec) or one minute (min). */
  | { code: 'rate_limited'; window: 'sec' | 'min'; limit: number; retryAfterMs: number }
  | { code: 'balance_insufficient'; neededMicros: number; availableMicros: number }
  /** closedAt: Unix ms; null when the recipient never wrote to this number. */
  | { code: 'window_closed'; recipient: string; closedAt: number | null }
  | { code: 'recipient_opted_out'; recipient: string }
  | { code: 'idempotency_mismatch'; key: string }
  /** What the key may not do, as a sentence. */
  | { code: 'power_missing'; reason: string }
  /** The URL of an endpoint failed the handshake that its door demands. */
  | { code: 'callback_failed'; url: string; reason: string }
  | { code: 'overloaded'; retryAfterSeconds: number }
  | { code: 'fault'; faultId: string };

export type RefusalCode = Refusal['code'];
export type RefusalOf<C extends RefusalCode> = Extract<Refusal, { code: C }>;

/** The native API's status and a sentence about each refusal; docs/errors.md is written from this. */
export const refusals: Record<RefusalCode, { status: number; title: string }> = {
  credential_missing: { status: 401, title: 'The request carries no API key' },
  credential_malformed: { status: 401, title: 'The credential is not of the form this API expects' },
  credential_invalid: { status: 401, title: 'The API key is unknown, revoked or expired' },
  credential_corrupt: { status: 500, title: 'The stored record of this API key cannot be read' },
  credential_unchecked: { status: 503, title: 'The API key could not be checked just now; try again' },
  number_not_found: { status: 404, title: 'No such number' },
  number_forbidden: { status: 403, title: 'The number does not belong to this API key' },
  number_disconnected: { status: 409, title: "Meta refuses the number's access token; connect it again" },
  tenant_forbidden: { status: 403, title: 'The tenant in the path is not the one of this API key' },
  tenant_not_found: { status: 404, title: 'No such tenant' },
  field_invalid: { status: 400, title: 'A field is missing or wrong' },
  body_unreadable: { status: 400, title: 'The body cannot be read' },
  body_too_large: { status: 413, title: 'The body is too large' },
  media_type_unsupported: { status: 415, title: 'The content type is not one this API reads' },
  route_not_found: { status: 404, title: 'No such route' },
  recipient_missing: { status: 400, title: 'No recipient is named' },
  recipients_empty: { status: 400, title: 'The tags hold no contact with a valid phone number' },
  template_not_found: { status: 404, title: 'No such template on this account' },
  template_not_approved: { status: 400, title: 'The template is not approved by Meta' },
  object_not_found: { status: 404, title: 'No such object' },
  conflict: { status: 409, title: 'The request conflicts with what is stored' },
  meta_rejected: { status: 422, title: 'Meta refused the request' },
  answer_pending: {
    status: 504,
    title: 'Meta has not answered yet; the message is kept and settles by itself',
  },
  message_ended: { status: 422, title: 'The message ended before Meta took it' },
  meta_unreachable: { status: 502, title: 'Meta cannot be reached just now' },
  rate_limited: { status: 429, title: 'The API key is past its rate limit' },
  balance_insufficient: { status: 402, title: 'The balance does not cover this' },
  window_closed: { status: 422, title: 'The recipient has not written within 24 hours; send a template' },
  recipient_opted_out: { status: 422, title: 'The recipient asked for no more marketing' },
  idempotency_mismatch: { status: 422, title: 'The Idempotency-Key was used for another request' },
  power_missing: { status: 403, title: 'The API key may not do this' },
  callback_failed: { status: 422, title: 'The callback URL did not answer the handshake as it must' },
  overloaded: { status: 503, title: 'The gateway is past its capacity; try again shortly' },
  fault: { status: 500, title: 'Something went wrong on our side' },
};

/** A content has a `type` and a refusal has none: callers' own members named `code` must not pass for one. */
export function isRefusal(value: unknown): value is Refusal {
  return (
    typeof value === 'object' &&
    value !== null &&
    'code' in value &&
    !('type' in value) &&
    Object.hasOwn(refusals, String(value.code))
  );
}

/** Shorthand for the commonest refusal. */
export function invalid(path: string, rule: Issue['rule'], message: string): RefusalOf<'field_invalid'> {
  return { code: 'field_invalid', issues: [{ path, rule, message }] };
}

/** The same with its fields named from further out: `text.body` under `message.` is `message.text.body`. Other refusals stay as they are. */
export function under<R extends Refusal>(place: string, refusal: R): R {
  if (refusal.code !== 'field_invalid') return refusal;
  const placed = refusal.issues.map(issue => ({ ...issue, path: `${place}${issue.path}` }));
  return { ...refusal, issues: placed };
}

export function required(path: string): RefusalOf<'field_invalid'> {
  return invalid(path, 'required', 'is required');
}
