/**
 * Refusals of ours that Meta would give too, later: the window and the opt-out. Whoever says no first, the caller reads the same
 * (cloud-api.md §5.2; docs/dialects/*.md).
 */
import type { MetaError, Refusal, RefusalCode, RefusalOf } from '../canonical/refusal.ts';

type EarlyRefusal = RefusalOf<'window_closed' | 'recipient_opted_out'>;

/** Title and details as Meta's webhooks have them; its page of error codes shortens both. */
const words: Record<EarlyRefusal['code'], { code: number; title: string; details: string }> = {
  window_closed: {
    code: 131047,
    title: 'Re-engagement message',
    details:
      'Message failed to send because more than 24 hours have passed since the customer last replied to this number.',
  },
  recipient_opted_out: {
    code: 131050,
    title:
      'Unable to deliver the message. This recipient has chosen to stop receiving marketing messages on WhatsApp from your business',
    details:
      'Unable to deliver the message. This recipient has chosen to stop receiving marketing messages on WhatsApp from your business',
  },
};

/** The refusal as Meta would give it, in Graph's own error object, for the dialects that pass Meta's words on. */
export function asMetaRejection({ code }: EarlyRefusal): RefusalOf<'meta_rejected'> {
  const { code: number, title, details } = words[code];
  const error: MetaError = {
    httpStatus: 400,
    code: number,
    subcode: null,
    title,
    details,
    body: {
      message: `(#${number}) ${title}`,
      type: 'OAuthException',
      code: number,
      error_data: { messaging_product: 'whatsapp', details },
    },
  };
  return { code: 'meta_rejected', messageId: null, error };
}

/** The code for a dialect with codes of our own: Meta's no for one of these reasons has the code of our no. */
export function codeOf(refusal: Refusal): RefusalCode {
  if (refusal.code !== 'meta_rejected') return refusal.code;
  const early = (Object.keys(words) as EarlyRefusal['code'][]).find(
    code => words[code].code === refusal.error.code,
  );
  return early ?? 'meta_rejected';
}
