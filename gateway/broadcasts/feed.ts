/**
 * Recipients become messages, some hundred at a time and only so many ahead as their numbers send in a moment: so that a pause holds at
 * once, money is held for what is about to go out, and whoever asked for no more marketing meanwhile gets none. One step is one
 * transaction: the messages, what they cost and the rows of the ledger, or nothing of it.
 */

import { categoryOf } from '../billing/category.ts';
import type { PriceBook } from '../billing/price-book.ts';
import type { Category } from '../billing/prices.ts';
import { newId } from '../canonical/ids.ts';
import { checkContent } from '../canonical/limits.ts';
import { refusals } from '../canonical/refusal.ts';
import { makeMessage } from '../messages/make-message.ts';
import { type NewMessage, priorities } from '../messages/message.ts';
import { bookLanes } from '../messages/pace.ts';
import { type BulkMessage, judgeBulk } from '../messages/policy/judge-bulk.ts';
import { needsWindow } from '../messages/policy/needs-window.ts';
import { insertMessages } from '../messages/queue.ts';
import type { Tx } from '../platform/database.ts';
import type { Seal } from '../platform/seal.ts';
import type { ApiKey } from '../tenants/api-keys.ts';
import { capsOf } from '../tenants/key-powers.ts';
import type { SendingNumber } from '../tenants/number-book.ts';
import type { Broadcast, Reason } from './broadcast.ts';
import { type Move, moveRecipients, type Waiting, waitingRecipients } from './recipients.ts';
import { quietUntil } from './schedule.ts';
import { fill } from './variables.ts';

/** Messages of one transaction: on the embedded engine everybody else waits meanwhile. */
const stepMost = 200;
/** What a number has queued of one broadcast: what it sends in so long, within bounds. */
const aheadMs = 2_000;
const queuedLeast = 20;
const queuedMost = 2_000;
/** A rate of its own is spread over so long ahead. */
const rateAheadUs = 1_000_000;
/** Booked further ahead than this it was by a clock that has been set back since. */
const staleUs = 60_000_000;

export interface FeedDeps {
  prices: Pick<PriceBook, 'quote'>;
  seal: Pick<Seal, 'digest'>;
  messageTtlMs: number;
}

/** What does not change while a step runs. */
export interface Moment {
  /** Connected, and not resting from Meta's spam limit. */
  numbers: SendingNumber[];
  key: ApiKey;
  prepaid: boolean;
  /** Of the template, where it is one that we know. */
  category: Category | null;
  nowMs: number;
}

export interface Fed {
  messages: NewMessage[];
  /** Recipients that were looked at. */
  looked: number;
  /** Why it can go no further; null: nothing stops it. */
  stop: { reason: Reason; detail: string } | null;
}

/** One step of a running broadcast, for who holds its lock. */
export async function feedStep(tx: Tx, deps: FeedDeps, broadcast: Broadcast, moment: Moment): Promise<Fed> {
  const { tenantId, id: broadcastId } = broadcast;
  const key = { tenantId, broadcastId };
  const { nowMs } = moment;
  const rooms = await roomsOf(tx, broadcast, moment.numbers);
  const room = Math.min(
    stepMost,
    sum(rooms.map(one => one.room)),
    slotsOf(broadcast, nowMs),
    leftOf(broadcast),
  );
  const waiting = room <= 0 ? [] : await waitingRecipients(tx, key, nowMs, room);
  const moves: Move[] = [];
  const asked: { recipient: Waiting; bulk: BulkMessage }[] = [];
  const turns = turnsOf(rooms, waiting.length);
  for (const recipient of waiting) {
    const number = turns[asked.length]!;
    const made = messageFor(deps, broadcast, moment, number, recipient);
    if ('move' in made) moves.push(made.move);
    else asked.push({ recipient, bulk: made });
  }
  spread(
    broadcast,
    asked.map(({ bulk }) => bulk.message),
    nowMs,
  );
  const verdict = await judgeBulk(
    tx,
    tenantId,
    {
      messages: asked.map(({ bulk }) => bulk),
      key: { id: moment.key.id, caps: moment.key.powers === undefined ? null : capsOf(moment.key.powers) },
      prepaid: moment.prepaid,
    },
    nowMs,
    deps.seal,
  );
  const personOf = new Map(asked.map(({ recipient, bulk }) => [bulk.message.id, recipient.person]));
  for (const { message, refusal } of verdict.refused)
    moves.push({ person: personOf.get(message.id)!, reason: refusals[refusal.code].title });
  for (const { id } of verdict.accepted) moves.push({ person: personOf.get(id)!, messageId: id });
  await moveRecipients(tx, key, moves);
  await store(tx, tenantId, verdict.accepted, nowMs);
  await count(tx, broadcast, verdict.accepted, moves, nowMs);
  const { shortOf } = verdict;
  return {
    messages: verdict.accepted,
    looked: moves.length,
    stop: shortOf === null ? null : { reason: shortOf.what, detail: shortOf.detail },
  };
}

interface Room {
  number: SendingNumber;
  room: number;
}

/** How many more each number may have queued. */
async function roomsOf(tx: Tx, { tenantId, id }: Broadcast, numbers: SendingNumber[]): Promise<Room[]> {
  const rows = await tx.all<{ number_id: number; n: number }>(
    `select number_id, count(*) as n from messages
     where tenant_id = $1 and broadcast_id = $2 and status = 'queued' group by number_id`,
    [tenantId, id],
  );
  const queued = new Map(rows.map(({ number_id, n }) => [number_id, n]));
  return numbers.map(number => {
    const most = Math.min(queuedMost, Math.max(queuedLeast, (number.perSecond * aheadMs) / 1_000));
    return { number, room: Math.max(0, Math.floor(most) - (queued.get(number.id) ?? 0)) };
  });
}

