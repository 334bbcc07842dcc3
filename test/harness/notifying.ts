/** A notifier as a process of its own would have it, on real tables, with a tenant whose endpoints and events tests make. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventDraft } from '../../gateway/canonical/event.ts';
import { newId } from '../../gateway/canonical/ids.ts';
import { createPresence } from '../../gateway/messages/presence.ts';
import type { Database, Tx } from '../../gateway/platform/database.ts';
import { createLog } from '../../gateway/platform/log.ts';
import { noNotices } from '../../gateway/platform/notices.ts';
import { targetRules } from '../../gateway/platform/outbound.ts';
import { createSeal } from '../../gateway/platform/seal.ts';
import { type Endpoint, listSealed, saveEndpoint } from '../../gateway/tenants/endpoints.ts';
import { insertAttempts, listAttempts, type StoredAttempt } from '../../gateway/webhooks/attempts.ts';
import { insertEvents } from '../../gateway/webhooks/events.ts';
import { createNotifier, type Notifier, type NotifierDeps } from '../../gateway/webhooks/notifier.ts';

export const seal = createSeal(Buffer.alloc(32, 5));
const log = createLog('silent', null);
export const tenantId = 'tenant-a';

export interface Process {
  id: string;
  notifier: Notifier;
  stop(): Promise<void>;
}

export interface ProcessOptions extends Partial<NotifierDeps> {
  now(): number;
  announced?: (EventDraft & { tenantId: string })[];
}

/** With a row in `processes` that is kept alive as any. */
export async function startProcess(database: Database, options: ProcessOptions): Promise<Process> {
  const { announced = [], ...more } = options;
  const id = newId();
  const dataFolder = mkdtempSync(join(tmpdir(), 'wagate-notifier-'));
  const presence = createPresence({
    ...{ database, log, dataFolder, processId: id, pid: process.pid, now: options.now },
    takeOver: async () => undefined,
  });
  await presence.start();
  const notifier = createNotifier({
    database,
    seal,
    // Without keeping anything: tests change rows beside it.
    endpoints: { of: listSealed, forget: () => undefined },
    notices: noNotices,
    numbers: { byId: async () => undefined },
    log,
    processId: id,
    rules: targetRules(['127.0.0.0/8'], false),
    timeoutMs: 15_000,
    retrySeconds: [5, 300, 1_800],
    disableAfterMs: 120 * 3_600_000,
    random: () => 0.5,
    announce: async (_, of, drafts) =>
      void announced.push(...drafts.map(draft => ({ ...draft, tenantId: of }))),
    pollMs: 20,
    ...more,
  });
  notifier.start();
  return {
    id,
    notifier,
    async stop() {
      await notifier.stop();
      await presence.stop();
      rmSync(dataFolder, { recursive: true });
    },
  };
}

function newEndpoint(url: string | null, more: Partial<Endpoint> = {}): Endpoint {
  return {
    ...{ tenantId, id: newId(), numberId: null, url, format: 'standard', events: ['*'], door: 'native' },
    ...{ doorData: {}, description: '', ordered: false, batchMax: 1, perSecond: null },
    secrets: [{ secret: `whsec_${Buffer.alloc(32).toString('base64')}`, until: null }],
    ...{ headers: {}, signsWith: 'endpoint', status: 'active', statusReason: null },
    ...{ statusAt: 0, createdAt: 0, updatedAt: 0 },
    ...more,
  };
}

export async function addEndpoint(
  database: Database,
  url: string | null,
  more: Partial<Endpoint> = {},
): Promise<Endpoint> {
  const endpoint = newEndpoint(url, more);
  await database.transact(tx => saveEndpoint(tx, seal, endpoint));
  return endpoint;
}

export const draft = (more: Partial<EventDraft> = {}): EventDraft => ({
  type: 'endpoint.test',
  at: 1_000,
  numberId: null,
  person: null,
  messageId: null,
  data: { text: 'hello' },
  meta: null,
  ...more,
});

/** Events as whoever notices them tells them: each with an attempt per endpoint. Returns their ids. */
export async function tell(
  tx: Tx,
  endpoints: Endpoint[],
  drafts: EventDraft[],
  dueAt: number,
): Promise<string[]> {
  const events = drafts.map(one => ({ ...one, id: newId() }));
  await insertEvents(tx, tenantId, events);
  await insertAttempts(
    tx,
    tenantId,
    events.flatMap(({ id, numberId, person }) =>
      endpoints.map(endpoint => ({
        endpointId: endpoint.id,
        eventId: id,
        n: 1,
        conversation: endpoint.ordered ? `${numberId ?? ''}:${person ?? ''}` : '',
        dueAt,
      })),
    ),
  );
  return events.map(({ id }) => id);
}

/** All attempts of an endpoint, in order. */
export async function attemptsOf(database: Database, endpoint: Endpoint): Promise<StoredAttempt[]> {
  return (await listAttempts(database, tenantId, { endpointId: endpoint.id, limit: 100_000 })).reverse();
}
