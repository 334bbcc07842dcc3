/** Refusals in Connectly's flat error object (vendor-apis.md §2.4). */
import type { JsonObject } from '../../canonical/json.ts';
import { type Issue, type Refusal, type RefusalOf, refusals } from '../../canonical/refusal.ts';
import type { WireAnswer } from '../dialect.ts';
import { retryAfter, wholeSeconds } from '../limit-headers.ts';
import { asMetaRejection } from '../meta-rejection.ts';
import { policySentence } from '../policy-words.ts';
import { codeOfIssue, codeOfMeta, codeOfTemplateStatus, type ErrorCode } from './codes.ts';
import { newTraceId } from './trace.ts';

/** The types that are documented or seen; each goes with one kind of answer (docs/dialects/connectly.md). */
type ErrorType =
  | 'ERROR_TYPE_UNSPECIFIED'
  | 'ERROR_TYPE_INVALID_REQUEST'
  | 'ERROR_TYPE_AUTHENTICATION'
  | 'ERROR_TYPE_FAILED_PRECONDITION'
  | 'ERROR_TYPE_DEADLINE_EXCEEDED';

interface Said {
  status: number;
  type: ErrorType;
  code: ErrorCode;
  message: string;
  details?: JsonObject;
}

/** A refusal as a Connectly client reads it. */
export function refuse(refusal: Refusal): WireAnswer {
  const { status, type, code, message, details = {} } = say(refusal);
  const body = {
    message,
    type,
    code,
    userTitle: message,
    // To the letter of the page, which does not put the id in its place.
    userMessage: "Pass along the connectly trace id 'cnct_trace_id' to the team for more information.",
    cntTraceId: newTraceId(),
    details,
  };
  const headers = headersOf(refusal);
  return headers === undefined ? { status, body } : { status, body, headers };
}

function headersOf(refusal: Refusal): Record<string, string> | undefined {
  if (refusal.code === 'overloaded') return retryAfter(refusal.retryAfterSeconds);
  return refusal.code === 'rate_limited' ? retryAfter(wholeSeconds(refusal.retryAfterMs)) : undefined;
}

function say(refusal: Refusal): Said {
  const { title, status } = refusals[refusal.code];
  switch (refusal.code) {
    case 'field_invalid':
      return sayFields(refusal.issues);
    case 'credential_missing':
    case 'credential_malformed':
      return authentication('The X-API-Key header is missing');
    case 'credential_invalid':
      return authentication(title);
    case 'tenant_forbidden':
    case 'tenant_not_found':
      return authentication(`The API key is not one of business ${refusal.tenant}`);
    case 'number_not_found':
    case 'number_forbidden':
      return request(
        'ERROR_CODE_BUSINESS_MISSES_MATCHING_CHANNEL',
        'The business has no such WhatsApp sender',
        {
          number: refusal.number,
        },
      );
    case 'number_disconnected':
      return { ...request('ERROR_CODE_UNSPECIFIED', title), type: 'ERROR_TYPE_FAILED_PRECONDITION' };
    case 'template_not_found':
    case 'template_not_approved':
      return sayTemplate(refusal);
    case 'recipient_missing':
    case 'recipients_empty':
      return request('ERROR_CODE_PHONE_NUMBER_BAD_FORMAT', title);
    case 'body_unreadable':
    case 'callback_failed':
    case 'conflict':
      return { ...request('ERROR_CODE_UNSPECIFIED', `${title}: ${refusal.reason}`), status };
    case 'body_too_large':
      return {
        ...request('ERROR_CODE_UNSPECIFIED', `${title}: at most ${refusal.limitBytes} bytes`),
        status,
      };
    case 'media_type_unsupported':
      return { ...request('ERROR_CODE_UNSPECIFIED', `${title}: ${refusal.mediaType}`), status };
    case 'route_not_found':
      return { ...request('ERROR_CODE_UNSPECIFIED', `${title}: ${refusal.method} ${refusal.path}`), status };
    case 'object_not_found':
      return { ...request('ERROR_CODE_UNSPECIFIED', `${title}: ${refusal.kind} ${refusal.id}`), status };
    case 'meta_rejected':
      return sayMeta(refusal.error);
    case 'window_closed':
      return sayWindow(refusal);
    case 'recipient_opted_out':
      return sayMeta(asMetaRejection(refusal).error);
    case 'balance_insufficient': {
      const { neededMicros, availableMicros } = refusal;
      const details = { neededMicros, availableMicros };
      return {
        ...request('ERROR_CODE_UNSPECIFIED', policySentence(refusal), details),
        type: 'ERROR_TYPE_FAILED_PRECONDITION',
        status,
      };
    }
    case 'idempotency_mismatch': {
      const details = { idempotencyKey: refusal.key };
      return { ...request('ERROR_CODE_UNSPECIFIED', policySentence(refusal), details), status };
    }
    case 'power_missing':
      return { ...authentication(policySentence(refusal)), status };
    case 'rate_limited': {
      const { window, limit, retryAfterMs } = refusal;
      const details = { window, limit, retryAfterMs };
      return { ...unspecified(status, policySentence(refusal)), details };
    }
    case 'message_ended':
      return { ...request('ERROR_CODE_UNSPECIFIED', refusal.reason), type: 'ERROR_TYPE_FAILED_PRECONDITION' };
    case 'answer_pending':
    case 'meta_unreachable':
    case 'overloaded':
    case 'credential_unchecked':
    case 'credential_corrupt':
    case 'fault':
      return unspecified(status, title);
  }
}

