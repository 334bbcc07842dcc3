/**
 * The life of a message: `queued → sending → accepted → sent → delivered → read (→ played)`.
 *
 * Reports arrive late, twice and out of order, so a status is only ever replaced by one of higher rank; the rank
 * is stored beside the status and compared inside the update statement, which holds across processes.
 */
export const messageStatuses = [
  'scheduled',
  'held',
  'queued',
  'sending',
  'uncertain',
  'accepted',
  'sent',
  'delivered',
  'read',
  'played',
  'failed',
  'expired',
  'canceled',
] as const;

export type MessageStatus = (typeof messageStatuses)[number];

/**
 * Meta's word on a delivery beats ours on a failure: `failed` stands below `delivered`, because a report of delivery is
 * evidence, and above `sent`, because `sent` then `failed` is Meta's ordinary way to tell a late no.
 */
export const statusRank: Record<MessageStatus, number> = {
  scheduled: 0,
  held: 0,
  queued: 0,
  sending: 10,
  uncertain: 20,
  accepted: 30,
  sent: 40,
  failed: 45,
  delivered: 50,
  read: 60,
  played: 70,
  expired: 90,
  canceled: 90,
};

/** A status after which nothing more is expected to happen, except a late report from Meta. */
export function isFinal(status: MessageStatus): boolean {
  return ['read', 'played', 'failed', 'expired', 'canceled'].includes(status);
}
