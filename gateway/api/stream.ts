/** Changes of messages as they happen, in whichever process: of one tenant, or for the operator of all. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import type { Refusal } from '../canonical/refusal.ts';
import { seesNumber } from '../http/select-number.ts';
import { createFactBook, type FactBook } from '../messages/fact-book.ts';
import type { Change } from '../messages/feed.ts';
import { isoTime } from '../platform/clock.ts';
import type { ApiDeps } from './api.ts';
import { operatorRoute, type Route, type Streaming, tenantRoute } from './route.ts';
import { keyStays, type StreamClients } from './stream-clients.ts';

/** Changes one client may be behind before it is dropped. */
const behindMax = 10_000;
const flushMax = 500;

interface View {
  /** null: all tenants. */
  tenantId: string | null;
  /** null: all numbers. */
  numberIds: readonly number[] | null;
  /** Asked at every beat: a revoked key, or one that may not read any more, sees nothing more. */
  mayStay(): Promise<boolean>;
}

const events =
  'Events: `change` {id, status, at, reason?, number, to, type, dialect, tenantId?}; `dropped` when the client reads too slowly; ' +
  '`closed` when the gateway stops or the key ended. With several processes on PostgreSQL, what the others change is told as far as ' +
  'its notices carry it (docs/operating.md, "Wake-ups"); GET /api/v1/messages has everything.';

export function streamRoutes(deps: ApiDeps, clients: StreamClients): Route[] {
  const { authenticator, database, feed, log } = deps;
  const facts = createFactBook(database);

  function follow(view: View): Streaming | Refusal {
    if (clients.isFull()) return { code: 'overloaded', retryAfterSeconds: 5 };
    return {
      stream(raw) {
        let waiting: Change[] = [];
        let telling = false;
        const unwatch = feed.watch({ tenantId: view.tenantId, madeBy: 'anyone' }, changes => {
          waiting.push(...changes);
          if (waiting.length > behindMax)
            client.end('dropped', { reason: 'Too much happens for this client.' });
          else if (!telling) void tell();
        });
        const client = clients.open(raw, view.mayStay, () => {
          unwatch();
          waiting = [];
        });

        async function tell(): Promise<void> {
          telling = true;
          try {
            while (waiting.length > 0) {
              for (const event of await eventsOf(facts, view, waiting.splice(0, flushMax)))
                client.send('change', event);
              // Gives what happens in one burst the time to gather, and the client the time to read.
              await sleep(20);
            }
          } catch (error) {
            log.error({ err: error }, 'stream failed');
            client.end('closed', { reason: 'Something went wrong on our side.' });
          } finally {
            telling = false;
          }
        }
      },
    };
  }

  const answer = { status: 200, about: events, schema: Type.String(), mediaType: 'text/event-stream' };
  return [
    tenantRoute(
      {
        method: 'GET',
        path: '/api/v1/messages/stream',
        operation: 'followMessages',
        summary: 'Changes of messages as they happen (server-sent events)',
        answer,
        refusals: ['overloaded'],
      },
      async (_call, { tenantId, numberIds }, credential, ip) => {
        const mayStay = keyStays(authenticator, credential, ip, numberIds);
        return follow({ tenantId, numberIds, mayStay });
      },
    ),
    operatorRoute(
      {
        method: 'GET',
        path: '/api/v1/stream',
        operation: 'followAllMessages',
        summary: "Changes of all tenants' messages as they happen (server-sent events)",
        answer,
        refusals: ['overloaded'],
      },
      async (_call, credential) =>
        follow({ tenantId: null, numberIds: null, mayStay: () => authenticator.isOperator(credential) }),
    ),
  ];
}

async function eventsOf(facts: FactBook, view: View, changes: Change[]): Promise<object[]> {
  const known = new Map<string, Awaited<ReturnType<FactBook['of']>>>();
  for (const [tenantId, own] of Map.groupBy(changes, change => change.tenantId)) {
    known.set(tenantId, await facts.of(tenantId, own));
  }
  const told: object[] = [];
  for (const { tenantId, id, status, at, reason } of changes) {
    const about = known.get(tenantId)?.get(id);
    if (about === undefined || !seesNumber(view, about.number)) continue;
    const { number, recipient, type, dialect } = about;
    const event = { id, status, at: isoTime(at), number, to: recipient, type, dialect };
    told.push({
      ...event,
      ...(reason === undefined ? {} : { reason }),
      ...(view.tenantId === null ? { tenantId } : {}),
    });
  }
  return told;
}
