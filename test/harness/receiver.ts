/** A receiver of Meta's webhooks on a database of the tests, and what it announces. Of its parts nothing is a double. */
import { createHmac, randomBytes } from 'node:crypto';
import type { EventDraft } from '../../gateway/canonical/event.ts';
import { createReceiver, type Received } from '../../gateway/inbound/receive.ts';
import { createFeed } from '../../gateway/messages/feed.ts';
import { createLane } from '../../gateway/messages/pace.ts';
import { createGraph } from '../../gateway/meta/graph.ts';
import type { Database } from '../../gateway/platform/database.ts';
import { createLog } from '../../gateway/platform/log.ts';
import { noNotices } from '../../gateway/platform/notices.ts';
import { createSeal } from '../../gateway/platform/seal.ts';
import { createNumberBook, sealSecrets } from '../../gateway/tenants/number-book.ts';
import { insertNumber } from '../../gateway/tenants/numbers.ts';
import { createWordBook } from '../../gateway/tenants/opt-out-words.ts';
import { createTemplateBook } from '../../gateway/tenants/template-book.ts';
import { announceChanges } from './announcing.ts';

export interface NumberSpec {
  id: number;
  tenantId: string;
  phoneNumberId: string;
  wabaId: string;
  displayNumber: string;
  appSecret: string;
  perSecond?: number;
}

/** Moved by the test: number books keep what they read for two seconds. */
export interface TestClock {
  now: number;
}

export function openReceiver(database: Database, clock: TestClock) {
  const log = createLog('silent', null);
  const seal = createSeal(randomBytes(32));
  const now = () => clock.now;
  const deps = { database, notices: noNotices, log, now };
  // Nobody listens there: a pull that is asked for fails, and costs nothing else.
  const graph = createGraph({ url: 'http://127.0.0.1:9', version: 'v25.0', timeoutMs: 500, connections: 1 });
  const numbers = createNumberBook({ ...deps, seal });
  const told: { tenantId: string; draft: EventDraft }[] = [];
  const receiver = createReceiver({
    ...{ ...deps, seal, numbers, feed: createFeed(), words: createWordBook(deps), waitingMax: 10_000 },
    templates: createTemplateBook({ ...deps, graph }),
    priceOf: () => undefined,
    announce: async (_tx, tenantId, drafts) => {
      for (const draft of drafts) told.push({ tenantId, draft });
    },
    announceChanges: announceChanges(now),
  });

  return {
    connect: (spec: NumberSpec) =>
      database.transact(async tx => {
        const { id, appSecret, perSecond = 80, ...names } = spec;
        await insertNumber(tx, {
          ...{ id, ...names, verifiedName: 'Old name', quality: null, messagingLimit: null },
          ...{ status: 'connected', statusReason: null, windowPolicy: 'check', listeningSince: null },
          ...{ createdAt: clock.now, updatedAt: clock.now },
          sealed: sealSecrets(seal, id, { accessToken: 't', appSecret, verifyToken: 'v' }),
        });
        await createLane(tx, { tenantId: spec.tenantId, numberId: id }, perSecond);
      }),
    post: (payload: unknown, appSecret: string): Promise<Received> => {
      const body = Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));
      const signature = `sha256=${createHmac('sha256', appSecret).update(body).digest('hex')}`;
      return receiver.receive(body, signature);
    },
    /** What has been announced since the last time this was asked. */
    told: () => told.splice(0),
    async close() {
      await receiver.idle();
      await graph.close();
    },
  };
}
