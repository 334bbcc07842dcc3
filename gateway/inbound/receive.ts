/**
 * Receive: what Meta told us is checked, interpreted and committed before Meta gets its 200
 * (docs/decisions/0003-receive-interprets.md). All posts that arrive within one turn share a transaction.
 */
import { isObject, parseJson } from '../canonical/json.ts';
import { advance } from '../messages/advance.ts';
import type { Change, Feed } from '../messages/feed.ts';
import { isSignedBy } from '../meta/signature.ts';
import { createBatcher } from '../platform/batch.ts';
import { type Database, type Tx, together } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import type { NumberBook, SendingNumber } from '../tenants/number-book.ts';
import { insertIncoming, keepChanges, openWindows } from './incoming.ts';
import { type Fact, readPayload } from './read-payload.ts';

export type Received = 'committed' | 'not_json' | 'not_signed';

export interface Receiver {
  /** Throws when the database cannot take it; Meta then tries again. */
  receive(body: Buffer, signature: string | undefined): Promise<Received>;
  idle(): Promise<void>;
}

export interface ReceiverDeps {
  database: Database;
  numbers: NumberBook;
  feed: Feed;
  log: Log;
  now(): number;
  waitingMax: number;
}

/** A fact whose number is known and whose app secret signed it. */
export type OwnedFact = Fact & { tenantId: string; numberId: number };

export function createReceiver(deps: ReceiverDeps): Receiver {
  const { database, numbers, feed, log, now } = deps;
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
      changes = results.flatMap(result => result.changes);
      strays = results.reduce((sum, result) => sum + result.strays, 0);
    });
    log.info(
      { posts: batch.length, facts: facts.length, changes: changes.length, strays, ms: now() - at },
      'webhooks',
    );
    feed.publish(changes);
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
        if (isTrusted(number)) result.push({ ...fact, tenantId: number.tenantId, numberId: number.id });
      }
    }
    return result;
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

async function write(
  tx: Tx,
  tenantId: string,
  facts: OwnedFact[],
  at: number,
): Promise<{ changes: Change[]; strays: number }> {
  const incoming = facts.filter(fact => fact.kind === 'incoming');
  const kept = facts.filter(fact => fact.kind === 'kept');
  const reports = facts.filter(fact => fact.kind === 'status');
  if (incoming.length > 0) {
    const fresh = await insertIncoming(tx, tenantId, incoming, at);
    await openWindows(
      tx,
      tenantId,
      // A system message (a changed number) is Meta's, not the person's.
      // Not of a replay: its person may have been erased since.
      fresh
        .filter(({ type }) => type !== 'system')
        .map(({ numberId, sender, at }) => ({ numberId, recipient: sender, at })),
    );
  }
  if (kept.length > 0) await keepChanges(tx, tenantId, kept, at);
  return reports.length > 0 ? advance(tx, tenantId, reports) : { changes: [], strays: 0 };
}
