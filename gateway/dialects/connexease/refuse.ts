/**
 * Refusals in Connexease's envelope: `{isSuccess: false, errors: {code, group, description, params?}}`.
 * Codes the vendor documents stand with its own sentence (vendor-apis.md §1.3); VAL_*, REQ_*, PERM_*, SRV_* and GW_002 on are
 * ours, because its table is not public past the first pages (docs/dialects/connexease.md).
 */
import type { JsonObject } from '../../canonical/json.ts';
import { type Issue, type Refusal, type RefusalOf, refusals } from '../../canonical/refusal.ts';
import type { WireAnswer } from '../dialect.ts';
import { retryAfter, wholeSeconds } from '../limit-headers.ts';
import { asMetaRejection } from '../meta-rejection.ts';
import { policySentence } from '../policy-words.ts';

export function refuse(refusal: Refusal): WireAnswer {
  switch (refusal.code) {
    case 'credential_missing':
      return failure(401, 'AUTH_002', 'UNAUTHORIZED', 'Missing Authorization header.');
    case 'credential_malformed':
      return failure(401, 'AUTH_003', 'UNAUTHORIZED', "Invalid token format. It must be 'Bearer <token>'.");
    case 'credential_invalid':
      return failure(401, 'AUTH_001', 'UNAUTHORIZED', 'API Key not found, invalid, or expired.');
    case 'credential_unchecked':
      return failure(500, 'AUTH_004', 'INTERNAL_ERROR', 'An error occurred in the authentication service.');
    case 'credential_corrupt':
      return failure(500, 'AUTH_005', 'INTERNAL_ERROR', 'The stored authentication data is corrupted.');
    case 'number_disconnected':
    case 'number_not_found':
    case 'number_forbidden':
      return failure(401, 'WABA_001', 'UNAUTHORIZED', 'WABA credentials are missing or invalid.');
    case 'field_invalid':
      return refuseFields(refusal.issues);
    case 'recipient_missing':
    case 'recipients_empty':
      return refuseFields([{ path: 'to', rule: 'required', message: 'is required' }]);
    case 'body_unreadable':
      return failure(400, 'VAL_002', 'VALIDATION', `The request body cannot be read: ${refusal.reason}.`);
    case 'body_too_large':
      return failure(
        413,
        'VAL_003',
        'VALIDATION',
        `The request body is larger than ${refusal.limitBytes} bytes.`,
        {
          limit_bytes: refusal.limitBytes,
        },
      );
    case 'media_type_unsupported':
      return failure(415, 'VAL_004', 'VALIDATION', 'Content-Type must be application/json.', {
        content_type: refusal.mediaType,
      });
    case 'tenant_forbidden':
      return failure(403, 'PERM_001', 'FORBIDDEN', `${refusals.tenant_forbidden.title}.`);
    case 'route_not_found':
      return failure(404, 'REQ_001', 'NOT_FOUND', `No such route: ${refusal.method} ${refusal.path}`);
    case 'power_missing':
      return failure(403, 'PERM_002', 'FORBIDDEN', policySentence(refusal));
    case 'rate_limited':
      return refuseLimited(refusal);
    case 'balance_insufficient':
      return failure(
        402,
        'BILL_001',
        'PAYMENT_REQUIRED',
        'Insufficient balance. Please top up your account to continue sending messages.',
        { needed_micros: refusal.neededMicros, available_micros: refusal.availableMicros },
      );
    case 'window_closed':
    case 'recipient_opted_out':
      return refuse(asMetaRejection(refusal));
    case 'idempotency_mismatch':
      return failure(422, 'REQ_004', 'UNPROCESSABLE_ENTITY', policySentence(refusal), {
        idempotency_key: refusal.key,
      });
    case 'object_not_found':
      return failure(404, 'REQ_002', 'NOT_FOUND', `No such ${refusal.kind}: ${refusal.id}.`);
    case 'tenant_not_found':
      return failure(404, 'REQ_002', 'NOT_FOUND', `${refusals[refusal.code].title}.`);
    case 'conflict':
      return failure(409, 'REQ_003', 'CONFLICT', refusal.reason);
    case 'template_not_found':
    case 'template_not_approved':
      return failure(502, 'GW_001', 'BAD_GATEWAY', `${refusals[refusal.code].title}: ${refusal.template}`);
    case 'meta_rejected':
      return failure(502, 'GW_001', 'BAD_GATEWAY', rejection(refusal.error.code, refusal.error), {
        error: refusal.error.body,
      });
    case 'answer_pending':
      return failure(
        504,
        'GW_002',
        'GATEWAY_TIMEOUT',
        `Meta has not answered yet. Message ${refusal.messageId} is kept and settles by itself; do not send it again.`,
        { message_id: refusal.messageId, status: refusal.status },
      );
    case 'message_ended':
      return failure(
        502,
        'GW_003',
        'BAD_GATEWAY',
        `The message ended before Meta took it: ${refusal.reason}`,
        {
          message_id: refusal.messageId,
          status: refusal.status,
        },
      );
    case 'meta_unreachable':
      return failure(502, 'GW_004', 'BAD_GATEWAY', `Meta cannot be reached just now: ${refusal.reason}`);
    case 'callback_failed':
      return failure(
        422,
        'REQ_005',
        'UNPROCESSABLE_ENTITY',
        `${refusals.callback_failed.title}: ${refusal.reason}`,
      );
    case 'overloaded':
      return {
        ...failure(
          503,
          'SRV_001',
          'SERVICE_UNAVAILABLE',
          'The gateway is past its capacity. Please try again later.',
          {
            retry_after: `${refusal.retryAfterSeconds}s`,
          },
        ),
        headers: retryAfter(refusal.retryAfterSeconds),
      };
    case 'fault':
      return failure(500, 'SRV_002', 'INTERNAL_ERROR', 'Something went wrong on our side.', {
        fault_id: refusal.faultId,
      });
  }
}

/** `retry_after` is "1s" for the second and at most "60s" for the minute, as the page has it; `Retry-After` says the same to proxies. */
function refuseLimited({ window, retryAfterMs }: RefusalOf<'rate_limited'>): WireAnswer {
  const seconds = Math.min(wholeSeconds(retryAfterMs), window === 'sec' ? 1 : 60);
  const description = 'Rate limit exceeded. Please try again later.';
  const params = { limit_type: window, retry_after: `${seconds}s` };
  return {
    ...failure(429, 'RATE_001', 'TOO_MANY_REQUESTS', description, params),
    headers: retryAfter(seconds),
  };
}

/** The first issue in full; when there are more, all of them in `params.issues`. */
function refuseFields(issues: readonly [Issue, ...Issue[]]): WireAnswer {
  const [{ path, rule, message }] = issues;
  const params: JsonObject = { field: path, rule };
  if (issues.length > 1) {
    params.issues = issues.map(issue => ({ field: issue.path, rule: issue.rule, message: issue.message }));
  }
  return failure(400, 'VAL_001', 'VALIDATION', `${path} ${message}.`, params);
}

function rejection(code: number, { title, details }: { title: string; details: string | null }): string {
  return `Meta rejected the message: (#${code}) ${details === null || details === title ? title : `${title}: ${details}`}`;
}

function failure(
  status: number,
  code: string,
  group: string,
  description: string,
  params?: JsonObject,
): WireAnswer {
  const errors: JsonObject = { code, group, description };
  if (params !== undefined) errors.params = params;
  return { status, body: { isSuccess: false, errors } };
}
