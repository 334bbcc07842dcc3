/** GET /api/v1/listen: an endpoint that fetches instead of being posted to, for as long as its client stays (`wagate listen`). */
import { type Static, Type } from 'typebox';
import { isRefusal, type Refusal } from '../canonical/refusal.ts';
import type { Principal } from '../http/authenticate.ts';
import { numberOfNew } from '../http/endpoint-scope.ts';
import { deleteEndpoint, type Endpoint, saveEndpoint, touchListener } from '../tenants/endpoints.ts';
import { newEndpoint, noRoom } from '../webhooks/endpoint-changes.ts';
import { findEvent } from '../webhooks/events.ts';
import { abandoned, listenerBeatMs, ofProcess, removeGone } from '../webhooks/listeners.ts';
import type { ApiDeps } from './api.ts';
import { checkPatterns, Format } from './endpoint-forms.ts';
import type { EventStream } from './event-stream.ts';
import { type Route, type Streaming, tenantRoute } from './route.ts';
import { closed } from './schemas.ts';
import { keyStays, type StreamClients } from './stream-clients.ts';

const ListenQuery = Type.Partial(
  Type.Object({
    format: { ...Format, default: 'standard' },
    events: Type.String({
      maxLength: 2_000,
      description: 'Patterns with commas between; everything by default.',
    }),
    number: Type.Integer({ minimum: 1, description: "The gateway's id of a number; by default of all." }),
  }),
  closed,
);

const about =
  'Events: `listening` {endpointId, format, secret} first; `posting` {eventId, type, headers, body} for each: exactly what would be ' +
  'posted; `dropped` when the client reads too slowly; `closed` when the gateway stops or the key ended.';

export function listenRoutes(deps: ApiDeps, clients: StreamClients): Route[] {
  const { authenticator, numbers } = deps;
  return [
    tenantRoute(
      {
        method: 'GET',
        path: '/api/v1/listen',
        operation: 'followEvents',
        summary: 'Events as they would be posted, while developing (server-sent events)',
        description:
          'An endpoint without a URL is made, and removed when the client goes. What was sent is counted as delivered, whatever the client ' +
          'does with it.',
        query: ListenQuery,
        answer: { status: 200, about, schema: Type.String(), mediaType: 'text/event-stream' },
        refusals: ['overloaded', 'field_invalid', 'number_not_found', 'conflict'],
      },
      async ({ query }, principal, credential, ip) => {
        if (clients.isFull()) return { code: 'overloaded', retryAfterSeconds: 5 };
        const numberId = await numberOfNew(numbers, principal, query.number);
        if (isRefusal(numberId)) return numberId;
        const endpoint = await make(deps, query, principal, numberId);
        if (isRefusal(endpoint)) return endpoint;
        return follow(deps, clients, endpoint, keyStays(authenticator, credential, ip, principal.numberIds));
      },
    ),
  ];
}

async function make(
  { seal, changeEndpoints, now, processId }: ApiDeps,
  { format = 'standard', events = '*' }: Static<typeof ListenQuery>,
  { tenantId }: Principal,
  numberId: number | null,
): Promise<Endpoint | Refusal> {
  const patterns = events.split(',').map(pattern => pattern.trim());
  const wrong = checkPatterns(patterns);
  if (wrong !== undefined) return wrong;
  const endpoint = newEndpoint(
    {
      ...{ tenantId, numberId, url: null, format, events: patterns, ordered: false },
      ...{ door: 'listen', doorData: ofProcess(processId) },
    },
    now(),
  );
  return changeEndpoints(tenantId, async (tx, endpoints) => {
    const left = await abandoned(tx, endpoints);
    await removeGone(tx, tenantId, now());
    const full = noRoom(
      endpoints.filter(one => !left.includes(one)),
      'listen',
    );
    if (full === undefined) await saveEndpoint(tx, seal, endpoint);
    return full ?? endpoint;
  });
}

function follow(
  { database, changeEndpoints, notifier, now, log }: ApiDeps,
  clients: StreamClients,
  { tenantId, id: endpointId, format, secrets }: Endpoint,
  mayStay: () => Promise<boolean>,
): Streaming {
  async function tell(client: EventStream, posting: { eventId: string; headers: object; body: string }) {
    const { eventId, headers, body } = posting;
    const type = (await findEvent(database, tenantId, eventId))?.type ?? '';
    return client.send('posting', { eventId, type, headers, body });
  }

  return {
    stream(raw) {
      const stopListening = notifier.listen({ tenantId, endpointId }, posting => tell(client, posting));
      const beats = setInterval(() => {
        touchListener(database, tenantId, endpointId, now()).catch(error =>
          log.error({ err: error }, 'a listener could not say that it is there'),
        );
      }, listenerBeatMs);
      const client = clients.open(raw, mayStay, () => {
        stopListening();
        clearInterval(beats);
        changeEndpoints(tenantId, tx => deleteEndpoint(tx, tenantId, endpointId)).catch(error =>
          log.error({ err: error }, 'a listener could not be removed'),
        );
      });
      client.send('listening', { endpointId, format, secret: secrets[0]?.secret ?? '' });
    },
  };
}
