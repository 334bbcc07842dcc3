import type { Account } from '../accounts.ts';
import { codeTitle } from '../graph/codes.ts';
import type { Accepted } from '../ledger.ts';
import type { Phone } from '../phones.ts';
import { userIdOf } from '../user-id.ts';

export type Failure = { code: number; title?: string; details?: string };

/** `errors[]` as webhooks carry it (cloud-api.md §5.1). */
function webhookError({ code, title = codeTitle(code), details }: Failure): Record<string, unknown> {
  return {
    code,
    title,
    message: title,
    error_data: { details: details ?? title },
    href: '/documentation/business-messaging/whatsapp/support/error-codes',
  };
}

/** One `statuses[]` item, DOC/webhooks/reference/messages/status of 2026: no conversation, user ids, PMP pricing. */
export function statusItem(
  message: Accepted,
  known: { waId: string; userId: string },
  { status, at }: { status: string; at: number },
  failure?: Failure,
): string {
  const { recipient } = message;
  const failed = status === 'failed';
  return JSON.stringify({
    id: message.wamid,
    status,
    timestamp: String(Math.floor(at / 1000)),
    ...(recipient.kind === 'user' ? {} : { recipient_id: known.waId }),
    ...(recipient.kind === 'user' ? { recipient_user_id: recipient.userId } : {}),
    // Always there, except in failures of a message sent to a phone.
    ...(recipient.kind === 'phone' && !failed ? { recipient_user_id: known.userId } : {}),
    ...(recipient.kind === 'group' ? { recipient_type: 'group' } : {}),
    ...(message.bizOpaque === null ? {} : { biz_opaque_callback_data: message.bizOpaque }),
    // On `sent` and on one of delivered and read; ours is delivered.
    ...(status === 'sent' || status === 'delivered'
      ? {
          pricing: {
            billable: true,
            pricing_model: 'PMP',
            category: message.pricingCategory,
            type: 'regular',
          },
        }
      : {}),
    ...(failed ? { errors: [webhookError(failure ?? { code: 131000 })] } : {}),
  });
}

/** The `contacts[]` item beside a status or an incoming message. */
export function contactItem(
  phone: Phone,
  digits: string,
  account: Account,
  { hides, parent, username }: { hides?: boolean; parent?: string | undefined; username?: string } = {},
): string {
  return JSON.stringify({
    profile: { name: phone.profile_name, ...(username === undefined ? {} : { username }) },
    ...(hides ? {} : { wa_id: phone.wa_id }),
    user_id: userId(phone, digits, account),
    ...(parent === undefined ? {} : { parent_user_id: parent }),
  });
}

/** The id that a phone is known by at an account. */
export function userId(phone: Phone, digits: string, { wabaId }: Account): string {
  return phone.user_id ?? userIdOf(digits, wabaId);
}
