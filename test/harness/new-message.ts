import { newId } from '../../gateway/canonical/ids.ts';
import type { NewMessage } from '../../gateway/messages/message.ts';

/** A message as accept would store it, for the contract suites; every time in it is small and fixed. */
export function newMessage(overrides: Partial<NewMessage> = {}): NewMessage {
  return {
    tenantId: 'tenant-a',
    id: newId(),
    numberId: 7,
    keyId: 'k',
    dialect: 'native',
    type: 'text',
    recipientKind: 'phone',
    recipient: '905321234567',
    endpoint: 'messages',
    body: '{"type":"text"}',
    callbackData: null,
    campaign: null,
    broadcastId: null,
    priority: 0,
    fake: false,
    status: 'queued',
    reason: null,
    wamid: null,
    createdAt: 1_000,
    dueAt: 1_000,
    expiresAt: 1_000_000,
    cost: null,
    ...overrides,
  };
}
