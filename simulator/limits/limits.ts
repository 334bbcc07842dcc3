import type { Account, PhoneNumber } from '../accounts.ts';
import type { Now } from '../clock.ts';
import { type GraphError, graphError } from '../graph/graph-error.ts';
import type { Phones } from '../phones.ts';
import type { CheckedMessage } from '../rules/message.ts';
import type { SettingsBook } from '../settings.ts';
import type { Tally } from '../tally.ts';
import type { Failure } from '../webhooks/status.ts';
import { createMarketing } from './marketing.ts';
import { createPairs } from './pairs.ts';
import { createPortfolios } from './portfolios.ts';
import { createRecent } from './recent.ts';
import { createSpam } from './spam.ts';
import { createThroughput } from './throughput.ts';
import { isUnknownBy } from './unknown.ts';

export type Limits = ReturnType<typeof createLimits>;
export type LimitName = keyof typeof words;

type Deps = { settings: SettingsBook; phones: Phones; tally: Tally; now: Now };

const restricted =
  'Message failed to send because there are restrictions on how many messages can be sent from this phone number. ' +
  'This may be because too many previous messages were blocked or flagged as spam.';

/** Meta's code and its `details` for each. */
const words = {
  throughput: { code: 130429, details: 'Cloud API message throughput has been reached.' },
  pair: {
    code: 131056,
    details:
      'Message failed to send because there were too many messages sent from this phone number to the same phone number ' +
      'in a short period of time.',
  },
  spam: { code: 131048, details: restricted },
  // No code is documented; this is the nearest.
  portfolio: { code: 131048, details: restricted },
  unknown: { code: 131026, details: 'Message Undeliverable.' },
  window: {
    code: 131047,
    details:
      'Message failed to send because more than 24 hours have passed since the customer last replied to this number.',
  },
  marketing: {
    code: 131049,
    details: 'In order to maintain a healthy ecosystem engagement, the message failed to be delivered.',
  },
} satisfies Record<string, Failure>;

// Of people who wrote; beyond it, who wrote first counts as outside.
const mostWindows = 1_000_000;
/** The most that `windowMs` may be. */
export const windowMaxMs = 24 * 3_600_000;

/** What Meta lets through, and what becomes of the rest: cloud-api.md §6 and §8. Each can be switched off (`enforce`). */
export function createLimits({ settings, phones, tally, now }: Deps) {
  const throughput = createThroughput();
  const pairs = createPairs();
  const windows = createRecent(mostWindows);
  const portfolios = createPortfolios();
  const marketing = createMarketing();
  const spam = createSpam();

  function stopped(account: Account, phone: PhoneNumber, limit: LimitName): Failure {
    tally.limited(account.wabaId, phone.id, limit);
    return words[limit];
  }

  function refused(account: Account, phone: PhoneNumber, limit: LimitName): GraphError {
    const { code, details } = words[limit];
    tally.limited(account.wabaId, phone.id, limit);
    return graphError(code, { details });
  }

  /** What stops everything that the business starts, replies not. */
  function barrierOf(
    account: Account,
    phone: PhoneNumber,
    user: string,
    at: number,
  ): 'spam' | 'portfolio' | undefined {
    if (spam.isOn(phone.id, at)) return 'spam';
    const { enforce, portfolioMs } = settings.of(account.wabaId);
    return enforce.portfolio && !portfolios.hasRoom(account, user, portfolioMs, at) ? 'portfolio' : undefined;
  }

  /** Not on WhatsApp: because the phone was told so, or by the settings. */
  function isUnknown(digits: string, wabaId?: string): boolean {
    const rules = wabaId === undefined ? settings.general() : settings.of(wabaId);
    return !phones.get(digits).on_whatsapp || isUnknownBy(digits, rules);
  }

  return {
    spam,
    /** Every send that arrives, before it is read; throws what Meta answers to one too many. */
    arrive(account: Account, phone: PhoneNumber): void {
      const { enforce } = settings.of(account.wabaId);
      if (enforce.throughput && !throughput.take(phone, now())) throw refused(account, phone, 'throughput');
    },
    /** Throws what Meta answers; returns why a message that is accepted fails all the same. */
    judge(account: Account, phone: PhoneNumber, checked: CheckedMessage): Failure | undefined {
      const { recipient, template } = checked;
      // Groups have limits of their own, which we do not play.
      if (recipient.kind === 'group') return undefined;
      const rules = settings.of(account.wabaId);
      const { enforce } = rules;
      const at = now();
      const user = recipient.kind === 'phone' ? recipient.digits : recipient.userId;
      const rate = { everyMs: rules.pairEveryMs, most: rules.pairBurst };
      if (enforce.pair && !pairs.take(phone.id, user, rate, at)) throw refused(account, phone, 'pair');
      const isOpen = windows.has(`${phone.id} ${user}`, at - rules.windowMs);
      const barrier = isOpen ? undefined : barrierOf(account, phone, user, at);
      if (barrier && rules.spamAs === 'error') throw refused(account, phone, barrier);
      if (recipient.kind === 'phone' && isUnknown(recipient.digits, account.wabaId))
        return stopped(account, phone, 'unknown');
      if (barrier) return stopped(account, phone, barrier);
      if (isOpen) return undefined;
      if (enforce.window && !template) return stopped(account, phone, 'window');
      const isMarketing = template?.category === 'MARKETING';
      if (enforce.marketing && isMarketing && !marketing.take(user, rules.marketingPerDay, at))
        return stopped(account, phone, 'marketing');
      if (enforce.portfolio) portfolios.count(account, user, at);
      return undefined;
    },
    /** A phone wrote: the window of all its names is open, from Meta's time of the message. */
    wrote(phone: PhoneNumber, names: string[], at: number): void {
      windows.forget(windowMaxMs, now());
      for (const name of new Set(names)) windows.touch(`${phone.id} ${name}`, at);
    },
    isUnknown,
    now,
    clear(): void {
      for (const part of [throughput, pairs, windows, portfolios, marketing, spam]) part.clear();
    },
  };
}
