/**
 * Accept: the first of the three transactions that carry the product. A message is committed before it is sent and before
 * anyone hears that we have it. What is due now is claimed in the same breath when its number's lane is free, first of all what a
 * caller waits for.
 */
import { type Batcher, createBatcher } from '../platform/batch.ts';
import { CommitUnheard, type Database, type Tx, together } from '../platform/database.ts';
import type { Claimer } from './claimer.ts';
import type { Feed } from './feed.ts';
import { type ClaimedMessage, type NewMessage, priorities } from './message.ts';
import { type Booking, bookLanes, slotsPerHorizon } from './pace.ts';
import { type Claim, insertMessages } from './queue.ts';
import type { Sender } from './sender.ts';

export interface Accepting {
  /** All or none: one call's messages to all its recipients. */
  messages: NewMessage[];
  /** The caller waits for Meta: goes before the others. */
  urgent: boolean;
  /** The number's rate, to know how many moments to ask for. */
  perSecond: number;
}

export interface AcceptDeps {
  database: Database;
  feed: Feed;
  /** Takes over what was claimed in the accept transaction. */
  sender: Pick<Sender, 'capacity' | 'dispatch'>;
  /** Makes the claims, and learns of lanes that have work. */
  claimer: Pick<Claimer, 'claim' | 'wake' | 'unhear'>;
  now(): number;
  waitingMax: number;
}

export type Accept = (accepting: Accepting) => Promise<void>;

export function createAccept({ database, feed, sender, claimer, now, waitingMax }: AcceptDeps): {
  accept: Accept;
  idle(): Promise<void>;
} {
  const batcher: Batcher<Accepting, undefined> = createBatcher({ run: commit, sizeMax: 500, waitingMax });

  async function commit(batch: Accepting[]): Promise<undefined[]> {
    const claim = claimer.claim();
    let claimed: ClaimedMessage[] = [];
    const messages = batch.flatMap(accepting => accepting.messages);
    const lanes = new Map(messages.filter(({ fake }) => !fake).map(message => [message.numberId, message]));
    try {
      await database.transact(async tx => {
        claimed = await store(tx, batch, claim, now(), sender.capacity());
      });
    } catch (error) {
      if (error instanceof CommitUnheard)
        claimer.unhear(
          claim,
          [...lanes.values()].map(({ tenantId, numberId }) => ({ tenantId, numberId })),
        );
      throw error;
    }
    feed.publish(
      messages.map(({ tenantId, id, status, createdAt }) => ({ tenantId, id, status, at: createdAt })),
    );
    sender.dispatch(claimed);
    // What is claimed already or is for later does not need the sender now; each look at a lane is a commit.
    const sending = new Set(claimed.map(({ id }) => id));
    const waiting = messages.filter(({ id, status }) => status === 'queued' && !sending.has(id));
    for (const { tenantId, numberId } of new Map(waiting.map(one => [one.numberId, one])).values()) {
      claimer.wake({ tenantId, numberId });
    }
    return batch.map(() => undefined);
  }

  return { accept: async accepting => void (await batcher.add(accepting)), idle: () => batcher.idle() };
}

async function store(
  tx: Tx,
  batch: Accepting[],
  claim: Claim,
  nowMs: number,
  capacity: number,
): Promise<ClaimedMessage[]> {
  const bookings = new Map<number, Booking>();
  const first = new Map<number, NewMessage[]>();
  let room = capacity;
  for (const [numberId, ofNumber] of Map.groupBy(batch, ({ messages }) => messages[0]!.numberId)) {
    // Those a caller waits for before the others.
    const queued = ofNumber
      .toSorted((a, b) => Number(b.urgent) - Number(a.urgent))
      .flatMap(({ messages }) => messages.filter(({ status }) => status !== 'accepted'));
    const now = queued.filter(
      ({ status, dueAt, priority }) =>
        status === 'queued' && dueAt <= nowMs && priority === priorities.single,
    );
    const count = Math.min(now.length, slotsPerHorizon(ofNumber[0]!.perSecond), room);
    room -= count;
    first.set(numberId, now.slice(0, count));
    const sooner = new Set(first.get(numberId));
    const later = queued.filter(message => !sooner.has(message)).map(({ dueAt }) => dueAt);
    const dueAt = later.length === 0 ? null : Math.min(...later);
    if (queued.length > 0) bookings.set(numberId, { numberId, count, dueAt });
  }
  // Lanes are locked in one order by every process, so that no two wait for each other; the tenants' statements travel together.
  const byTenant = [...Map.groupBy(batch, ({ messages }) => messages[0]!.tenantId)].sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const claimed = byTenant.map(async ([tenantId, ofTenant]) => {
    const numberIds = [...new Set(ofTenant.map(({ messages }) => messages[0]!.numberId))].sort(
      (a, b) => a - b,
    );
    const wanted = numberIds.flatMap(numberId => bookings.get(numberId) ?? []);
    const slots =
      wanted.length === 0
        ? new Map<number, number[]>()
        : await bookLanes(tx, tenantId, wanted, nowMs, claim.until);
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
      ofTenant.flatMap(({ messages }) =>
        messages.map(message => ({ message, claim: sending.has(message.id) ? claim : null })),
      ),
    );
    return [...sending.values()];
  });
  return (await together(claimed)).flat();
}
