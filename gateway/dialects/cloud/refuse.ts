/**
 * Refusals in Graph's words: codes and HTTP statuses of cloud-api.md §5.2, wording as Graph answers it.
 * docs/dialects/cloud.md lists what is told by which code.
 */
import type { Refusal } from '../../canonical/refusal.ts';
import type { WireAnswer } from '../dialect.ts';
import { retryAfter, wholeSeconds } from '../limit-headers.ts';
import { asMetaRejection } from '../meta-rejection.ts';
import { policySentence } from '../policy-words.ts';
import { type GraphError, graphError, traced } from './graph-error.ts';
import { issueError } from './issue-error.ts';
import { pathError, unsupportedRequest } from './path-error.ts';

export function refuse(refusal: Refusal): WireAnswer {
  switch (refusal.code) {
    case 'meta_rejected':
      return traced(refusal.error.httpStatus, refusal.error.body);
    case 'window_closed':
    case 'recipient_opted_out':
      return refuse(asMetaRejection(refusal));
    case 'field_invalid':
      return graphError(issueError(refusal.issues));
    case 'route_not_found':
      return graphError(pathError(refusal.method, refusal.path));
    case 'number_not_found':
    case 'number_forbidden':
      // The same answer on purpose: whether another tenant has this number is not the caller's to know.
      return graphError(unsupportedRequest('post', refusal.number));
    default:
      return graphError(errorOf(refusal));
  }
}

type Told =
  | 'meta_rejected'
  | 'window_closed'
  | 'recipient_opted_out'
  | 'field_invalid'
  | 'route_not_found'
  | 'number_not_found'
  | 'number_forbidden';

function errorOf(refusal: Exclude<Refusal, { code: Told }>): GraphError {
  switch (refusal.code) {
    case 'credential_missing':
      return { status: 401, code: 104, message: 'An access token is required to request this resource.' };
    case 'credential_malformed':
    case 'credential_invalid':
      return { status: 401, code: 190, message: 'Invalid OAuth access token - Cannot parse access token' };
    case 'credential_unchecked':
      return outage('The access token could not be checked just now; try again.');
    case 'number_disconnected':
      return {
        status: 403,
        code: 131005,
        message: '(#131005) Access denied',
        details: 'Meta refuses the access token stored for this phone number; connect the number again.',
      };
    case 'tenant_forbidden':
      return { status: 403, code: 10, message: '(#10) Application does not have permission for this action' };
    case 'power_missing':
      return {
        status: 403,
        code: 10,
        message: '(#10) Application does not have permission for this action',
        details: policySentence(refusal),
      };
    case 'rate_limited':
      // Of the two codes for too many calls the one that is WhatsApp's own; 130429 and 131056 would be Meta's pace, not ours.
      return {
        status: 400,
        code: 80007,
        message: '(#80007) Rate limit issues',
        transient: true,
        details: policySentence(refusal),
        headers: retryAfter(wholeSeconds(refusal.retryAfterMs)),
      };
    case 'balance_insufficient':
      return {
        status: 400,
        code: 131042,
        message: '(#131042) Business eligibility payment issue',
        details: policySentence(refusal),
      };
    case 'idempotency_mismatch':
      return parameter(400, policySentence(refusal));
    case 'tenant_not_found':
      return unsupportedRequest('post', refusal.tenant);
    case 'object_not_found':
      return refusal.kind === 'message' ? noMessage(refusal.id) : unsupportedRequest('post', refusal.id);
    case 'body_unreadable':
      return parameter(400, `The body cannot be read: ${refusal.reason}`);
    case 'body_too_large':
      return parameter(413, `The body is larger than ${refusal.limitBytes} bytes.`);
    case 'media_type_unsupported':
      return parameter(
        400,
        `Content-Type ${refusal.mediaType} is not one of application/json, application/x-www-form-urlencoded, multipart/form-data.`,
      );
    case 'conflict':
      return parameter(400, refusal.reason);
    case 'recipient_missing':
    case 'recipients_empty':
      return { status: 400, code: 100, message: '(#100) The parameter to is required.' };
    case 'template_not_found':
      return noTemplate(
        `template name (${refusal.template}) does not exist in ${refusal.language ?? 'any language'}`,
      );
    case 'template_not_approved':
      return notApproved(refusal.template, refusal.status);
    case 'callback_failed':
      return {
        status: 400,
        code: 2200,
        message: `(#2200) Callback verification failed with the following errors: ${refusal.reason}`,
      };
    case 'answer_pending':
      return {
        status: 504,
        code: 131016,
        message: '(#131016) Service unavailable',
        transient: false,
        details: `Meta has not answered yet. Message ${refusal.messageId} is kept and settles by itself; do not send it again.`,
      };
    case 'message_ended':
      return {
        status: 500,
        code: 131000,
        message: '(#131000) Something went wrong',
        transient: false,
        details: `Message ${refusal.messageId} ended before Meta took it (${refusal.status}): ${refusal.reason}`,
      };
    case 'meta_unreachable':
      return outage(`Meta cannot be reached just now: ${refusal.reason}`);
    case 'overloaded':
      return {
        status: 503,
        code: 130429,
        message: '(#130429) Rate limit hit',
        transient: true,
        details: `The gateway is past its capacity; try again in ${refusal.retryAfterSeconds} s.`,
        headers: retryAfter(refusal.retryAfterSeconds),
      };
    case 'credential_corrupt':
      return {
        status: 500,
        code: 1,
        message: 'An unknown error occurred',
        details: 'The stored record of this access token cannot be read.',
      };
    case 'fault':
      return {
        status: 500,
        code: 1,
        message: 'An unknown error occurred',
        details: `Fault ${refusal.faultId}; the gateway's log has more under this id.`,
      };
  }
}

function parameter(status: number, details: string): GraphError {
  return { status, code: 100, message: '(#100) Invalid parameter', details };
}

/** Mark as read of a message that never came in (cloud-api.md §1.6). */
function noMessage(id: string): GraphError {
  const details = `message_id ${id} is not a message that this phone number received`;
  return { status: 400, code: 131009, message: '(#131009) Parameter value is not valid', details };
}

function outage(details: string): GraphError {
  return { status: 503, code: 2, message: '(#2) Service temporarily unavailable', transient: true, details };
}

function noTemplate(details: string): GraphError {
  return {
    status: 404,
    code: 132001,
    message: '(#132001) Template name does not exist in the translation',
    details,
  };
}

function notApproved(template: string, status: string): GraphError {
  const details = `template name (${template}) has status ${status}`;
  if (status === 'PAUSED')
    return { status: 400, code: 132015, message: '(#132015) Template is Paused', details };
  if (status === 'DISABLED')
    return { status: 400, code: 132016, message: '(#132016) Template is Disabled', details };
  return noTemplate(details);
}
