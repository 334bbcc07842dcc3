/** How a broadcast stands, as it changes: until it has ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import type { ProgressReader } from '../broadcasts/progress.ts';
import { findBroadcast } from '../broadcasts/table.ts';
import { isRefusal } from '../canonical/refusal.ts';
import type { ApiDeps } from './api.ts';
import { seenBroadcast } from './broadcast-access.ts';
import { tellBroadcast } from './broadcast-forms.ts';
import { type Route, tenantRoute } from './route.ts';
import { keyStays, type StreamClients } from './stream-clients.ts';

/** It is told no more often; counting takes longer than a message of a busy number. */
const everyMs = 1_000;

const events =
  'Events: `broadcast`, as GET /api/v1/broadcasts/{id} tells it: first as it is, then after a change, at most once a second; `ended` ' +
  'with the same when it has ended; `removed` {id} of a draft that is gone; `dropped` when the client reads too slowly; `closed` when ' +
  'the gateway stops or the key ended.';

export function broadcastProgressRoutes(
  { authenticator, database, log }: Pick<ApiDeps, 'authenticator' | 'database' | 'log'>,
  progress: ProgressReader,
  clients: StreamClients,
): Route[] {
  /** As the API tells it; undefined when it is gone. */
  async function look(tenantId: string, id: string) {
    const broadcast = await findBroadcast(database, tenantId, id);
    return (
      broadcast &&
      tellBroadcast(broadcast, broadcast.launchedAt === null ? null : await progress.of(broadcast))
    );
  }

  return [
    tenantRoute(
      {
        method: 'GET',
        path: '/api/v1/broadcasts/:broadcastId/progress',
        operation: 'followBroadcast',
        summary: 'How a broadcast stands, as it changes (server-sent events)',
        answer: { status: 200, about: events, schema: Type.String(), mediaType: 'text/event-stream' },
        refusals: ['object_not_found', 'overloaded'],
      },
      async ({ params }, principal, credential, ip) => {
        const broadcast = await seenBroadcast(database, principal, params.broadcastId!);
        if (isRefusal(broadcast)) return broadcast;
        if (clients.isFull()) return { code: 'overloaded', retryAfterSeconds: 5 };
        const { tenantId, id } = broadcast;
        return {
          stream(raw) {
            const left = new AbortController();
            const mayStay = keyStays(authenticator, credential, ip, principal.numberIds);
            const client = clients.open(raw, mayStay, () => left.abort());

            async function follow(): Promise<void> {
              for (let before = ''; !left.signal.aborted; ) {
                const told = await look(tenantId, id);
                if (told === undefined) return client.end('removed', { id });
                if (told.endedAt !== null) return client.end('ended', told);
                const now = JSON.stringify(told);
                if (now !== before) client.send('broadcast', told);
                before = now;
                await sleep(everyMs, undefined, { signal: left.signal }).catch(() => undefined);
              }
            }

            follow().catch(error => {
              log.error({ err: error }, 'the progress of a broadcast could not be told');
              client.end('closed', { reason: 'Something went wrong on our side.' });
            });
          },
        };
      },
    ),
  ];
}
