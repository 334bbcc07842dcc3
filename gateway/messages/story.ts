/**
 * A message's life in plain sentences: what was decided and why, what Meta said, what it cost, what happens next and what to do.
 * Pure: written from the rows alone.
 */

import { tellAmount } from '../canonical/money.ts';
import { refusals } from '../canonical/refusal.ts';
import { errorTable } from '../meta/error-table.ts';
import { isoTime } from '../platform/clock.ts';
import type { Telling } from '../webhooks/attempts.ts';
import type { StoredMessage, Try } from './lookup.ts';

/** What stands beside the message; each null where there is nothing to tell. */
export interface Circumstances {
  tries: Try[];
  number: { displayNumber: string; status: string; statusReason: string | null; perSecond: number } | null;
  lane: { pausedUntil: number; nextUs: number } | null;
  money: Money | null;
  window: { closesAt: number } | null;
  tellings: Telling[];
  currency: string;
  /** Unix ms. */
  now: number;
}

/** In micros; states: held, charged or released. */
export interface Money {
  fee: number;
  feeState: string;
  price: number;
  priceState: string;
  market: string;
  category: string;
}

export interface Story {
  /** In the order in which things happened. */
  story: string[];
  /** What is expected to happen now. */
  next: string;
  /** What a person can do, if anything. */
  todo: string | null;
}

export function tellStory(message: StoredMessage, around: Circumstances): Story {
  const code = message.error?.meta?.code;
  return {
    story: [
      ...beginning(message, around),
      ...around.tries.map(one => attempt(one)),
      ...ending(message),
      ...costs(message, around),
      ...windowNow(message, around),
      ...around.tellings.map(telling),
    ],
    next: nextOf(message, around),
    todo: code === undefined ? (todoOf(message, around) ?? null) : (errorTable[code]?.action ?? null),
  };
}

function beginning(message: StoredMessage, { number }: Circumstances): string[] {
  const { type, dialect, recipientKind, recipient, createdAt, dueAt, expiresAt } = message;
  const to = recipientKind === 'erased' ? 'a person who was erased since' : `${recipientKind} ${recipient}`;
  const from =
    number === null ? `number ${message.numberId}` : `number ${message.numberId} (${number.displayNumber})`;
  const lines = [
    `${isoTime(createdAt)}: taken through the ${dialect} API, a message of type ${type} from ${from} to ${to}. It was within the limits of its key, and allowed by window, opt-out and balance.`,
  ];
  if (message.status === 'failed' && message.tries === 0 && message.error !== null)
    lines[0] = `${isoTime(createdAt)}: taken through the ${dialect} API with others of its call, but not to be sent to ${to}.`;
  if (message.fake)
    lines.push('It is a test (fake): every check ran, Meta was not called, and nothing is charged.');
  if (dueAt > createdAt && message.tries <= 1) lines.push(`It was to go out at ${isoTime(dueAt)}.`);
  if (!message.fake) lines.push(`It may wait until ${isoTime(expiresAt)}, then it ends as expired.`);
  return lines;
}

const afterTry: Record<string, string> = {
  later: 'Meta did not take it and it may be sent again',
  unknown:
    'the request was written and no answer came, so it is never sent again and waits for a status of Meta',
  rejected: 'Meta refused it',
};

function attempt({ n, at, verdict, reason, nextAt }: Try): string {
  const next = nextAt === null ? '' : `, next at ${isoTime(nextAt)}`;
  return `${isoTime(at)}: try ${n}: ${afterTry[verdict] ?? verdict} (${reason})${next}.`;
}

function ending({ times, status, error, wamid, fake }: StoredMessage): string[] {
  const lines: string[] = [];
  const tell = (at: number | null, words: string) => {
    if (at !== null) lines.push(`${isoTime(at)}: ${words}.`);
  };
  if (!fake) tell(times.accepted_at, `Meta took it${wamid === null ? '' : ` as ${wamid}`}`);
  tell(times.sent_at, 'Meta sent it to the phone');
  tell(times.delivered_at, 'it reached the phone');
  tell(times.read_at, 'it was read');
  tell(times.played_at, 'it was played');
  if (status === 'failed' || status === 'expired' || status === 'canceled')
    tell(times.ended_at, `it ended as ${status}${error === null ? '' : ` (${error.reason})`}`);
  if (status === 'uncertain')
    lines.push(`Nobody knows yet whether Meta took it${error === null ? '' : ` (${error.reason})`}.`);
  return lines;
}

