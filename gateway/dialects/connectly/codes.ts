/** Connectly's error codes and when each is given (vendor-apis.md §2.4, docs.connectly.ai/messaging/error-codes). */
import type { Issue } from '../../canonical/refusal.ts';

export type ErrorCode = `ERROR_CODE_${string}`;

const unspecified: ErrorCode = 'ERROR_CODE_UNSPECIFIED';

const recipient = /^(recipient\.id|number)$/;
const attachmentUrl = /\battachments?(\[\d+\])?\.url$/;

/** The first line that fits a field's path and rule; no rule means any. */
const byField: [path: RegExp, rule: Issue['rule'] | undefined, code: ErrorCode][] = [
  [/^(sender|recipient)\.channelType$/, undefined, 'ERROR_CODE_BUSINESS_MISSES_MATCHING_CHANNEL'],
  [/^sender\b/, undefined, 'ERROR_CODE_INVALID_SENDER_ID'],
  [recipient, 'conflict', 'ERROR_CODE_MESSAGE_SELF_INVALID'],
  [recipient, 'length', 'ERROR_CODE_MESSAGE_PHONE_NUMBER_INVALID'],
  [recipient, undefined, 'ERROR_CODE_PHONE_NUMBER_BAD_FORMAT'],
  [/^message\.text$/, 'required', 'ERROR_CODE_MESSAGE_TEXT_EMPTY'],
  [/^message\.attachments$/, 'count', 'ERROR_CODE_MESSAGE_ATTACHMENTS_NUMBER_INVALID'],
  [attachmentUrl, 'required', 'ERROR_CODE_MESSAGE_ATTACHMENT_EMPTY'],
  [attachmentUrl, undefined, 'ERROR_CODE_MESSAGE_ATTACHMENT_INVALID'],
  [/^parameters\b/, undefined, 'ERROR_CODE_MESSAGE_TEMPLATE_INPUT_INVALID'],
  [/^templateName$/, 'conflict', 'ERROR_CODE_MESSAGE_TEMPLATE_INPUT_INVALID'],
];

export function codeOfIssue({ path, rule }: Issue): ErrorCode {
  const line = byField.find(([pattern, wanted]) => pattern.test(path) && (wanted ?? rule) === rule);
  return line?.[2] ?? unspecified;
}

/** Meta's error codes that have a name at Connectly (cloud-api.md §5.2). */
const byMetaCode: Record<number, ErrorCode> = {
  131021: 'ERROR_CODE_MESSAGE_SELF_INVALID',
  131026: 'ERROR_CODE_MESSAGE_PHONE_NUMBER_INVALID',
  131031: 'ERROR_CODE_BUSINESS_REACHED_LIMITS',
  131047: 'ERROR_CODE_MESSAGE_OUTSIDE_OF_ELIGIBILITY_WINDOW',
  131048: 'ERROR_CODE_BUSINESS_REACHED_LIMITS',
  131050: 'ERROR_CODE_MESSAGE_CUSTOMER_OPTED_OUT',
  131052: 'ERROR_CODE_MESSAGE_ATTACHMENT_INVALID',
  131053: 'ERROR_CODE_MESSAGE_ATTACHMENT_INVALID',
  132000: 'ERROR_CODE_MESSAGE_TEMPLATE_INPUT_INVALID',
  132001: 'ERROR_CODE_MESSAGE_TEMPLATE_NOT_FOUND',
  132005: 'ERROR_CODE_MESSAGE_TEMPLATE_INPUT_INVALID',
  132007: 'ERROR_CODE_MESSAGE_TEMPLATE_INPUT_INVALID',
  132012: 'ERROR_CODE_MESSAGE_TEMPLATE_INPUT_INVALID',
  132015: 'ERROR_CODE_MESSAGE_TEMPLATE_NOT_FOUND',
  132016: 'ERROR_CODE_MESSAGE_TEMPLATE_NOT_FOUND',
  132018: 'ERROR_CODE_MESSAGE_TEMPLATE_INPUT_INVALID',
  368: 'ERROR_CODE_BUSINESS_REACHED_LIMITS',
};

export function codeOfMeta(metaCode: number): ErrorCode {
  return byMetaCode[metaCode] ?? unspecified;
}

/** A template in one of these states is on its way out: a name cannot be used again while it lasts (§2.2). */
export function codeOfTemplateStatus(status: string): ErrorCode {
  return ['PENDING_DELETION', 'DELETED'].includes(status.toUpperCase())
    ? 'ERROR_CODE_MESSAGE_TEMPLATE_DELETED'
    : 'ERROR_CODE_MESSAGE_TEMPLATE_NOT_FOUND';
}
