/**
 * The sender: writes each claimed message to Meta at its own moment, and settles the verdicts.
 *
 * What is in flight is bounded for the process and per number, so that one slow number holds neither memory nor the others.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Graph, GraphAnswer } from '../meta/graph.ts';
import { type Verdict, verdictOf } from '../meta/verdict.ts';
import { createBatcher } from '../platform/batch.ts';
import { steadyMs } from '../platform/clock.ts';
import type { Database } from '../platform/database.ts';
import { type Log, plainLines } from '../platform/log.ts';
import type { NumberBook, SendingNumber } from '../tenants/number-book.ts';
import type { AnnounceChanges } from './announce-changes.ts';
import type { Feed } from './feed.ts';
import { type Journal, sendName } from './journal.ts';
import type { ClaimedMessage, Settlement } from './message.ts';
import { horizonUs, type LaneKey, markDue, stopLane } from './pace.ts';
import { releaseClaims } from './queue.ts';
import { changeOf, reasonOf, type SendResult, settle, settlementOf } from './settle.ts';
import { createTurns } from './turns.ts';

export interface SenderDeps {
  database: Database;
  graph: Graph;
  numbers: NumberBook;
  feed: Feed;
  announce: AnnounceChanges;
  log: Log;
  processId: string;
  journal: Journal;
  settled(settlement: Settlement): void;
  /** A message of the lane went back to the queue and is due again then. */
  returned(lane: LaneKey, at: number): void;
  now(): number;
  random(): number;
  inFlightMax: number;
  uncertainMs: number;
}

export interface Sender {
  /** Sends what this process has claimed. */
  dispatch(claimed: ClaimedMessage[]): void;
  /** How many more messages may be claimed now. */
  capacity(): number;
  /** Resolves when the process and the number may have one more message in flight, or when the sender stops. */
  room(numberId: number): Promise<void>;
  /** What is in flight is finished and settled, what was not written yet is given back. */
  stop(): Promise<void>;
}

export function createSender(deps: SenderDeps): Sender {
  const { database, graph, numbers, feed, log, now, processId } = deps;
  const sends = plainLines(log);
  const inFlight = new Map<string, Promise<void>>();
  const inFlightByNumber = new Map<number, number>();
  const turns = createTurns({ steadyMs, sleep });
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  let freed: (() => void)[] = [];

  const results = createBatcher<SendResult, undefined>({
    run: settleBatch,
    sizeMax: 500,
    waitingMax: Number.POSITIVE_INFINITY,
  });

  async function settleBatch(batch: SendResult[]): Promise<undefined[]> {
    await database.transact(async tx => deps.announce(tx, await settle(tx, batch, deps.uncertainMs)));
    feed.publish(batch.map(changeOf));
    for (const result of batch) {
      const settlement = settlementOf(result);
      if (settlement !== undefined) deps.settled(settlement);
    }
    return batch.map(() => undefined);
  }

  const capacity = () => (stopping.signal.aborted ? 0 : Math.max(0, deps.inFlightMax - inFlight.size));

  function dispatch(claimed: ClaimedMessage[]): void {
    for (const message of claimed) {
      inFlightByNumber.set(message.numberId, (inFlightByNumber.get(message.numberId) ?? 0) + 1);
      const done = send(message)
        .catch(error => log.error({ err: error, message: message.id }, 'send could not be settled'))
        .finally(() => {
          inFlight.delete(message.id);
          const left = inFlightByNumber.get(message.numberId)! - 1;
          if (left > 0) inFlightByNumber.set(message.numberId, left);
          else inFlightByNumber.delete(message.numberId);
          const listeners = freed;
          freed = [];
          for (const listener of listeners) listener();
        });
      inFlight.set(message.id, done);
    }
  }

  async function send(message: ClaimedMessage): Promise<void> {
    // No slot is further ahead, unless the clock was set back since it was given.
    const wait = Math.min(message.slotUs / 1000 - now(), (3 * horizonUs) / 1000);
    if (wait >= 1) {
      const interrupted = await sleep(wait, false, { signal: stopping.signal }).catch(() => true);
      if (interrupted) return release(message);
    }
    const startedAt = now();
    const verdict = await ask(message);
    const at = now();
    sends.info(
      {
        message: message.id,
        tenant: message.tenantId,
        number: message.numberId,
        dialect: message.dialect,
        type: message.type,
        try: message.tries,
        verdict: verdict.kind,
        // Not Meta's id: whoever decodes it reads the recipient's number.
        ...(verdict.kind === 'sent' ? {} : { reason: reasonOf(verdict) }),
        ms: at - startedAt,
      },
      'send',
    );
    // Before the caller hears of it: its next request must find the number disconnected.
    if (verdict.kind === 'rejected' && verdict.disconnects) await disconnect(message, reasonOf(verdict), at);
    await settleUntilDone({ message, verdict, claimedBy: processId, at });
    deps.journal.end(sendName(message.id, message.tries));
    if (verdict.kind === 'later') deps.returned(message, at + verdict.delayMs);
  }

  /** What is queued waits until the number is connected again (resumeLane) or its time to live is over. */
  async function disconnect(lane: LaneKey, reason: string, at: number): Promise<void> {
    try {
      await numbers.disconnect(lane.tenantId, lane.numberId, reason);
      await database.transact(tx => stopLane(tx, lane, at));
    } catch (error) {
      log.error({ err: error, number: lane.numberId }, 'disconnection could not be written');
    }
  }

  async function ask(message: ClaimedMessage): Promise<Verdict> {
    return verdictOf(await request(message), message.tries, deps.random());
  }

  async function request(message: ClaimedMessage): Promise<GraphAnswer> {
    let number: SendingNumber | undefined;
    try {
      number = await numbers.ofLane(message);
    } catch (error) {
      return { kind: 'unsent', reason: `the number could not be read: ${(error as Error).message}` };
    }
    if (number === undefined) return { kind: 'unsent', reason: 'the number is not known any more' };
    await turns.wait(number);
    return graph.request({
      method: 'POST',
      path: `/${number.phoneNumberId}/${message.endpoint}`,
      accessToken: number.accessToken,
      body: message.body,
      beginning: () => deps.journal.begin(sendName(message.id, message.tries)),
    });
  }

  /** Meta's answer exists only here until it is written: a database that is away is waited for. */
  async function settleUntilDone(result: SendResult): Promise<void> {
    for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, 5_000)) {
      try {
        await results.add(result);
        return;
      } catch (error) {
        log.error(
          { err: error, message: result.message.id, verdict: result.verdict.kind },
          'settlement waits for the database',
        );
        await sleep(pauseMs);
      }
    }
  }

  async function release(message: ClaimedMessage): Promise<void> {
    await database.transact(async tx => {
      await releaseClaims(tx, message, [message.id], processId);
      await markDue(tx, message, now());
    });
  }

  async function room(numberId: number): Promise<void> {
    const laneMax = Math.ceil(deps.inFlightMax / 2);
    while (
      !stopping.signal.aborted &&
      (capacity() === 0 || (inFlightByNumber.get(numberId) ?? 0) >= laneMax)
    ) {
      await new Promise<void>(resolve => freed.push(resolve));
    }
  }

  return {
    dispatch,
    capacity,
    room,
    async stop() {
      stopping.abort();
      for (const listener of freed) listener();
      while (inFlight.size > 0) await Promise.all(inFlight.values());
      await results.idle();
    },
  };
}
