/** A command with its content and recipients becomes the call that accept judges: messages, what they cost, what they need. */

import { categoryOf } from '../billing/category.ts';
import type { PriceBook } from '../billing/price-book.ts';
import type { Category } from '../billing/prices.ts';
import { type Content, type Recipient, recipientKey } from '../canonical/content.ts';
import { newFakeWamid, newId } from '../canonical/ids.ts';
import { isObject } from '../canonical/json.ts';
import type { DialectName, SendCommand } from '../dialects/dialect.ts';
import type { Call } from '../messages/accept.ts';
import { metaBody, type NewMessage, priorities } from '../messages/message.ts';
import { needsWindow } from '../messages/policy/needs-window.ts';
import { capsOf } from '../tenants/key-powers.ts';
import type { SendingNumber } from '../tenants/number-book.ts';
import type { TemplateBook } from '../tenants/template-book.ts';
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
  const known = await templateCategory(deps, number, content);
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
  const known = await templateCategory(deps, saying.number, content);
  const category = categoryOf(content, known);
  const said = recipients.map((to, i) =>
    newMessage(deps, { ...saying, content }, to, category, messages[i]!.id),
  );
  return { messages: said, marketing: known === 'marketing' };
}

/** null for what is no template, or one that our list does not know. */
async function templateCategory(
  { templates }: ComposeDeps,
  number: SendingNumber,
  { type, template }: Content,
): Promise<Category | null> {
  if (type !== 'template' || !isObject(template)) return null;
  const language = isObject(template.language) ? template.language.code : null;
  return templates.categoryOf(
    number,
    String(template.name ?? ''),
    typeof language === 'string' ? language : null,
  );
}

function newMessage(
  { prices, messageTtlMs }: ComposeDeps,
  { dialect, principal, command, number, content, at }: Saying,
  recipient: Recipient,
  category: Category,
  id: string,
): NewMessage {
  const later = command.sendAt !== null && command.sendAt > at;
  const dueAt = later ? command.sendAt! : at;
  return {
    tenantId: principal.tenantId,
    id,
    numberId: number.id,
    keyId: principal.keyId,
    dialect,
    type: content.type,
    recipientKind: recipient.kind,
    recipient: recipientKey(recipient),
    endpoint: command.endpoint,
    body: metaBody(content, recipient, id),
    callbackData: command.callbackData,
    campaign: command.campaign,
    priority: priorities.single,
    fake: command.fake,
    status: command.fake ? 'accepted' : later ? 'scheduled' : 'queued',
    reason: null,
    wamid: command.fake ? newFakeWamid(at) : null,
    createdAt: at,
    dueAt,
    expiresAt: dueAt + (command.ttlMs ?? messageTtlMs),
    cost: principal.prepaid
      ? prices.quote({ recipientDigits: recipient.kind === 'phone' ? recipient.digits : null, category, at })
      : null,
  };
}
