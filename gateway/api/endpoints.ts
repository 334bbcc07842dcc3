/** Endpoints of the tenant: made, seen, changed and removed. What runs and stops them is in endpoint-control.ts. */
import type { Static } from 'typebox';
import { invalid, isRefusal, type Refusal } from '../canonical/refusal.ts';
import type { Principal } from '../http/authenticate.ts';
import { numberOfNew, seesEndpoint } from '../http/endpoint-scope.ts';
import { isoTime } from '../platform/clock.ts';
import { type Sql, storable } from '../platform/database.ts';
import type { Seal } from '../platform/seal.ts';
import {
  deleteEndpoint,
  type Endpoint,
  findEndpoint,
  listEndpoints,
  saveEndpoint,
} from '../tenants/endpoints.ts';
import { countAttempts } from '../webhooks/attempts.ts';
import { newEndpoint, noRoom } from '../webhooks/endpoint-changes.ts';
import { headersProblem, urlProblem } from '../webhooks/endpoint-checks.ts';
import { secretProblem } from '../webhooks/formats/secret.ts';
import { abandoned } from '../webhooks/listeners.ts';
import { healthy } from '../webhooks/schedule.ts';
import { endpointState } from '../webhooks/states.ts';
import type { ApiDeps } from './api.ts';
import {
  checkPatterns,
  checkSigning,
  EndpointChange,
  EndpointForm,
  MadeEndpoint,
  NewEndpointForm,
  Removed,
  ShownEndpoint,
  tellEndpoint,
} from './endpoint-forms.ts';
import { type Route, tenantRoute } from './route.ts';
import { listOf } from './schemas.ts';

const endpointsPath = '/api/v1/endpoints';
export const endpointPath = `${endpointsPath}/:endpointId`;

export const notStored = { 'cache-control': 'no-store' };

export const noEndpoint = (id: string): Refusal => ({ code: 'object_not_found', kind: 'endpoint', id });

/** The endpoint that the path names, if this key may see it. */
export async function endpointAt(
  sql: Sql,
  seal: Pick<Seal, 'open'>,
  principal: Principal,
  { endpointId: id = '' }: Record<string, string>,
): Promise<Endpoint | Refusal> {
  const endpoint = /^\w{1,64}$/.test(id) ? await findEndpoint(sql, seal, principal.tenantId, id) : undefined;
  return endpoint !== undefined && seesEndpoint(principal, endpoint) ? endpoint : noEndpoint(id);
}

