/** From what is said to a message as it will be stored, for one recipient. */
import type { PriceBook } from '../billing/price-book.ts';
import type { Category } from '../billing/prices.ts';
import { type Content, type Recipient, recipientKey } from '../canonical/content.ts';
import { newFakeWamid } from '../canonical/ids.ts';
import { metaBody, type NewMessage } from './message.ts';

type Same =
  | 'tenantId'
  | 'numberId'
  | 'keyId'
  | 'dialect'
  | 'endpoint'
  | 'callbackData'
  | 'campaign'
  | 'broadcastId'
  | 'priority'
  | 'fake'
  | 'createdAt'
  | 'dueAt';

/** What is the same for all recipients. Times are Unix ms. */
export interface Making extends Pick<NewMessage, Same> {
  ttlMs: number;
  category: Category;
  /** The tenant pays for it here. */
  prepaid: boolean;
}

export function makeMessage(
  prices: Pick<PriceBook, 'quote'>,
  { ttlMs, category, prepaid, ...same }: Making,
  content: Content,
  recipient: Recipient,
  id: string,
): NewMessage {
  const { fake, createdAt: at, dueAt } = same;
  return {
    ...same,
    id,
    type: content.type,
    recipientKind: recipient.kind,
    recipient: recipientKey(recipient),
    body: metaBody(content, recipient, id),
    status: fake ? 'accepted' : dueAt > at ? 'scheduled' : 'queued',
    reason: null,
    wamid: fake ? newFakeWamid(at) : null,
    expiresAt: dueAt + ttlMs,
    cost: prepaid
      ? prices.quote({ recipientDigits: recipient.kind === 'phone' ? recipient.digits : null, category, at })
      : null,
  };
}