function request(code: ErrorCode, message: string, details: JsonObject = {}): Said {
  return { status: 400, type: 'ERROR_TYPE_INVALID_REQUEST', code, message, details };
}

function unspecified(status: number, message: string): Said {
  return { status, type: 'ERROR_TYPE_UNSPECIFIED', code: 'ERROR_CODE_UNSPECIFIED', message };
}

function authentication(message: string): Said {
  return { status: 401, type: 'ERROR_TYPE_AUTHENTICATION', code: 'ERROR_CODE_UNSPECIFIED', message };
}

/** `details` names the first field and its rule; `issues` has them all. */
function sayFields(issues: [Issue, ...Issue[]]): Said {
  const [{ path, rule }] = issues;
  const message = issues.map(issue => `${issue.path} ${issue.message}`).join('; ');
  const all = issues.map(issue => ({ field: issue.path, rule: issue.rule, message: issue.message }));
  return request(codeOfIssue(issues[0]), message, { field: path, rule, issues: all });
}

type TemplateRefusal = Extract<Refusal, { code: 'template_not_found' | 'template_not_approved' }>;

function sayTemplate(refusal: TemplateRefusal): Said {
  if (refusal.code === 'template_not_approved') {
    const message = `Template ${refusal.template} is not approved, its status is ${refusal.status}`;
    return request(codeOfTemplateStatus(refusal.status), message, {
      field: 'templateName',
      templateStatus: refusal.status,
    });
  }
  const translation = refusal.language === null ? '' : ` in language ${refusal.language}`;
  const message = `Template ${refusal.template}${translation} does not exist, please create it first`;
  return request('ERROR_CODE_MESSAGE_TEMPLATE_NOT_FOUND', message, { field: 'templateName' });
}

/** Whether the recipient ever wrote is what tells the two codes apart; a closed window reads as Meta's own 131047 does. */
function sayWindow(refusal: RefusalOf<'window_closed'>): Said {
  const said = sayMeta(asMetaRejection(refusal).error);
  if (refusal.closedAt !== null) return said;
  return {
    ...said,
    // Clients take this type for "outside the window" (vendor-apis.md §2.4, Cy20).
    type: 'ERROR_TYPE_FAILED_PRECONDITION',
    code: 'ERROR_CODE_MESSAGE_CUSTOMER_NO_CONVERSATION_INITIATION',
    message: policySentence(refusal),
  };
}

function sayMeta({ code, title, details }: Extract<Refusal, { code: 'meta_rejected' }>['error']): Said {
  const said = request(codeOfMeta(code), details ?? title, { metaCode: code });
  // The page's own example pairs this code with this type.
  return said.code === 'ERROR_CODE_MESSAGE_OUTSIDE_OF_ELIGIBILITY_WINDOW'
    ? { ...said, type: 'ERROR_TYPE_DEADLINE_EXCEEDED' }
    : said;
}
