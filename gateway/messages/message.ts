/** What a message is before and after it is stored. */
import type { Cost } from '../billing/prices.ts';
import type { Content, MetaEndpoint, Recipient } from '../canonical/content.ts';
import { isObject, type JsonObject } from '../canonical/json.ts';
import type { MetaError } from '../canonical/refusal.ts';
import type { MessageStatus } from '../canonical/status.ts';

/** Replies and single sends go before bulk. */
export const priorities = { single: 0, bulk: 1 } as const;

export interface NewMessage {
  tenantId: string;
  id: string;
  numberId: number;
  keyId: string;
  dialect: string;
  type: string;
  recipientKind: Recipient['kind'];
  recipient: string;
  endpoint: MetaEndpoint;
  /** The exact bytes Meta receives, serialized once. */
  body: string;
  callbackData: string | null;
  campaign: string | null;
  /** Of which it is one; null: of none. */
  broadcastId: string | null;
  priority: number;
  fake: boolean;
  /** failed: it is not sent, but kept beside the others of its call so that everyone sees why. */
  status: 'queued' | 'scheduled' | 'accepted' | 'failed';
  /** Why it failed, for status failed. */
  reason: string | null;
  wamid: string | null;
  createdAt: number;
  dueAt: number;
  expiresAt: number;
  /** What is held for it; null where the tenant pays nothing here. */
  cost: Cost | null;
}

/** A message on its way to Meta, claimed by this process. */
export interface ClaimedMessage {
  tenantId: string;
  id: string;
  numberId: number;
  type: string;
  dialect: string;
  recipient: string;
  endpoint: MetaEndpoint;
  body: string;
  priority: number;
  /** Sends so far, this one included. */
  tries: number;
  createdAt: number;
  /** The moment this send may be written, Unix microseconds. */
  slotUs: number;
}

/** How a message stands after Meta answered, or after it ended without. What a waiting caller is told. */
export interface Settlement {
  tenantId: string;
  id: string;
  status: MessageStatus;
  wamid: string | null;
  /** Meta's own answer; null when it was read from the row instead. */
  answer: JsonObject | null;
  waId: string | null;
  error: MetaError | null;
  reason: string | null;
}

/**
 * The Cloud API body of a message. Our id travels in biz_opaque_callback_data (decision 2), so that every status names its
 * message even when we never saw Meta's answer.
 */
export function metaBody(content: Content, recipient: Recipient, id: string): string {
  const { type, ...rest } = content;
  const address: JsonObject =
    recipient.kind === 'phone'
      ? { recipient_type: 'individual', to: recipient.to }
      : recipient.kind === 'group'
        ? { recipient_type: 'group', to: recipient.id }
        : { recipient_type: 'individual', recipient: recipient.id };
  return JSON.stringify({
    messaging_product: 'whatsapp',
    ...address,
    type,
    ...rest,
    biz_opaque_callback_data: id,
  });
}

/** The `wa_id` in Meta's answer, which may differ from the number that was dialled (Brazil, Mexico). */
export function waIdOf(answer: JsonObject): string | null {
  const [contact] = Array.isArray(answer.contacts) ? answer.contacts : [];
  return isObject(contact) && typeof contact.wa_id === 'string' ? contact.wa_id : null;
}
