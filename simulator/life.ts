import type { Account, PhoneNumber } from './accounts.ts';
import type { Idle } from './idle.ts';
import type { Accepted, Ledger, StatusRecord } from './ledger.ts';
import type { Phones } from './phones.ts';
import type { Json } from './rules/check.ts';
import type { Settings, SettingsBook } from './settings.ts';
import type { Timeline } from './timeline.ts';
import type { Delivery } from './webhooks/delivery.ts';
import { contactItem, type Failure, statusItem, userId } from './webhooks/status.ts';

export type Life = ReturnType<typeof createLife>;

type Deps = {
  settings: SettingsBook;
  timeline: Timeline;
  idle: Idle;
  ledger: Ledger;
  phones: Phones;
  delivery: Delivery;
};

type Step = { status: string; after: number };

/** What becomes of an accepted message: its statuses, one after the other, each a webhook. */
export function createLife({ settings, timeline, idle, ledger, phones, delivery }: Deps) {
  function start(message: Accepted, account: Account, phone: PhoneNumber, asked?: Failure): void {
    const failure = asked ?? failureOf(message);
    const { delays } = settings.of(account.wabaId);
    const steps = failure ? [{ status: 'failed', after: delays.sent ?? 0 }] : stepsOf(message, delays);
    if (steps.length === 0) return;
    idle.add(account.wabaId);
    walk(steps, 0);

    function walk(all: Step[], at: number): void {
      const step = all[at];
      if (!step) {
        idle.done(account.wabaId);
        return;
      }
      timeline.after(message.acceptedAt + step.after - Date.now(), () => {
        report(step.status);
        walk(all, at + 1);
      });
    }

    function report(status: string): void {
      tell(message, account, phone, status, { failure });
    }
  }

  /** A status of the message, now. `odd` goes into the item as it is; a null takes a member out. */
  function tell(
    message: Accepted,
    account: Account,
    phone: PhoneNumber,
    status: string,
    { failure, odd }: { failure?: Failure | undefined; odd?: Json },
  ): void {
    const now = Date.now();
    const record: StatusRecord = { status, at: now, deliveredWebhookAt: null };
    message.statuses.push(record);
    ledger.tally.status(account.wabaId, status);
    const { recipient } = message;
    // The wa_id may differ from the number dialled (Brazil, Mexico).
    const known = { waId: message.to, userId: '' };
    if (recipient.kind === 'phone') {
      const reached = phones.get(recipient.digits);
      Object.assign(known, { waId: reached.wa_id, userId: userId(reached, recipient.digits, account) });
    }
    const { contact = contactBeside(message, account, status), ...rest } = odd ?? {};
    delivery.enqueue(account.wabaId, {
      kind: 'statuses',
      phone,
      contact: contact === null || typeof contact === 'string' ? contact : JSON.stringify(contact),
      item: oddly(statusItem(message, known, record, failure), rest),
      record,
      bornAt: now,
    });
  }

  /** Never beside a failure; a group's is left out, for we do not play its members. */
  function contactBeside({ recipient }: Accepted, account: Account, status: string): string | null {
    if (status === 'failed' || recipient.kind === 'group') return null;
    return recipient.kind === 'user'
      ? JSON.stringify({ profile: { name: 'WhatsApp user' }, user_id: recipient.userId })
      : contactItem(phones.get(recipient.digits), recipient.digits, account);
  }

  function failureOf({ type, json, phoneNumberId }: Accepted): Failure | undefined {
    if (type !== 'reaction') return undefined;
    // Only what a phone wrote to this number, and not a reaction, can be reacted to; told by a status (§1.3).
    const { reaction } = JSON.parse(json) as { reaction: { message_id: string } };
    const target = phones.written(reaction.message_id);
    return target && target.phoneNumberId === phoneNumberId && target.type !== 'reaction'
      ? undefined
      : { code: 131009, details: 'The message to react to was not received by this number.' };
  }

  function stepsOf({ type, recipient }: Accepted, delays: Settings['delays']): Step[] {
    const reads = recipient.kind !== 'phone' || phones.get(recipient.digits).read_receipts;
    const steps: Step[] = [];
    if (delays.sent !== null) steps.push({ status: 'sent', after: delays.sent });
    if (type === 'reaction') return steps;
    if (delays.delivered !== null) steps.push({ status: 'delivered', after: delays.delivered });
    if (delays.read !== null && reads) steps.push({ status: 'read', after: delays.read });
    return steps.sort((one, other) => one.after - other.after);
  }

  return { start, tell };
}

function oddly(item: string, odd: Json): string {
  if (Object.keys(odd).length === 0) return item;
  const members = Object.entries({ ...(JSON.parse(item) as Json), ...odd });
  return JSON.stringify(Object.fromEntries(members.filter(([, member]) => member !== null)));
}
