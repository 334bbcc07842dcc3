/** A command with its content and recipients becomes the call that accept judges: messages, what they cost, what they need. */

import { categoryOf } from '../billing/category.ts';
import type { PriceBook } from '../billing/price-book.ts';
import type { Category } from '../billing/prices.ts';
import type { Content, Recipient } from '../canonical/content.ts';
import { newId } from '../canonical/ids.ts';
import type { DialectName, SendCommand } from '../dialects/dialect.ts';
import type { Call } from '../messages/accept.ts';
import { makeMessage } from '../messages/make-message.ts';
import { type NewMessage, priorities } from '../messages/message.ts';
import { needsWindow } from '../messages/policy/needs-window.ts';
import { capsOf } from '../tenants/key-powers.ts';
import type { SendingNumber } from '../tenants/number-book.ts';
import { knownCategory, type TemplateBook } from '../tenants/template-book.ts';
import type { Principal } from './authenticate.ts';
import { limitsFor } from './key-limits.ts';

export interface ComposeDeps {
  templates: TemplateBook;
  prices: PriceBook;
  messageTtlMs: number;
}

/** What is said, by whom and from where; the same for all recipients. */
export interface Saying {
  dialect: DialectName;
  principal: Principal;
  command: SendCommand;
  number: SendingNumber;
  content: Content;
  idempotency: Call['idempotency'];
  /** Unix ms. */
  at: number;
}

export async function compose(deps: ComposeDeps, saying: Saying, recipients: Recipient[]): Promise<Call> {
  const { dialect, principal, command, number, content, idempotency, at } = saying;
  const known = await knownCategory(deps.templates, number, content);
  const category = categoryOf(content, known);
  const messages = recipients.map(to => newMessage(deps, saying, to, category, newId()));
  return {
    messages,
    urgent: command.wait === 'meta' && !command.fake,
    perSecond: number.perSecond,
    key: { id: principal.keyId, limits: limitsFor(principal, dialect), caps: capsOf(principal.powers) },
    idempotency,
    needsWindow: needsWindow({ content, recipient: recipients[0]!, number, sendAt: command.sendAt, now: at }),
    fallback: await fallbackOf(deps, saying, recipients, messages),
    // A template that our list does not know is priced as the dearest, but nobody is kept from it.
    marketing: known === 'marketing' || command.endpoint === 'marketing_messages',
    prepaid: principal.prepaid,
  };
}

/** The same messages, said with the template that goes where the window is closed. */
async function fallbackOf(
  deps: ComposeDeps,
  saying: Saying,
  recipients: Recipient[],
  messages: NewMessage[],
): Promise<Call['fallback']> {
  const content = saying.command.fallback;
  if (content === null) return null;
  const known = await knownCategory(deps.templates, saying.number, content);
  const category = categoryOf(content, known);
  const said = recipients.map((to, i) =>
    newMessage(deps, { ...saying, content }, to, category, messages[i]!.id),
  );
  return { messages: said, marketing: known === 'marketing' };
}

function newMessage(
  { prices, messageTtlMs }: ComposeDeps,
  { dialect, principal, command, number, content, at }: Saying,
  recipient: Recipient,
  category: Category,
  id: string,
): NewMessage {
  const { endpoint, callbackData, campaign, fake, sendAt, ttlMs } = command;
  const making = {
    ...{ tenantId: principal.tenantId, keyId: principal.keyId, prepaid: principal.prepaid },
    ...{ numberId: number.id, dialect, endpoint, callbackData, campaign, fake, category },
    ...{ broadcastId: null, priority: priorities.single, ttlMs: ttlMs ?? messageTtlMs },
    ...{ createdAt: at, dueAt: Math.max(at, sendAt ?? at) },
  };
  return makeMessage(prices, making, content, recipient, id);
}
