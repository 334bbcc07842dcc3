/** Meta's answer to a send, as the dialects give it that pass it on. */
import type { Json, JsonObject } from '../canonical/json.ts';
import type { AcceptedMessage } from './dialect.ts';

/**
 * Meta's own words when we heard them; else (a status told us that Meta took it, decision 2) rebuilt from what we know,
 * in the shapes of cloud-api.md §1.1-1.2.
 */
export function metaAnswer(message: AcceptedMessage): JsonObject {
  return (
    message.meta ?? {
      messaging_product: 'whatsapp',
      contacts: [contactOf(message)],
      messages: [messageOf(message)],
    }
  );
}

function contactOf({ recipient }: AcceptedMessage): Json {
  switch (recipient.kind) {
    case 'phone':
      return { input: recipient.to, wa_id: recipient.digits };
    case 'user':
      return { input: recipient.id, user_id: recipient.id };
    case 'group':
      return { input: recipient.id, wa_id: recipient.id };
  }
}

function messageOf({ recipient, wamid, id, type }: AcceptedMessage): Json {
  return {
    id: wamid ?? id,
    ...(recipient.kind === 'group' ? { group_id: recipient.id } : {}),
    // The commonest of its three words; which it was nobody heard (§1.1).
    ...(type === 'template' ? { message_status: 'accepted' } : {}),
  };
}
