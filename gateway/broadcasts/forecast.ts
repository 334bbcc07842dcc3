/** What a broadcast would come to if it were launched now. Its audience is looked at slice by slice, and nothing is written. */
import { setImmediate as turn } from 'node:timers/promises';
import { categoryOf } from '../billing/category.ts';
import type { PriceBook } from '../billing/price-book.ts';
import { availableOf, readWallet } from '../billing/wallet.ts';
import { checkContent } from '../canonical/limits.ts';
import { needsWindow } from '../messages/policy/needs-window.ts';
import { isFree, pairName, readOptOuts, readWindows } from '../messages/policy/people.ts';
import type { Database, Sql } from '../platform/database.ts';
import type { Seal } from '../platform/seal.ts';
import type { Contact } from '../tenants/contacts.ts';
import type { SendingNumber } from '../tenants/number-book.ts';
import { withTags } from '../tenants/tags.ts';
import { knownCategory, type TemplateBook } from '../tenants/template-book.ts';
import { walkContacts } from '../tenants/walk-contacts.ts';
import type { Broadcast } from './broadcast.ts';
import { sourcesOf, withoutExcluded } from './freeze.ts';
import { type MessagingLimit, messagingLimitOf } from './messaging-limit.ts';
import { knownPersons, personOf, type Waiting, walkWaiting } from './recipients.ts';
import { fill, variablesIn, variablesOf } from './variables.ts';

export interface Forecast {
  /** People, each once. */
  recipients: number;
  /** Who will get none: something the content names is not known of them, or what is filled in makes it invalid. */
  invalid: number;
  optedOut: number;
  /** Whose 24-hour window is closed, of content that needs an open one: they will get none either. */
  windowClosed: number;
  /** Whose window is open, of all. */
  inWindow: number;
  messages: number;
  /** null where the tenant pays nothing here. `covered`: messages that the balance is enough for. */
  cost: { feeMicros: number; priceMicros: number; availableMicros: number; covered: number } | null;
  /** Messages a second that the numbers, or its own rate, allow. */
  perSecond: number;
  /** When the last message would be sent, Unix ms, quiet hours aside. */
  finishesAt: number;
  /** Meta's limit of people a business may write to in 24 hours unasked; null where Meta has not told it. */
  messagingLimit: (MessagingLimit & { exceeding: number }) | null;
}

export interface ForecastDeps {
  database: Database;
  prices: Pick<PriceBook, 'quote'>;
  templates: Pick<TemplateBook, 'categoryOf'>;
  seal: Pick<Seal, 'digest'>;
  now(): number;
}

const sliceRows = 1_000;
const none = { optedOut: 0, windowClosed: 0, inWindow: 0, messages: 0 };
/** The part of a number's rate that is used (messages/pace.ts). */
const usedShare = 0.96;

type Someone = Pick<Waiting, 'phone' | 'variables'>;

export async function forecast(
  deps: ForecastDeps,
  broadcast: Broadcast,
  numbers: [SendingNumber, ...SendingNumber[]],
  prepaid: boolean,
): Promise<Forecast> {
  const { database, prices, seal, now } = deps;
  const { tenantId, content, options, startAt } = broadcast;
  const [number] = numbers;
  const nowMs = now();
  const known = await knownCategory(deps.templates, number, content);
  const category = categoryOf(content, known);
  const isMarketing = known === 'marketing' || broadcast.endpoint === 'marketing_messages';
  const available = prepaid ? availableOf(await readWallet(database, tenantId)) : 0;
  // Who was named one by one and lacks something is in the ledger already.
  const found = { recipients: broadcast.skipped, invalid: broadcast.skipped, ...none };
  const cost = { feeMicros: 0, priceMicros: 0, availableMicros: available, covered: 0 };
  let outside = 0;

  async function look(people: Someone[]): Promise<void> {
    const pairs = people.map(({ phone }) => ({ numberId: number.id, recipient: phone }));
    const windows = await readWindows(database, tenantId, pairs);
    const optOuts = isMarketing
      ? await readOptOuts(
          database,
          tenantId,
          pairs.map(({ recipient }) => recipient),
          seal,
        )
      : new Set<string>();
    for (const { phone, variables } of people) {
      found.recipients++;
      const filled = fill(content, variables);
      if (
        'missing' in filled ||
        (Object.keys(variables).length > 0 && checkContent(filled.content).length > 0)
      ) {
        found.invalid++;
        continue;
      }
      const window = windows.get(pairName(number.id, phone));
      const isOpen = window !== undefined && window.closesAt > nowMs;
      if (isOpen) found.inWindow++;
      const to = { kind: 'phone', digits: phone, to: `+${phone}` } as const;
      const question = { content: filled.content, recipient: to, number, sendAt: startAt, now: nowMs };
      if (optOuts.has(phone)) found.optedOut++;
      else if (!isOpen && needsWindow(question)) found.windowClosed++;
      else {
        found.messages++;
        if (!isOpen) outside++;
        const { fee, price } = prices.quote({ recipientDigits: phone, category, at: nowMs });
        cost.feeMicros += fee;
        cost.priceMicros += isFree(window, nowMs) ? 0 : price;
        if (cost.feeMicros + cost.priceMicros <= available) cost.covered++;
      }
    }
  }

  for await (const people of audienceOf(database, broadcast)) await look(people);
  const all = numbers.reduce((sum, { perSecond }) => sum + perSecond * usedShare, 0);
  const perSecond = Math.min(all, options.perSecond ?? all);
  const limit = await messagingLimitOf(database, tenantId, number.messagingLimit, nowMs);
  return {
    ...found,
    ...{ cost: prepaid ? cost : null, perSecond },
    finishesAt: Math.max(nowMs, startAt ?? nowMs) + Math.ceil((found.messages / perSecond) * 1_000),
    messagingLimit: limit && { ...limit, exceeding: Math.max(0, outside - limit.left) },
  };
}

/** Who would be in the ledger, some at a time, each person once. */
async function* audienceOf(database: Database, broadcast: Broadcast): AsyncGenerator<Someone[]> {
  const { tenantId, id, audience } = broadcast;
  const key = { tenantId, broadcastId: id };
  for (let after: string | undefined = ''; after !== undefined; ) {
    const people: Waiting[] = await walkWaiting(database, key, after, sliceRows);
    yield people;
    after = people.length < sliceRows ? undefined : people.at(-1)!.person;
    await turn();
  }
  const names = variablesIn(broadcast.content);
  for (const [source, filter] of sourcesOf(broadcast).entries()) {
    for (let after: string | undefined = ''; after !== undefined; ) {
      const slice = await walkContacts(database, tenantId, filter, after, sliceRows);
      const fresh = await withoutEarlier(database, broadcast, audience.tags.slice(0, source), slice.contacts);
      yield fresh.map(contact => ({ phone: contact.phone, variables: variablesOf(contact, names) }));
      after = slice.next;
      await turn();
    }
  }
}

/** Without those that the audience leaves out, and those that stood in an earlier source or were named one by one. */
async function withoutEarlier(
  sql: Sql,
  broadcast: Broadcast,
  tags: number[],
  contacts: Contact[],
): Promise<Contact[]> {
  const kept = await withoutExcluded(sql, broadcast, contacts);
  const carrying = await withTags(
    sql,
    broadcast.tenantId,
    tags,
    kept.map(({ id }) => id),
  );
  const named = await knownPersons(
    sql,
    { tenantId: broadcast.tenantId, broadcastId: broadcast.id },
    kept.map(({ phone }) => personOf(phone)),
  );
  return kept.filter(({ id, phone }) => !carrying.has(id) && !named.has(personOf(phone)));
}
