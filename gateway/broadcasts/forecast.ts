/** What a draft would come to if it were launched now. Its audience is looked at slice by slice, and nothing is written. */
import { categoryOf } from '../billing/category.ts';
import type { PriceBook } from '../billing/price-book.ts';
import { availableOf, readWallet } from '../billing/wallet.ts';
import { checkContent } from '../canonical/limits.ts';
import { needsWindow } from '../messages/policy/needs-window.ts';
import { isFree, pairName, readOptOuts, readWindows } from '../messages/policy/people.ts';
import type { Database } from '../platform/database.ts';
import type { Seal } from '../platform/seal.ts';
import type { SendingNumber } from '../tenants/number-book.ts';
import { knownCategory, type TemplateBook } from '../tenants/template-book.ts';
import type { Broadcast } from './broadcast.ts';
import { type MessagingLimit, messagingLimitOf } from './messaging-limit.ts';
import { momentOf } from './schedule.ts';
import { fill } from './variables.ts';
import { type Someone, walkAudience } from './walk-audience.ts';

export interface Forecast {
  /** People, each once. */
  recipients: number;
  /** Who will get none: something the content names is not known of them, or what is filled in makes it invalid. */
  invalid: number;
  optedOut: number;
  /** Whose 24-hour window is closed, of content that needs an open one: they will get none either. */
  windowClosed: number;
  /** Whose window with the first number is open, of all who are valid; and whose is not. */
  inWindow: number;
  outOfWindow: number;
  /** That would be sent, no more than the launch is limited to; what follows is about these. */
  messages: number;
  /** null where the tenant pays nothing here. `covered`: messages that the balance is enough for. */
  cost: { feeMicros: number; priceMicros: number; availableMicros: number; covered: number } | null;
  /** Messages a second that the numbers, or its own rate, allow. */
  perSecond: number;
  /** When the last message would be sent, Unix ms, quiet hours aside. */
  finishesAt: number;
  /** Meta's limit of people a business may write to in 24 hours unasked, and how many go beyond it; null where Meta told none. */
  messagingLimit: (MessagingLimit & { exceeding: number }) | null;
}

export interface ForecastDeps {
  database: Database;
  prices: Pick<PriceBook, 'quote'>;
  templates: Pick<TemplateBook, 'categoryOf'>;
  seal: Pick<Seal, 'digest'>;
  now(): number;
}

const none = { optedOut: 0, windowClosed: 0, inWindow: 0, outOfWindow: 0, messages: 0 };
/** The part of a number's rate that is used (messages/pace.ts). */
const usedShare = 0.96;

export async function forecast(
  deps: ForecastDeps,
  broadcast: Broadcast,
  numbers: [SendingNumber, ...SendingNumber[]],
  { prepaid, limit }: { prepaid: boolean; limit: number | null },
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
  let unasked = 0;
  const starts = { first: Number.POSITIVE_INFINITY, last: 0 };

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
    for (const { phone, variables, timeZone } of people) {
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
      else found.outOfWindow++;
      const to = { kind: 'phone', digits: phone, to: `+${phone}` } as const;
      const question = { content: filled.content, recipient: to, number, sendAt: startAt, now: nowMs };
      if (optOuts.has(phone)) found.optedOut++;
      else if (!isOpen && needsWindow(question)) found.windowClosed++;
      else if (limit === null || found.messages < limit) {
        found.messages++;
        if (!isOpen) unasked++;
        const startsAt = startOf(broadcast, timeZone, nowMs);
        starts.first = Math.min(starts.first, startsAt);
        starts.last = Math.max(starts.last, startsAt);
        const { fee, price } = prices.quote({ recipientDigits: phone, category, at: nowMs });
        cost.feeMicros += fee;
        cost.priceMicros += isFree(window, nowMs) ? 0 : price;
        if (cost.feeMicros + cost.priceMicros <= available) cost.covered++;
      }
    }
  }

  for await (const people of walkAudience(database, broadcast)) await look(people);
  const all = numbers.reduce((sum, { perSecond }) => sum + perSecond * usedShare, 0);
  const perSecond = Math.min(all, options.perSecond ?? all);
  const daily = await messagingLimitOf(database, tenantId, number.messagingLimit, nowMs);
  const lastsMs = Math.ceil((found.messages / perSecond) * 1_000);
  return {
    ...found,
    ...{ cost: prepaid ? cost : null, perSecond },
    finishesAt: found.messages === 0 ? nowMs : Math.max(starts.first + lastsMs, starts.last),
    messagingLimit: daily && { ...daily, exceeding: Math.max(0, unasked - daily.left) },
  };
}

/** When its turn may come to one, in Unix ms. */
function startOf({ startAt, options }: Broadcast, timeZone: string | null, nowMs: number): number {
  const { localStart } = options;
  const at = localStart === null ? (startAt ?? nowMs) : momentOf(localStart, timeZone ?? options.timeZone);
  return Math.max(at, nowMs);
}
