/**
 * The sweeper looks after what nobody else ends: claims of processes that are gone become uncertain, uncertain messages end
 * visibly, and messages that wait behind a pause expire.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { charge } from '../billing/charge.ts';
import type { Database, Tx } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import type { AnnounceChanges } from './announce-changes.ts';
import type { Change, Feed } from './feed.ts';
import type { Settlement } from './message.ts';
import { type LaneKey, lanesToSweep, lockLane, markDue, markSweep } from './pace.ts';
import type { DeadProcess } from './presence.ts';
import { abandonClaims, expireMessages, giveUpUncertain, nextSweep, takeOverClaims } from './queue.ts';
import { expiredSettlement } from './settle.ts';

export interface SweeperDeps {
  database: Database;
  feed: Feed;
  announce: AnnounceChanges;
  log: Log;
  settled(settlement: Settlement): void;
  now(): number;
  uncertainMs: number;
  everyMs: number;
}

export interface Sweeper {
  /** One look at everything that is due; what `start` repeats. */
  sweep(): Promise<void>;
  /** Settles what a dead process held on one lane (presence.ts). */
  takeOver(lane: LaneKey, dead: DeadProcess): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

export function createSweeper({
  database,
  feed,
  announce,
  log,
  settled,
  now,
  uncertainMs,
  everyMs,
}: SweeperDeps): Sweeper {
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();

  async function sweep(): Promise<void> {
    for (const lane of await lanesToSweep(database, now(), 1_000)) await sweepLane(lane);
    for (const lane of await lanesWaiting(database, now())) await expireLane(lane);
  }

  async function sweepLane(lane: LaneKey): Promise<void> {
    const at = now();
    const { tenantId } = lane;
    // By itself, because it touches the wallet, which everyone locks before a lane.
    const givenUp = await database.transact(async tx => {
      const ids = await giveUpUncertain(tx, lane, at - uncertainMs, at);
      await charge(tx, [{ tenantId, ids }], at);
      return told(
        tx,
        ids.map(id => ({ tenantId, id, status: 'failed', at, reason: 'no word from Meta' })),
      );
    });
    const abandoned = await database.transact(async tx => {
      // A claim that commits between nextSweep and its writing would never be looked after.
      await lockLane(tx, lane);
      const ids = await abandonClaims(tx, lane, at);
      await tx.all('update lanes set sweep_at = $3 where number_id = $1 and tenant_id = $2', [
        lane.numberId,
        lane.tenantId,
        await nextSweep(tx, lane, uncertainMs),
      ]);
      return told(
        tx,
        ids.map(id => ({ tenantId, id, status: 'uncertain', at, reason: 'its sender is gone' })),
      );
    });
    const changes = [...givenUp, ...abandoned];
    if (changes.length > 0) log.warn({ number: lane.numberId, messages: changes.length }, 'sweep');
    feed.publish(changes);
  }

  async function told(tx: Tx, changes: Change[]): Promise<Change[]> {
    await announce(tx, changes);
    return changes;
  }

  async function takeOver(lane: LaneKey, dead: DeadProcess): Promise<void> {
    const at = now();
    const { tenantId } = lane;
    const reason = 'its sender is gone';
    const { released, uncertain } = await database.transact(async tx => {
      const taken = await takeOverClaims(tx, lane, dead);
      if (taken.released.length > 0) await markDue(tx, lane, at);
      if (taken.uncertain.length > 0) await markSweep(tx, lane, at + uncertainMs);
      return {
        released: taken.released,
        uncertain: await told(
          tx,
          taken.uncertain.map(id => ({ tenantId, id, status: 'uncertain', at, reason })),
        ),
      };
    });
    feed.publish(released.map(id => ({ tenantId, id, status: 'queued', at, reason })));
    feed.publish(uncertain);
  }

  async function expireLane(lane: LaneKey): Promise<void> {
    const at = now();
    const expired = await database.transact(async tx => {
      const ids = await expireMessages(tx, lane, at, 1_000);
      await charge(tx, [{ tenantId: lane.tenantId, ids }], at);
      return told(
        tx,
        ids.map(id => ({ tenantId: lane.tenantId, id, status: 'expired', at })),
      );
    });
    feed.publish(expired);
    for (const { id } of expired) settled(expiredSettlement(lane.tenantId, id));
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sweep().catch(error => log.error({ err: error }, 'sweep failed'));
      await sleep(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  return {
    sweep,
    takeOver,
    start() {
      running = loop();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** Lanes whose queue has been due for a while: paused, or without anyone to send. */
async function lanesWaiting(database: Database, now: number): Promise<LaneKey[]> {
  const rows = await database.all<{ number_id: number; tenant_id: string }>(
    'select number_id, tenant_id from lanes where due_at is not null and due_at <= $1 order by due_at limit 1000',
    [now - 1_000],
  );
  return rows.map(row => ({ tenantId: row.tenant_id, numberId: row.number_id }));
}
