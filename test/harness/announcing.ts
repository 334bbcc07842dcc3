/** Announcements for the contract suites: the real thing, on real tables, without a notifier that would be woken. */
import type { MetaChange } from '../../gateway/canonical/event.ts';
import { createChangeAnnouncer } from '../../gateway/messages/announce-changes.ts';
import { noNotices } from '../../gateway/platform/notices.ts';
import { createEndpointBook } from '../../gateway/tenants/endpoint-book.ts';
import { type Announcer, createAnnouncer } from '../../gateway/webhooks/announce.ts';

export function newAnnouncer(now: () => number): Announcer {
  const book = createEndpointBook({ notices: noNotices, now });
  return createAnnouncer({ book, now, wake: () => undefined });
}

export const announceChanges = (now: () => number) => createChangeAnnouncer(newAnnouncer(now));

/** What Meta tells of one status, as the inbound side reduces it. */
export function statusChange(wamid: string, status: string, more: Record<string, string> = {}): MetaChange {
  return {
    wabaId: '102290129340398',
    time: null,
    field: 'messages',
    value: {
      messaging_product: 'whatsapp',
      metadata: { display_phone_number: '15550783881', phone_number_id: '106540352242922' },
      statuses: [{ id: wamid, status, timestamp: '1750030073', recipient_id: '905321234567', ...more }],
    },
  };
}
