/** Whether a message may only go into an open 24-hour window, and whether we can know if it is open (cloud-api.md §8). */
import type { Content, Recipient } from '../../canonical/content.ts';
import type { SendingNumber } from '../../tenants/number-book.ts';

/** What a number has not heard for this long it cannot know: a window may have been opened before. */
const listeningMs = 24 * 3_600_000;

export interface WindowQuestion {
  content: Content;
  recipient: Pick<Recipient, 'kind'>;
  number: Pick<SendingNumber, 'windowPolicy' | 'listeningSince'>;
  /** Unix ms; null: now. */
  sendAt: number | null;
  now: number;
}

/** False where Meta decides: nothing is refused then for the sake of the window. */
export function needsWindow({ content, recipient, number, sendAt, now }: WindowQuestion): boolean {
  if (content.type === 'template' || isDirectSend(content)) return false;
  // A group has a window of its own, which no webhook of ours tells.
  if (recipient.kind === 'group') return false;
  // By then the person may have written.
  if (sendAt !== null && sendAt > now) return false;
  if (number.windowPolicy === 'meta') return false;
  return number.listeningSince !== null && number.listeningSince <= now - listeningMs;
}

/** Meta makes a template of it itself (§1.10). */
const isDirectSend = ({ category }: Content) => category === 'utility' || category === 'authentication';
