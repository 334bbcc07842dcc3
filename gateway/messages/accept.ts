/**
 * Accept: the first of the three transactions that carry the product. What a call may do is judged, its messages are committed before
 * they are sent and before anyone hears that we have them. What is due now is claimed in the same breath when its number's lane is
 * free, first of all what a caller waits for.
 */
import { type Batcher, createBatcher } from '../platform/batch.ts';
import { CommitUnheard, type Database, type Tx, together } from '../platform/database.ts';
import type { Seal } from '../platform/seal.ts';
import type { AnnounceChanges } from './announce-changes.ts';
import type { Claimer } from './claimer.ts';
import type { Change, Feed } from './feed.ts';
import { type ClaimedMessage, type NewMessage, priorities } from './message.ts';
import { type Booking, bookLanes, slotsPerHorizon } from './pace.ts';
import { type Asked, judge, type Verdict } from './policy/judge.ts';
import { type Claim, insertMessages } from './queue.ts';
import type { Sender } from './sender.ts';

export interface Call extends Asked {
  /** The caller waits for Meta: goes before the others. */
  urgent: boolean;
  /** The number's rate, to know how many moments to ask for. */
  perSecond: number;
}

export interface AcceptDeps {
  database: Database;
  feed: Feed;
  announce: AnnounceChanges;
  /** Takes over what was claimed in the accept transaction. */
  sender: Pick<Sender, 'capacity' | 'dispatch'>;
  /** Makes the claims, and learns of lanes that have work. */
  claimer: Pick<Claimer, 'claim' | 'wake' | 'unhear'>;
  /** Knows by its hash who opted out and was erased since. */
  seal: Pick<Seal, 'digest'>;
  now(): number;
  waitingMax: number;
}

/** Resolves when the verdict is committed, and with it the messages if there are any. Throws `BatchFull`. */
export type Accept = (call: Call) => Promise<Verdict>;

/** The verdict that a call would get now; nothing of it stands. */
export type Preview = (call: Asked) => Promise<Verdict>;

/** Of one batch. */
interface Moment {
  claim: Claim;
  nowMs: number;
  /** How many more messages this process may have in flight. */
  capacity: number;
  seal: Pick<Seal, 'digest'>;
}

interface Accepted {
  verdicts: Verdict[];
  stored: NewMessage[];
  claimed: ClaimedMessage[];
}

export function createAccept(deps: AcceptDeps): {
  accept: Accept;
  preview: Preview;
  idle(): Promise<void>;
} {
  const { database, feed, announce, sender, claimer, seal, now, waitingMax } = deps;
  const batcher: Batcher<Call, Verdict> = createBatcher({ run: commit, sizeMax: 500, waitingMax });

  async function commit(calls: Call[]): Promise<Verdict[]> {
    const claim = claimer.claim();
    let accepted: Accepted;
    try {
      accepted = await database.transact(async tx => {
        const all = await acceptAll(tx, calls, { claim, nowMs: now(), capacity: sender.capacity(), seal });
        await announce(tx, all.stored.map(changeOf));
        return all;
      });
    } catch (error) {
      if (error instanceof CommitUnheard)
        claimer.unhear(claim, lanesOf(calls.flatMap(({ messages }) => messages)));
      throw error;
    }
    const { verdicts, stored, claimed } = accepted;
    feed.publish(stored.map(changeOf));
    sender.dispatch(claimed);
    // What is claimed already or is for later does not need the sender now; each look at a lane is a commit.
    const sending = new Set(claimed.map(({ id }) => id));
    const waiting = stored.filter(({ id, status }) => status === 'queued' && !sending.has(id));
    for (const lane of lanesOf(waiting)) claimer.wake(lane);
    return verdicts;
  }

  async function preview(call: Asked): Promise<Verdict> {
    let verdict: Verdict | undefined;
    const undo = new Error('only a preview');
    const done = database.transact(async tx => {
      [verdict] = await judge(tx, call.messages[0]!.tenantId, [call], now(), seal);
      throw undo;
    });
    await done.catch(error => {
      if (error !== undo) throw error;
    });
    return verdict!;
  }

  return { accept: call => batcher.add(call), preview, idle: () => batcher.idle() };
}