/** The numbers in turn, those with more room more often. */
function turnsOf(rooms: Room[], count: number): SendingNumber[] {
  const left = rooms.map(one => ({ ...one }));
  const all = Math.max(1, sum(left.map(({ room }) => room)));
  const turns: SendingNumber[] = [];
  for (const { number, room } of left) {
    const share = Math.min(room, Math.ceil((room / all) * count));
    for (let n = 0; n < share && turns.length < count; n++) turns.push(number);
  }
  return turns;
}

const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);

/** Recipients until it has taken as many as it was launched for. */
const leftOf = ({ takeMost, taken }: Broadcast) =>
  takeMost === null ? Number.POSITIVE_INFINITY : Math.max(0, takeMost - taken);

const intervalUs = (perSecond: number) => Math.ceil(1_000_000 / perSecond);

function nextUsOf({ nextUs }: Broadcast, nowMs: number): number {
  const nowUs = nowMs * 1_000;
  return nextUs > nowUs + staleUs ? nowUs : Math.max(nowUs, nextUs);
}

/** How many messages its own rate allows to be made now. */
function slotsOf(broadcast: Broadcast, nowMs: number): number {
  const { perSecond } = broadcast.options;
  if (perSecond === null) return Number.POSITIVE_INFINITY;
  const leftUs = nowMs * 1_000 + rateAheadUs - nextUsOf(broadcast, nowMs);
  return Math.max(0, Math.floor(leftUs / intervalUs(perSecond)));
}

/** Each at a moment of its own, where the broadcast has a rate. */
function spread(broadcast: Broadcast, messages: NewMessage[], nowMs: number): void {
  const { perSecond } = broadcast.options;
  if (perSecond === null) return;
  const first = nextUsOf(broadcast, nowMs);
  for (const [i, message] of messages.entries()) {
    const waitMs = Math.floor((first + i * intervalUs(perSecond)) / 1_000) - message.dueAt;
    message.dueAt += waitMs;
    message.expiresAt += waitMs;
  }
}

function messageFor(
  { prices, messageTtlMs }: FeedDeps,
  broadcast: Broadcast,
  { key, prepaid, category, nowMs }: Moment,
  number: SendingNumber,
  recipient: Waiting,
): BulkMessage | { move: Move } {
  const { tenantId, id, dialect, endpoint, options, name, endsAt } = broadcast;
  const { person, phone, variables, timeZone } = recipient;
  const { quietHours, callbackData } = options;
  const quiet = quietHours === null ? undefined : quietUntil(nowMs, quietHours, timeZone ?? options.timeZone);
  if (quiet !== undefined) return { move: { person, dueAt: quiet } };
  const filled = fill(broadcast.content, variables);
  if ('missing' in filled)
    return { move: { person, reason: `has no value for ${filled.missing.join(', ')}` } };
  const { content } = filled;
  const [wrong] = Object.keys(variables).length === 0 ? [] : checkContent(content);
  if (wrong !== undefined) return { move: { person, reason: `${wrong.path} ${wrong.message}` } };
  const to = { kind: 'phone', digits: phone, to: `+${phone}` } as const;
  const making = {
    ...{ tenantId, numberId: number.id, keyId: key.id, dialect, endpoint, callbackData, campaign: name },
    ...{ broadcastId: id, priority: priorities.bulk, fake: false, createdAt: nowMs, dueAt: nowMs },
    ...{ ttlMs: endsAt === null ? messageTtlMs : Math.max(1_000, Math.min(messageTtlMs, endsAt - nowMs)) },
    ...{ category: categoryOf(content, category), prepaid },
  };
  return {
    message: makeMessage(prices, making, content, to, newId()),
    needsWindow: needsWindow({ content, recipient: to, number, sendAt: null, now: nowMs }),
    marketing: category === 'marketing' || endpoint === 'marketing_messages',
  };
}

async function store(tx: Tx, tenantId: string, messages: NewMessage[], nowMs: number): Promise<void> {
  if (messages.length === 0) return;
  const byNumber = [...Map.groupBy(messages, ({ numberId }) => numberId)].sort(([a], [b]) => a - b);
  const bookings = byNumber.map(([numberId, own]) => ({
    ...{ numberId, count: 0 },
    dueAt: Math.min(...own.map(({ dueAt }) => dueAt)),
  }));
  await bookLanes(tx, tenantId, bookings, nowMs, nowMs);
  await insertMessages(
    tx,
    tenantId,
    messages.map(message => ({ message, claim: null })),
  );
}

async function count(
  tx: Tx,
  broadcast: Broadcast,
  made: NewMessage[],
  moves: Move[],
  nowMs: number,
): Promise<void> {
  const skipped = moves.filter(move => 'reason' in move).length;
  if (made.length + skipped === 0) return;
  const { perSecond } = broadcast.options;
  const nextUs = perSecond === null ? 0 : nextUsOf(broadcast, nowMs) + made.length * intervalUs(perSecond);
  await tx.all(
    `update broadcasts set taken = taken + $3, skipped = skipped + $4, next_us = $5, updated_at = $6 where tenant_id = $1 and id = $2`,
    [broadcast.tenantId, broadcast.id, made.length, skipped, nextUs, nowMs],
  );
}
