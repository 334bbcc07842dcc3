/** Refusals of the native API: problem details (RFC 9457). The same for every route under /api. */
import type { JsonObject } from '../../canonical/json.ts';
import { type Refusal, refusals } from '../../canonical/refusal.ts';
import type { WireAnswer } from '../dialect.ts';
import { retryAfter, wholeSeconds } from '../limit-headers.ts';
import { codeOf } from '../meta-rejection.ts';
import { policySentence } from '../policy-words.ts';

/** `type` points into the page that says of every code what it means and what to do. */
export function problem(refusal: Refusal): WireAnswer {
  const code = codeOf(refusal);
  const { status, title } = refusals[code];
  const body: JsonObject = {
    type: `/docs/errors#${code}`,
    title,
    status,
    detail: detailOf(refusal),
    code,
    ...extension(refusal),
  };
  return { status, body, headers: { 'content-type': 'application/problem+json', ...headersOf(refusal) } };
}

function detailOf(refusal: Refusal): string {
  switch (refusal.code) {
    case 'credential_missing':
    case 'credential_malformed':
      return 'Send your API key in the header "Authorization: Bearer <key>".';
    case 'number_not_found':
    case 'number_forbidden':
    case 'number_disconnected':
      return `Number ${refusal.number}: ${refusals[refusal.code].title}.`;
    case 'tenant_forbidden':
    case 'tenant_not_found':
      return `Tenant ${refusal.tenant}: ${refusals[refusal.code].title}.`;
    case 'field_invalid':
      return `${refusal.issues.map(({ path, message }) => `${path} ${message}`).join('; ')}.`;
    case 'body_unreadable':
      return `The body cannot be read: ${refusal.reason}.`;
    case 'callback_failed':
    case 'conflict':
    case 'meta_unreachable':
      return refusal.reason;
    case 'body_too_large':
      return `At most ${refusal.limitBytes} bytes are read.`;
    case 'media_type_unsupported':
      return `Content-Type ${refusal.mediaType} is not read here.`;
    case 'route_not_found':
      return `${refusal.method} ${refusal.path}`;
    case 'recipient_missing':
      return 'to is required.';
    case 'template_not_found':
      return `Template ${refusal.template}${refusal.language === null ? '' : ` in ${refusal.language}`}.`;
    case 'template_not_approved':
      return `Template ${refusal.template} has status ${refusal.status}.`;
    case 'object_not_found':
      return `No ${refusal.kind} ${refusal.id}.`;
    case 'meta_rejected':
      return `(#${refusal.error.code}) ${refusal.error.details ?? refusal.error.title}`;
    case 'answer_pending':
      return `Message ${refusal.messageId} is ${refusal.status}. Do not send it again; follow it at /api/v1/messages/${refusal.messageId}.`;
    case 'message_ended':
      return `Message ${refusal.messageId} is ${refusal.status}: ${refusal.reason}`;
    case 'overloaded':
      return `Try again in ${refusal.retryAfterSeconds} s.`;
    case 'fault':
      return `Fault ${refusal.faultId}; the log has more under this id.`;
    case 'rate_limited':
    case 'balance_insufficient':
    case 'window_closed':
    case 'recipient_opted_out':
    case 'idempotency_mismatch':
    case 'power_missing':
      return policySentence(refusal);
    case 'credential_invalid':
    case 'credential_corrupt':
    case 'credential_unchecked':
    case 'recipients_empty':
      return `${refusals[refusal.code].title}.`;
  }
}

/** Members beyond RFC 9457's own, for programs. */
function extension(refusal: Refusal): JsonObject {
  switch (refusal.code) {
    case 'field_invalid':
      return { errors: refusal.issues.map(({ path, rule, message }) => ({ field: path, rule, message })) };
    case 'recipient_missing':
      return { errors: [{ field: 'to', rule: 'required', message: 'is required' }] };
    case 'meta_rejected':
      return {
        ...(refusal.messageId === null ? {} : { messageId: refusal.messageId }),
        meta: refusal.error.body,
      };
    case 'answer_pending':
    case 'message_ended':
      return { messageId: refusal.messageId, messageStatus: refusal.status };
    case 'rate_limited':
      return { window: refusal.window, limit: refusal.limit, retryAfterMs: refusal.retryAfterMs };
    case 'balance_insufficient':
      return { neededMicros: refusal.neededMicros, availableMicros: refusal.availableMicros };
    case 'window_closed':
      return {
        recipient: refusal.recipient,
        closedAt: refusal.closedAt === null ? null : new Date(refusal.closedAt).toISOString(),
      };
    case 'recipient_opted_out':
      return { recipient: refusal.recipient };
    case 'idempotency_mismatch':
      return { idempotencyKey: refusal.key };
    default:
      return {};
  }
}

function headersOf(refusal: Refusal): Record<string, string> {
  switch (refusal.code) {
    case 'credential_missing':
    case 'credential_malformed':
    case 'credential_invalid':
      return { 'www-authenticate': 'Bearer' };
    case 'overloaded':
      return retryAfter(refusal.retryAfterSeconds);
    case 'rate_limited':
      return retryAfter(wholeSeconds(refusal.retryAfterMs));
    case 'answer_pending':
      return { location: `/api/v1/messages/${refusal.messageId}` };
    default:
      return {};
  }
}