const changeOf = ({ tenantId, id, status, createdAt, reason }: NewMessage): Change => ({
  ...{ tenantId, id, status, at: createdAt },
  ...(reason === null ? {} : { reason }),
});

const lanesOf = (messages: NewMessage[]) =>
  [...new Map(messages.filter(({ fake }) => !fake).map(message => [message.numberId, message])).values()].map(
    ({ tenantId, numberId }) => ({ tenantId, numberId }),
  );

/** The tenants' statements travel together, and tenants come in one order in every process: none waits for another that waits for it. */
async function acceptAll(tx: Tx, calls: Call[], { claim, nowMs, capacity, seal }: Moment): Promise<Accepted> {
  const byTenant = [...Map.groupBy(calls, ({ messages }) => messages[0]!.tenantId)].sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const verdicts = new Map<Call, Verdict>();
  await together(
    byTenant.map(async ([tenantId, ofTenant]) => {
      for (const [i, verdict] of (await judge(tx, tenantId, ofTenant, nowMs, seal)).entries())
        verdicts.set(ofTenant[i]!, verdict);
    }),
  );
  const granted = calls.flatMap(call => {
    const verdict = verdicts.get(call)!;
    return verdict.kind === 'accepted' ? [{ ...call, messages: verdict.messages }] : [];
  });
  const first = firstOfNumbers(granted, nowMs, capacity);
  const claimed = await together(
    byTenant.map(([tenantId]) =>
      store(
        tx,
        tenantId,
        granted.filter(({ messages }) => messages[0]!.tenantId === tenantId),
        first,
        claim,
        nowMs,
      ),
    ),
  );
  return {
    verdicts: calls.map(call => verdicts.get(call)!),
    stored: granted.flatMap(({ messages }) => messages),
    claimed: claimed.flat(),
  };
}

/** What each number would send at once if its lane is open: those a caller waits for before the others. */
function firstOfNumbers(calls: Call[], nowMs: number, capacity: number): Map<number, NewMessage[]> {
  let room = capacity;
  const first = new Map<number, NewMessage[]>();
  for (const [numberId, ofNumber] of Map.groupBy(calls, ({ messages }) => messages[0]!.numberId)) {
    const due = ofNumber
      .toSorted((a, b) => Number(b.urgent) - Number(a.urgent))
      .flatMap(({ messages }) => messages)
      .filter(
        ({ status, dueAt, priority }) =>
          status === 'queued' && dueAt <= nowMs && priority === priorities.single,
      );
    const count = Math.min(due.length, slotsPerHorizon(ofNumber[0]!.perSecond), room);
    room -= count;
    first.set(numberId, due.slice(0, count));
  }
  return first;
}

/** Stores messages of one tenant; returns those that this process sends at once. */
async function store(
  tx: Tx,
  tenantId: string,
  calls: Call[],
  first: Map<number, NewMessage[]>,
  claim: Claim,
  nowMs: number,
): Promise<ClaimedMessage[]> {
  const messages = calls.flatMap(call => call.messages);
  if (messages.length === 0) return [];
  const byNumber = [...Map.groupBy(messages, ({ numberId }) => numberId)].sort(([a], [b]) => a - b);
  const bookings = byNumber.flatMap(([numberId, ofNumber]): Booking[] => {
    const sooner = new Set(first.get(numberId));
    const later = ofNumber.filter(
      message => (message.status === 'queued' || message.status === 'scheduled') && !sooner.has(message),
    );
    const dueAt = later.length === 0 ? null : Math.min(...later.map(message => message.dueAt));
    return sooner.size > 0 || dueAt !== null ? [{ numberId, count: sooner.size, dueAt }] : [];
  });
  const slots =
    bookings.length === 0
      ? new Map<number, number[]>()
      : await bookLanes(tx, tenantId, bookings, nowMs, claim.until);
  const sending = new Map(
    [...slots].flatMap(([numberId, moments]) =>
      moments.map((slotUs, i): [string, ClaimedMessage] => {
        const message = first.get(numberId)![i]!;
        return [message.id, { ...message, tries: 1, slotUs }];
      }),
    ),
  );
  await insertMessages(
    tx,
    tenantId,
    messages.map(message => ({ message, claim: sending.has(message.id) ? claim : null })),
  );
  return [...sending.values()];
}
