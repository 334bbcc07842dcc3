/**
 * Refusals in AutoKonnect's words. Its page has a table of status, code and message and shows no body
 * (seeds/004 'Error Responses'); docs/dialects/autokonnect.md says why the body is `{code, message}`.
 */
import type { Json } from '../../canonical/json.ts';
import { type Issue, type Refusal, refusals } from '../../canonical/refusal.ts';
import type { WireAnswer } from '../dialect.ts';
import { retryAfter, wholeSeconds } from '../limit-headers.ts';
import { codeOf } from '../meta-rejection.ts';
import { policySentence } from '../policy-words.ts';

/** The page's own sentences, by the code they stand beside. */
const documented: Record<string, string> = {
  missing_type: 'type field is required',
  missing_recipient: 'Neither phone_number nor contact_tag_id was provided',
  no_valid_recipients: 'Tag(s) resolved to zero contacts with valid phone numbers',
  invalid_type: 'Message type is not supported',
  missing_message: 'message is required for text type',
  missing_link: 'link is required for media types',
  missing_template_id: 'template_id is required for template type',
  invalid_template_id_format: 'template_id must be a number',
  missing_components: 'components is required for template type',
  template_not_approved: 'The specified template is not approved',
  reconnect_waba: 'WABA channel is disconnected',
  invalid_auth_header: 'Missing or malformed Authorization header',
  invalid_api_key: 'Invalid API key',
  credential_resource_mismatch: 'WABA does not belong to the authenticated company',
  template_not_found: 'Template ID not found for this company',
};

/** `missing_<field>` and `invalid_<field>` go on where the table ends: `invalid_phone_number`, `invalid_idempotency_key`. */
function fieldCode({ path, rule }: Issue): string {
  const field = /^[\w-]+/.exec(path)?.[0] ?? 'body';
  const name = field.toLowerCase().replaceAll('-', '_');
  if (rule === 'required' && path === field) return `missing_${name}`;
  return name === 'template_id' ? 'invalid_template_id_format' : `invalid_${name}`;
}

function refuseFields(issues: [Issue, ...Issue[]]): WireAnswer {
  const code = fieldCode(issues[0]);
  return coded(400, code, issues.map(issue => `${issue.path} ${issue.message}`).join('; '));
}

/** The documented sentence where there is one, else ours. */
function coded(status: number, code: string, message: string): WireAnswer {
  return { status, body: { code, message: documented[code] ?? message } };
}

/** A refusal as an AutoKonnect client reads it. */
export function refuse(refusal: Refusal): WireAnswer {
  const { status, title } = refusals[refusal.code];
  switch (refusal.code) {
    case 'field_invalid':
      return refuseFields(refusal.issues);
    case 'recipient_missing':
      return coded(400, 'missing_recipient', title);
    case 'recipients_empty':
      return coded(400, 'no_valid_recipients', title);
    case 'template_not_approved':
      return coded(400, 'template_not_approved', title);
    case 'template_not_found':
      return coded(404, 'template_not_found', title);
    case 'credential_missing':
    case 'credential_malformed':
      return coded(401, 'invalid_auth_header', title);
    case 'credential_invalid':
      return coded(401, 'invalid_api_key', title);
    case 'number_disconnected':
      return coded(400, 'reconnect_waba', title);
    case 'number_forbidden':
    case 'tenant_forbidden':
      return coded(403, 'credential_resource_mismatch', title);
    case 'number_not_found':
      return uncoded(404, 'WABA channel ID not found');
    case 'credential_corrupt':
    case 'fault':
      return uncoded(500, 'Internal server error');
    case 'overloaded':
      return {
        ...coded(503, 'overloaded', title),
        headers: retryAfter(refusal.retryAfterSeconds),
      };
    case 'rate_limited':
      return {
        ...coded(status, refusal.code, policySentence(refusal)),
        headers: retryAfter(wholeSeconds(refusal.retryAfterMs)),
      };
    case 'balance_insufficient':
    case 'window_closed':
    case 'recipient_opted_out':
    case 'idempotency_mismatch':
    case 'power_missing':
      return coded(status, refusal.code, policySentence(refusal));
    case 'body_unreadable':
      return coded(400, 'invalid_body', refusal.reason);
    case 'body_too_large':
      return coded(413, 'body_too_large', `${title}: at most ${refusal.limitBytes} bytes`);
    case 'media_type_unsupported':
      return coded(415, 'unsupported_media_type', `${title}: ${refusal.mediaType}`);
    case 'route_not_found':
      return coded(404, 'route_not_found', `${title}: ${refusal.method} ${refusal.path}`);
    case 'meta_rejected':
      return coded(
        422,
        codeOf(refusal),
        `(#${refusal.error.code}) ${refusal.error.details ?? refusal.error.title}`,
      );
    case 'message_ended':
      return coded(422, `message_${refusal.status}`, refusal.reason);
    case 'callback_failed':
    case 'conflict':
    case 'meta_unreachable':
      return coded(status, refusal.code, refusal.reason);
    case 'answer_pending':
    case 'credential_unchecked':
    case 'tenant_not_found':
      return coded(status, refusal.code, title);
    case 'object_not_found':
      return coded(status, refusal.code, `${title}: ${refusal.kind} ${refusal.id}`);
  }
}

/** Two entries of the table have no code: there the message stands alone. */
function uncoded(status: number, message: string): WireAnswer {
  return { status, body: { message } satisfies Json };
}