export function endpointRoutes(deps: ApiDeps): Route[] {
  const { database, seal, numbers, changeEndpoints, targets, now } = deps;

  async function checkTarget({ url, headers }: { url?: string; headers?: Record<string, string> }) {
    const wrong = headers && headersProblem(headers, 'headers');
    if (wrong !== undefined) return wrong;
    return url === undefined ? undefined : urlProblem(url, 'url', targets);
  }

  return [
    tenantRoute(
      {
        method: 'POST',
        path: endpointsPath,
        operation: 'createEndpoint',
        summary: 'Have events posted to a URL',
        description:
          'From the next event on. Its signing secret is in this answer and in no other; a lost one is replaced by rotation.',
        body: NewEndpointForm,
        answer: { status: 201, about: 'The endpoint with its secret.', schema: MadeEndpoint },
        refusals: ['field_invalid', 'number_not_found', 'conflict'],
      },
      async ({ body }, principal) => {
        const { secret, numberId: asked, description = '', ...given } = body;
        const { format, events = ['*'], signsWith = 'endpoint' } = given;
        const wrong = checkPatterns(events) ?? checkSigning(format, signsWith) ?? checkSecret(format, secret);
        if (wrong !== undefined) return wrong;
        const numberId = await numberOfNew(numbers, principal, asked);
        if (isRefusal(numberId)) return numberId;
        const unfit = await checkTarget(given);
        if (unfit !== undefined) return unfit;
        const { tenantId } = principal;
        const endpoint = newEndpoint(
          {
            ...given,
            ...{ tenantId, numberId, events, signsWith, door: 'native', description: storable(description) },
            ...(signsWith === 'app' ? { secrets: [] } : {}),
            ...(secret === undefined ? {} : { secrets: [{ secret, until: null }] }),
          },
          now(),
        );
        const full = await changeEndpoints(tenantId, async (tx, endpoints) => {
          const refused = noRoom(endpoints, 'native');
          if (refused === undefined) await saveEndpoint(tx, seal, endpoint);
          return refused;
        });
        if (full !== undefined) return full;
        return {
          status: 201,
          body: { ...tellEndpoint(endpoint, now()), secret: endpoint.secrets[0]?.secret ?? null },
          headers: { location: `${endpointsPath}/${endpoint.id}`, ...notStored },
        };
      },
    ),
    tenantRoute(
      {
        method: 'GET',
        path: endpointsPath,
        operation: 'listEndpoints',
        summary: 'Where events are posted',
        answer: { status: 200, about: 'All endpoints, oldest first.', schema: listOf(EndpointForm) },
        refusals: [],
      },
      async (_call, principal) => {
        const all = await listEndpoints(database, seal, principal.tenantId);
        const left = await abandoned(database, all);
        const own = all.filter(endpoint => seesEndpoint(principal, endpoint) && !left.includes(endpoint));
        return { status: 200, body: { data: own.map(endpoint => tellEndpoint(endpoint, now())) } };
      },
    ),
    tenantRoute(
      {
        method: 'GET',
        path: endpointPath,
        operation: 'getEndpoint',
        summary: 'One endpoint, and how the posting to it goes',
        answer: { status: 200, about: 'The endpoint.', schema: ShownEndpoint },
        refusals: ['object_not_found'],
      },
      async ({ params }, principal) => {
        const endpoint = await endpointAt(database, seal, principal, params);
        return isRefusal(endpoint) ? endpoint : { status: 200, body: await show(endpoint) };
      },
    ),
    tenantRoute(
      {
        method: 'PATCH',
        path: endpointPath,
        operation: 'changeEndpoint',
        summary: 'Change where an endpoint is, what it is sent, or how',
        description: 'What is left out stays as it is. What waits is posted as the endpoint is by then.',
        body: EndpointChange,
        answer: { status: 200, about: 'The endpoint as it is now.', schema: EndpointForm },
        refusals: ['object_not_found', 'field_invalid', 'conflict'],
      },
      async ({ params, body }, principal) => {
        const wrong = (body.events && checkPatterns(body.events)) ?? (await checkTarget(body));
        if (wrong !== undefined) return wrong;
        const changed = await changeEndpoints(principal.tenantId, async (tx, endpoints) => {
          const endpoint = endpoints.find(({ id }) => id === params.endpointId);
          if (endpoint === undefined || !seesEndpoint(principal, endpoint))
            return noEndpoint(params.endpointId ?? '');
          const next = withChange(endpoint, body, now());
          if (!isRefusal(next)) await saveEndpoint(tx, seal, next);
          return next;
        });
        return isRefusal(changed) ? changed : { status: 200, body: tellEndpoint(changed, now()) };
      },
    ),
    tenantRoute(
      {
        method: 'DELETE',
        path: endpointPath,
        operation: 'removeEndpoint',
        summary: 'Have nothing more posted to an endpoint',
        description: 'What waits for it is never posted.',
        answer: { status: 200, about: 'Removed.', schema: Removed },
        refusals: ['object_not_found'],
      },
      async ({ params }, principal) => {
        const { tenantId } = principal;
        const removed = await changeEndpoints(tenantId, async (tx, endpoints) => {
          const endpoint = endpoints.find(({ id }) => id === params.endpointId);
          if (endpoint === undefined || !seesEndpoint(principal, endpoint)) return undefined;
          await deleteEndpoint(tx, tenantId, endpoint.id);
          return endpoint.id;
        });
        if (removed === undefined) return noEndpoint(params.endpointId ?? '');
        return { status: 200, body: { id: removed, removed: true } };
      },
    ),
  ];

  async function show(endpoint: Endpoint): Promise<Static<typeof ShownEndpoint>> {
    const { tenantId, id } = endpoint;
    const { failures, failingSince, restsUntil } = (await endpointState(database, tenantId, id)) ?? healthy;
    const { pending, givenUp, oldestPendingAt } = await countAttempts(database, tenantId, id);
    const time = (ms: number | null) => (ms === null ? null : isoTime(ms));
    return {
      ...tellEndpoint(endpoint, now()),
      ...{ failures, failingSince: time(failingSince), pending, givenUp },
      restsUntil: restsUntil > now() ? isoTime(restsUntil) : null,
      oldestPendingAt: time(oldestPendingAt),
    };
  }
}

export function checkSecret(format: Endpoint['format'], secret: string | undefined): Refusal | undefined {
  const problem = secret === undefined ? undefined : secretProblem(format, secret);
  return problem === undefined ? undefined : invalid('secret', 'format', problem);
}

/** The endpoint with the change, or why it cannot have it. */
function withChange(
  endpoint: Endpoint,
  { perSecond, description, ...change }: Static<typeof EndpointChange>,
  now: number,
): Endpoint | Refusal {
  const { door, format } = endpoint;
  if (door === 'listen')
    return { code: 'conflict', reason: 'A listener is what its `wagate listen` asked for.' };
  if (change.events !== undefined && door !== 'native')
    return {
      code: 'conflict',
      reason: `What is posted there was said through the door of ${door}: say it there.`,
    };
  const next: Endpoint = {
    ...endpoint,
    ...change,
    ...(description === undefined ? {} : { description: storable(description) }),
    ...(perSecond === undefined ? {} : { perSecond: perSecond === 'unlimited' ? null : perSecond }),
    updatedAt: now,
  };
  const wrong = checkSigning(format, next.signsWith);
  if (wrong !== undefined) return wrong;
  if (next.signsWith === 'endpoint' && next.secrets.length === 0)
    return { code: 'conflict', reason: 'The endpoint has no secret of its own yet: rotate it first.' };
  return next;
}