function costs({ fake }: StoredMessage, { money, currency }: Circumstances): string[] {
  if (money === null) return fake ? [] : ['Nothing is charged for it: its tenant pays nothing here.'];
  const { fee, feeState, price, priceState, market, category } = money;
  const amount = (micros: number) => `${tellAmount(micros)} ${currency}`;
  return [
    `Our fee of ${amount(fee)} is ${feeState}; Meta's price of ${amount(price)} (${category}, market ${market}) is ${priceState}.`,
  ];
}

function windowNow({ recipientKind, type }: StoredMessage, { window, now }: Circumstances): string[] {
  if (recipientKind === 'erased' || type === 'template') return [];
  if (window === null) return ['The recipient has not written to this number, as far as we heard.'];
  const open = window.closesAt > now;
  return [
    `The 24-hour window of this recipient ${open ? 'is open until' : 'closed at'} ${isoTime(window.closesAt)}.`,
  ];
}

function telling({ type, endpointId, url, n, state, at, httpStatus, problem }: Telling): string {
  const where = `endpoint ${endpointId} (${url ?? 'a listener'})`;
  const answer = httpStatus === null ? (problem ?? 'no answer') : String(httpStatus);
  switch (state) {
    case 'delivered':
      return `${isoTime(at)}: ${type} was told to ${where}, by attempt ${n}, which it answered with ${answer}.`;
    case 'pending':
      return `${type} waits to be told to ${where}: attempt ${n} is due at ${isoTime(at)}.`;
    case 'failed':
    case 'given_up':
      return `${isoTime(at)}: ${type} could not be told to ${where}: attempt ${n} came to nothing (${answer}) and is the last; it can be replayed.`;
    case 'skipped':
      return `${type} was not told to ${where} (${problem ?? 'skipped'}).`;
  }
}

function nextOf({ status, dueAt, fake }: StoredMessage, { lane, number, now }: Circumstances): string {
  switch (status) {
    case 'scheduled':
      return `It goes out at ${isoTime(dueAt)}.`;
    case 'held':
      return 'It waits to be let go.';
    case 'queued':
      if (number?.status === 'disconnected') return 'It waits until its number is connected again.';
      if (lane !== null && lane.pausedUntil > now)
        return `Its number rests until ${isoTime(lane.pausedUntil)}, then it is its turn.`;
      if (dueAt > now) return `It is sent again at ${isoTime(dueAt)}.`;
      return `It waits its turn: its number may send ${number?.perSecond ?? 'so many'} messages a second.`;
    case 'sending':
      return 'It is on its way to Meta.';
    case 'uncertain':
      return "Meta's next status settles it; without one for a day it ends as failed.";
    case 'accepted':
      return fake ? 'Nothing: it was a test.' : 'Meta will say when it was sent, delivered and read.';
    case 'sent':
      return 'Meta will say when it is delivered; until then the phone may be off.';
    case 'delivered':
      return 'Meta will say when it is read, unless the recipient has turned that off.';
    case 'read':
    case 'played':
    case 'failed':
    case 'expired':
    case 'canceled':
      return 'Nothing more.';
  }
}

function todoOf(
  { status, error, numberId }: StoredMessage,
  { number, window, now }: Circumstances,
): string | undefined {
  if (number?.status === 'disconnected' && (status === 'queued' || status === 'scheduled'))
    return `Connect number ${numberId} again with a new access token (${number.statusReason ?? 'Meta refused the old one'}).`;
  if (status === 'failed' && error?.reason === refusals.window_closed.title)
    return window !== null && window.closesAt > now
      ? 'The window is open now: send it again.'
      : 'Send a template instead.';
  if (status === 'failed' && error?.reason === refusals.recipient_opted_out.title)
    return 'Leave the recipient out of marketing until they ask for it again.';
  if (status === 'expired') return 'Send it again, or give it a longer time to live.';
  if (status === 'uncertain') return 'Do not send it again: the recipient may have it.';
  return undefined;
}
