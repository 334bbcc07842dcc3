/**
 * Receive: what Meta told us is checked, interpreted and committed before Meta gets its 200
 * (docs/decisions/0003-receive-interprets.md). All posts that arrive within one turn share a transaction.
 */

import type { PriceOf } from '../billing/prices.ts';
import type { EventDraft } from '../canonical/event.ts';
import { isObject } from '../canonical/json.ts';
import { chargeAdvanced } from '../messages/advance.ts';
import type { AnnounceChanges } from '../messages/announce-changes.ts';
import type { Change, Feed } from '../messages/feed.ts';
import { createBatcher } from '../platform/batch.ts';
import { type Database, type Tx, together } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import type { Seal } from '../platform/seal.ts';
import type { NumberBook } from '../tenants/number-book.ts';
import type { WordBook } from '../tenants/opt-out-words.ts';
import type { TemplateBook } from '../tenants/template-book.ts';
import { writeAssets } from './assets.ts';
import { type OwnedAssetFact, type OwnedFact, type OwnedMessageFact, owned } from './owned.ts';
import { parsePayload } from './parse-payload.ts';
import { createPulls } from './pulls.ts';
import { isForWhatsApp, readPayload } from './read-payload.ts';
import { pauseSpamming } from './spam.ts';
import { hear, writeMessages } from './write-messages.ts';

export type Received = 'committed' | 'not_json' | 'not_signed';

export interface Receiver {
  /** Throws when the database cannot take it; Meta then tries again. */
  receive(body: Buffer, signature: string | undefined): Promise<Received>;
  idle(): Promise<void>;
}

export interface ReceiverDeps {
  database: Database;
  numbers: NumberBook;
  templates: Pick<TemplateBook, 'pull' | 'forget'>;
  words: WordBook;
  seal: Pick<Seal, 'digest'>;
  feed: Feed;
  log: Log;
  now(): number;
  waitingMax: number;
  priceOf: PriceOf;
  /** Both tell a tenant's endpoints, in the transaction that makes it true. */
  announce(tx: Tx, tenantId: string, drafts: EventDraft[]): Promise<void>;
  announceChanges: AnnounceChanges;
}

/** Facts in one transaction, or those of one post: Meta puts up to 1,000 into it. */
const factsMax = 500;

export function createReceiver(deps: ReceiverDeps): Receiver {
  const { database, numbers, templates, seal, feed, log, now, announce, announceChanges } = deps;
  const pulls = createPulls({ numbers, templates, log });
  const batcher = createBatcher<OwnedMessageFact[], undefined>({
    run: commit,
    sizeMax: factsMax,
    waitingMax: deps.waitingMax,
    weigh: facts => facts.length,
  });

  async function commit(batch: OwnedMessageFact[][]): Promise<undefined[]> {
    const at = now();
    let changes: Change[] = [];
    let strays = 0;
    const facts = batch.flat();
    await database.transact(async tx => {
      const byTenant = [...Map.groupBy(facts, fact => fact.tenantId)];
      const results = await together(
        byTenant.map(([tenantId, ofTenant]) => writeMessages(tx, tenantId, ofTenant, at)),
      );
      await chargeAdvanced(tx, results, at, deps.priceOf);
      const drafts = await together(results.map(heard => hear(tx, seal, heard)));
      await pauseSpamming(tx, facts);
      await together(results.map(({ tenantId }, i) => tell(tx, tenantId, drafts[i]!)));
      const advanced = results.flatMap(result => result.changes);
      await announceChanges(tx, advanced);
      changes = advanced;
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

  async function commitAssets(facts: OwnedAssetFact[]): Promise<void> {
    const asked = await database.transact(async tx => {
      const ids: number[] = [];
      // In one order, so that no two processes wait for each other.
      const byTenant = [...Map.groupBy(facts, fact => fact.tenantId)].sort(([a], [b]) => (a < b ? -1 : 1));
      for (const [tenantId, ofTenant] of byTenant) {
        const news = await writeAssets(tx, tenantId, ofTenant, now());
        await tell(tx, tenantId, news.drafts);
        ids.push(...news.pulls);
      }
      return ids;
    });
    log.info(
      { fields: [...new Set(facts.map(({ field }) => field))], facts: facts.length },
      'account webhooks',
    );
    numbers.forget();
    templates.forget();
    for (const numberId of asked) pulls.ask(numberId);
  }

  async function tell(tx: Tx, tenantId: string, drafts: EventDraft[]): Promise<void> {
    if (drafts.length > 0) await announce(tx, tenantId, drafts);
  }

  return {
    async receive(body, signature) {
      const payload = parsePayload(body);
      if (!isObject(payload)) return 'not_json';
      if (!isForWhatsApp(payload)) {
        log.info({ object: payload.object }, 'webhook of another product of Meta: left alone');
        return 'committed';
      }
      const facts = readPayload(payload, now());
      const trusted = await owned(deps, facts, body, signature);
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
      const ofMessages = trusted.filter(isMessageFact);
      const ofAssets = trusted.filter(fact => !isMessageFact(fact));
      // Each of the two is committed whatever becomes of the other; Meta repeats both if either is not.
      const ends = await Promise.allSettled([
        ofMessages.length > 0 && batcher.add(ofMessages),
        ofAssets.length > 0 && commitAssets(ofAssets),
      ]);
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
      return 'committed';
    },
    async idle() {
      await batcher.idle();
      await pulls.idle();
    },
  };
}

function isMessageFact(fact: OwnedFact): fact is OwnedMessageFact {
  return fact.kind !== 'template' && fact.kind !== 'number' && fact.kind !== 'account';
}
