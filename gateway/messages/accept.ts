/**
 * Accept: the first of the three transactions that carry the product. A message is committed before it is sent and before
 * anyone hears that we have it. Messages a caller waits for are claimed in the same breath when their number's lane is free.
 */
import { type Batcher, createBatcher } from '../platform/batch.ts';
import { CommitUnheard, type Database, type Tx } from '../platform/database.ts';
import type { Feed } from './feed.ts';
import type { ClaimedMessage, NewMessage } from './message.ts';
import { type LaneKey, markDue, markSweep, reserve, slotsPerHorizon } from './pace.ts';
import { type Claim, insertMessages } from './queue.ts';

export interface Accepting {
  /** All or none: one call's messages to all its recipients. */
  messages: NewMessage[];
  /** The caller waits for Meta: send at once if the pace allows. */
  urgent: boolean;
  /** The number's rate, to know how many moments to ask for. */
  perSecond: number;
}

export interface AcceptDeps {
  database: Database;
  feed: Feed;
  /** Takes over what was claimed and learns of lanes that have work. */
  sender: {
    capacity(): number;
    claim(): Claim;
    dispatch(claimed: ClaimedMessage[]): void;
    wake(lane: LaneKey): void;
    unhear(held: Claim, lanes: LaneKey[]): void;
  };
  now(): number;
  waitingMax: number;
}

export type Accept = (accepting: Accepting) => Promise<void>;

export function createAccept({ database, feed, sender, now, waitingMax }: AcceptDeps): {
  accept: Accept;
  idle(): Promise<void>;
} {
  const batcher: Batcher<Accepting, undefined> = createBatcher({ run: commit, sizeMax: 500, waitingMax });

  async function commit(batch: Accepting[]): Promise<undefined[]> {
    const claim = sender.claim();
    let claimed: ClaimedMessage[] = [];
    const messages = batch.flatMap(accepting => accepting.messages);
    const lanes = new Map(messages.filter(({ fake }) => !fake).map(message => [message.numberId, message]));
    try {
      await database.transact(async tx => {
        claimed = await store(tx, batch, claim, now(), sender.capacity());
      });
    } catch (error) {
      if (error instanceof CommitUnheard)
        sender.unhear(
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
      sender.wake({ tenantId, numberId });
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
  const claimed: ClaimedMessage[] = [];
  // Lanes are locked in one order by every process, so that no two wait for each other.
  const byNumber = [...Map.groupBy(batch, ({ messages }) => messages[0]!.numberId)].sort(([a], [b]) => a - b);
  for (const [numberId, ofNumber] of byNumber) {
    const tenantId = ofNumber[0]!.messages[0]!.tenantId;
    const lane = { tenantId, numberId };
    const urgent = ofNumber.filter(accepting => accepting.urgent).flatMap(({ messages }) => messages);
    const count = Math.min(urgent.length, slotsPerHorizon(ofNumber[0]!.perSecond), capacity - claimed.length);
    const slots = (count > 0 && (await reserve(tx, lane, count, nowMs))) || [];
    const sending = new Map(slots.map((slotUs, i) => [urgent[i]!.id, { ...urgent[i]!, tries: 1, slotUs }]));
    const messages = ofNumber.flatMap(accepting => accepting.messages);
    await insertMessages(
      tx,
      tenantId,
      messages.map(message => ({ message, claim: sending.has(message.id) ? claim : null })),
    );
    claimed.push(...sending.values());
    if (sending.size > 0) await markSweep(tx, lane, claim.until);
    const queued = messages.filter(({ id, status }) => status !== 'accepted' && !sending.has(id));
    if (queued.length > 0) await markDue(tx, lane, Math.min(...queued.map(({ dueAt }) => dueAt)));
  }
  return claimed;
}
