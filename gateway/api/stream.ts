/** Changes of messages as they happen, in whichever process: of one tenant, or for the operator of all. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { isRefusal, type Refusal } from '../canonical/refusal.ts';
import { seesNumber } from '../http/select-number.ts';
import { createFactBook, type FactBook } from '../messages/fact-book.ts';
import type { Change } from '../messages/feed.ts';
import { isoTime } from '../platform/clock.ts';
import { mayNot } from '../tenants/key-powers.ts';
import type { ApiDeps } from './api.ts';
import { type EventStream, openEventStream } from './event-stream.ts';
import { operatorRoute, type Route, type Streaming, tenantRoute } from './route.ts';

const clientsMax = 200;
const beatMs = 15_000;
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

export function streamRoutes(deps: ApiDeps, listener: FastifyInstance): Route[] {
  const { authenticator, database, feed, log } = deps;
  const facts = createFactBook(database);
  const clients = new Set<EventStream>();
  let closing = false;

  // Streams never end by themselves, and a listener waits for its requests.
  listener.addHook('preClose', done => {
    closing = true;
    for (const client of clients) client.end('closed', { reason: 'The gateway stops.' });
    done();
  });

  function follow(view: View): Streaming | Refusal {
    if (closing || clients.size >= clientsMax) return { code: 'overloaded', retryAfterSeconds: 5 };
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
        const beats = setInterval(() => void beat(), beatMs);
        const client = openEventStream(raw, () => {
          unwatch();
          clearInterval(beats);
          clients.delete(client);
          waiting = [];
        });
        clients.add(client);

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

        async function beat(): Promise<void> {
          const stays = await view.mayStay().catch(() => true);
          if (stays) client.beat();
          else client.end('closed', { reason: 'The key was revoked, changed or expired.' });
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
        const mayStay = async () => {
          const principal = await authenticator.tenantKey(credential);
          if (isRefusal(principal)) return principal.code === 'credential_unchecked';
          // Other numbers are another view, which begins with another request.
          const same = String(principal.numberIds) === String(numberIds);
          return same && mayNot(principal.powers, { what: 'read', ip }) === undefined;
        };
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
