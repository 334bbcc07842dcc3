/**
 * Receive: what Meta told us is checked, interpreted and committed before Meta gets its 200
 * (docs/decisions/0003-receive-interprets.md). All posts that arrive within one turn share a transaction.
 */

import type { PriceOf } from '../billing/prices.ts';
import { isObject, parseJson } from '../canonical/json.ts';
import type { Wish } from '../canonical/opt-out-words.ts';
import { type Advanced, advance, chargeAdvanced } from '../messages/advance.ts';
import type { Change, Feed } from '../messages/feed.ts';
import { isSignedBy } from '../meta/signature.ts';
import { createBatcher } from '../platform/batch.ts';
import { type Database, type Tx, together } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import type { Seal } from '../platform/seal.ts';
import type { NumberBook, SendingNumber } from '../tenants/number-book.ts';
import { setListeningSince } from '../tenants/numbers.ts';
import type { WordBook } from '../tenants/opt-out-words.ts';
import { insertIncoming, keepChanges } from './incoming.ts';
import { followNames, hearOptOuts } from './opt-outs.ts';
import {
  type Fact,
  type IncomingFact,
  type PreferenceFact,
  readPayload,
  type StatusFact,
} from './read-payload.ts';
import type { CallFact, RenameFact } from './read-people.ts';
import { openWindows, setFreeUntil } from './windows.ts';

export type Received = 'committed' | 'not_json' | 'not_signed';

export interface Receiver {
  /** Throws when the database cannot take it; Meta then tries again. */
  receive(body: Buffer, signature: string | undefined): Promise<Received>;
  idle(): Promise<void>;
}

export interface ReceiverDeps {
  database: Database;
  numbers: NumberBook;
  words: WordBook;
  seal: Pick<Seal, 'digest'>;
  feed: Feed;
  log: Log;
  now(): number;
  waitingMax: number;
  priceOf: PriceOf;
}

/** A fact whose number is known and whose app secret signed it. */
export type OwnedFact = Fact & {
  tenantId: string;
  numberId: number;
  /** The first that the number hears of messages, as far as this process knows. */
  isFirst: boolean;
  /** What the whole message asks of our marketing. */
  word: Wish | undefined;
};

export function createReceiver(deps: ReceiverDeps): Receiver {
  const { database, numbers, words, seal, feed, log, now } = deps;
  const batcher = createBatcher<OwnedFact[], undefined>({
    run: commit,
    sizeMax: 500,
    waitingMax: deps.waitingMax,
  });

  async function commit(batch: OwnedFact[][]): Promise<undefined[]> {
    const at = now();
    let changes: Change[] = [];
    let strays = 0;
    const facts = batch.flat();
    await database.transact(async tx => {
      const byTenant = [...Map.groupBy(facts, fact => fact.tenantId)];
      const results = await together(
        byTenant.map(([tenantId, ofTenant]) => write(tx, tenantId, ofTenant, at)),
      );
      await chargeAdvanced(tx, results, at, deps.priceOf);
      await together(results.map(heard => hear(tx, seal, heard)));
      changes = results.flatMap(result => result.changes);
      strays = results.reduce((sum, result) => sum + result.strays, 0);
    });
    log.info(
      { posts: batch.length, facts: facts.length, changes: changes.length, strays, ms: now() - at },
      'webhooks',
    );
    feed.publish(changes);
    if (facts.some(({ isFirst }) => isFirst)) numbers.forget();
    return batch.map(() => undefined);
  }

  /** The facts of numbers we know whose app signed these bytes; the rest is counted and left. */
  async function owned(facts: Fact[], body: Buffer, signature: string | undefined): Promise<OwnedFact[]> {
    const verified = new Map<string, boolean>();
    const isTrusted = (number: SendingNumber) => {
      let signed = verified.get(number.appSecret);
      if (signed === undefined) {
        signed = isSignedBy(number.appSecret, body, signature);
        verified.set(number.appSecret, signed);
      }
      return signed;
    };
    const result: OwnedFact[] = [];
    for (const fact of facts) {
      for (const number of await numbersOf(fact)) {
        if (!isTrusted(number)) continue;
        const { tenantId, id: numberId, listeningSince } = number;
        const isFirst = listeningSince === null && (fact.kind === 'incoming' || fact.kind === 'status');
        const word = fact.kind === 'incoming' ? await wordOf(tenantId, fact) : undefined;
        result.push({ ...fact, tenantId, numberId, isFirst, word });
      }
    }
    return result;
  }

  async function wordOf(tenantId: string, { words: said, inGroup }: IncomingFact): Promise<Wish | undefined> {
    if (said.length === 0 || inGroup) return undefined;
    const read = await words.of(tenantId);
    return said.map(read).find(wish => wish !== undefined);
  }

  async function numbersOf(fact: Fact): Promise<SendingNumber[]> {
    if (fact.phoneNumberId !== null) {
      const number = await numbers.byPhoneNumberId(fact.phoneNumberId);
      return number === undefined ? [] : [number];
    }
    // Account-level changes concern every tenant that has a number on the account, each once.
    const ofWaba = fact.kind === 'kept' ? await numbers.ofWaba(fact.wabaId) : [];
    return [...new Map(ofWaba.map(number => [number.tenantId, number])).values()];
  }

  return {
    async receive(body, signature) {
      const payload = parseJson(body.toString('utf8'));
      if (!isObject(payload)) return 'not_json';
      const facts = readPayload(payload, now());
      const trusted = await owned(facts, body, signature);
      if (trusted.length < facts.length)
        log.warn(
          {
            facts: facts.length,
            trusted: trusted.length,
            phoneNumberIds: [...new Set(facts.map(fact => fact.phoneNumberId))],
          },
          'webhook refused: its signature does not fit the app secret stored for these numbers, or they are not ours (wagate number connect <id> --app-secret …)',
        );
      if (trusted.length === 0) return facts.length === 0 ? 'committed' : 'not_signed';
      await batcher.add(trusted);
      return 'committed';
    },
    idle: () => batcher.idle(),
  };
}

/** What was told for the first time, and all statuses: of people, windows and wishes come of it. */
interface Heard {
  tenantId: string;
  incoming: (OwnedFact & IncomingFact)[];
  preferences: (OwnedFact & PreferenceFact)[];
  calls: (OwnedFact & CallFact)[];
  renames: (OwnedFact & RenameFact)[];
  reports: (OwnedFact & StatusFact)[];
}

/** Stores the facts of one tenant and advances its messages. */
async function write(tx: Tx, tenantId: string, facts: OwnedFact[], at: number): Promise<Advanced & Heard> {
  const firsts = new Set(facts.filter(({ isFirst }) => isFirst).map(({ numberId }) => numberId));
  if (firsts.size > 0) await setListeningSince(tx, tenantId, [...firsts], at);
  const incoming = facts.filter(fact => fact.kind === 'incoming');
  const kept = facts.filter(fact => fact.kind !== 'incoming' && fact.kind !== 'status');
  const reports = facts.filter(fact => fact.kind === 'status');
  // Nothing comes of a replay: its person may have been erased since.
  const written = incoming.length > 0 ? await insertIncoming(tx, tenantId, incoming, at) : [];
  const changed = kept.length > 0 ? await keepChanges(tx, tenantId, kept, at) : [];
  const advanced =
    reports.length > 0 ? await advance(tx, tenantId, reports) : { changes: [], strays: 0, billed: [] };
  return {
    ...{ ...advanced, tenantId, incoming: written, reports },
    preferences: changed.filter(fact => fact.kind === 'preference'),
    calls: changed.filter(fact => fact.kind === 'call'),
    renames: changed.filter(fact => fact.kind === 'rename'),
  };
}

/** Windows are locked after wallets, as accept does: neither waits for the other. */
async function hear(
  tx: Tx,
  seal: Pick<Seal, 'digest'>,
  { tenantId, incoming, preferences, calls, renames, reports }: Heard,
): Promise<void> {
  // A system message (a changed number) is Meta's, not the person's, and what is written to a group is not written to us.
  await openWindows(tx, tenantId, [
    ...incoming.filter(({ type, inGroup }) => type !== 'system' && !inGroup),
    ...calls.map(call => ({ ...call, referred: false })),
  ]);
  await setFreeUntil(
    tx,
    tenantId,
    reports.flatMap(({ numberId, names, freeUntil }) =>
      freeUntil === null ? [] : { numberId, names, until: freeUntil },
    ),
  );
  const messages = incoming.flatMap(({ word, names, at }) =>
    word === undefined ? [] : { wish: word, names, at },
  );
  await hearOptOuts(tx, seal, tenantId, { messages, preferences, reports });
  const told = incoming.map(({ names, renamedTo }) => ({ from: names, to: renamedTo }));
  await followNames(tx, seal, tenantId, [...told, ...renames]);
}
