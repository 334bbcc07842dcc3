/** What runs and stops an endpoint: pause, resume, enable, a new secret, a test. */
import { Type } from 'typebox';
import { isRefusal, type Refusal } from '../canonical/refusal.ts';
import type { Principal } from '../http/authenticate.ts';
import { seesEndpoint } from '../http/endpoint-scope.ts';
import type { Tx } from '../platform/database.ts';
import { type Endpoint, type EndpointStatus, saveEndpoint } from '../tenants/endpoints.ts';
import { newSecret } from '../webhooks/formats/secret.ts';
import { skipPending } from '../webhooks/replay.ts';
import { liveSecretsMax, rotated } from '../webhooks/secrets.ts';
import { resetState } from '../webhooks/states.ts';
import type { ApiDeps } from './api.ts';
import { Enabling, EndpointForm, MadeEndpoint, SecretRotation, tellEndpoint } from './endpoint-forms.ts';
import { checkSecret, endpointAt, endpointPath, noEndpoint, notStored } from './endpoints.ts';
import { type Route, tenantRoute } from './route.ts';
import { closed } from './schemas.ts';

const skipStep = 1_000;

const TestForm = Type.Partial(Type.Object({ text: Type.String({ maxLength: 200 }) }), closed);
const Tested = Type.Object({ eventId: Type.String() });

export function endpointControlRoutes(deps: ApiDeps): Route[] {
  const { database, seal, changeEndpoints, announcer, notifier, now } = deps;

  /** Changes the endpoint that the path names, if this key may; what of it waits is posted soon. */
  async function change(
    principal: Principal,
    id: string,
    work: (tx: Tx, endpoint: Endpoint, all: Endpoint[]) => Promise<Endpoint | Refusal>,
  ): Promise<Endpoint | Refusal> {
    const { tenantId } = principal;
    const changed = await changeEndpoints(tenantId, async (tx, all) => {
      const endpoint = all.find(one => one.id === id);
      if (endpoint === undefined || !seesEndpoint(principal, endpoint)) return noEndpoint(id);
      return work(tx, endpoint, all);
    });
    if (!isRefusal(changed)) notifier.wake([{ tenantId, endpointId: id }]);
    return changed;
  }

  async function setStatus(tx: Tx, endpoint: Endpoint, status: EndpointStatus): Promise<Endpoint> {
    if (endpoint.status === status) return endpoint;
    const at = now();
    const next = { ...endpoint, status, statusReason: null, statusAt: at, updatedAt: at };
    await saveEndpoint(tx, seal, next);
    if (status === 'active') await resetState(tx, endpoint.tenantId, endpoint.id);
    return next;
  }

  const answer = { status: 200, about: 'The endpoint as it is now.', schema: EndpointForm };
  const told = (endpoint: Endpoint | Refusal) =>
    isRefusal(endpoint) ? endpoint : { status: 200, body: tellEndpoint(endpoint, now()) };

  return [
    tenantRoute(
      {
        method: 'POST',
        path: `${endpointPath}/pause`,
        operation: 'pauseEndpoint',
        summary: 'Post nothing to an endpoint for now',
        description:
          'Events for it are kept and posted when it is resumed. A post that is on its way is finished.',
        answer,
        refusals: ['object_not_found', 'conflict'],
      },
      async ({ params }, principal) =>
        told(
          await change(principal, params.endpointId ?? '', async (tx, endpoint) =>
            endpoint.status === 'disabled'
              ? isDisabled(endpoint)
              : endpoint.door === 'listen'
                ? { code: 'conflict', reason: 'A listener is paused by ending it.' }
                : setStatus(tx, endpoint, 'paused'),
          ),
        ),
    ),
    tenantRoute(
      {
        method: 'POST',
        path: `${endpointPath}/resume`,
        operation: 'resumeEndpoint',
        summary: 'Post to a paused endpoint again',
        description: 'What was kept is posted as fast as `perSecond` allows.',
        answer,
        refusals: ['object_not_found', 'conflict'],
      },
      async ({ params }, principal) =>
        told(
          await change(principal, params.endpointId ?? '', async (tx, endpoint) =>
            endpoint.status === 'disabled' ? isDisabled(endpoint) : setStatus(tx, endpoint, 'active'),
          ),
        ),
    ),
    tenantRoute(
      {
        method: 'POST',
        path: `${endpointPath}/enable`,
        operation: 'enableEndpoint',
        summary: 'Post to an endpoint that was disabled',
        description:
          'One that failed for days, or answered 410 Gone. What was kept is posted, or skipped; skipped events can be replayed. Enabling ' +
          'one that is active changes nothing.',
        body: Enabling,
        answer,
        refusals: ['object_not_found', 'field_invalid'],
      },
      async ({ params, body }, principal) => {
        const found = await endpointAt(database, seal, principal, params);
        if (isRefusal(found)) return found;
        if (body.pending === 'skip' && found.status !== 'active') await skipAll(found);
        return told(await change(principal, found.id, (tx, endpoint) => setStatus(tx, endpoint, 'active')));
      },
    ),
    tenantRoute(
      {
        method: 'POST',
        path: `${endpointPath}/rotate-secret`,
        operation: 'rotateEndpointSecret',
        summary: 'Give an endpoint a new signing secret',
        description:
          'Formats with room for several signatures (standard) sign with the secret before it too, until the overlap is over; the others ' +
          'sign with the new one at once. Endpoints of the Connectly door share their secret, as its receivers know one per business: they ' +
          'are rotated together.',
        body: SecretRotation,
        answer: {
          status: 200,
          about: 'The endpoint with its new secret, shown this once.',
          schema: MadeEndpoint,
        },
        refusals: ['object_not_found', 'field_invalid', 'conflict'],
      },
      async ({ params, body }, principal) => {
        const overlapMs = (body.overlapSeconds ?? 86_400) * 1000;
        const changed = await change(principal, params.endpointId ?? '', async (tx, endpoint, all) => {
          if (endpoint.signsWith === 'app')
            return {
              code: 'conflict',
              reason: 'It is signed with the app secret of its number, which is rotated at Meta.',
            };
          const wrong = checkSecret(endpoint.format, body.secret);
          if (wrong !== undefined) return wrong;
          const secret = body.secret ?? newSecret(endpoint.format);
          const at = now();
          const secrets = rotated(endpoint.secrets, secret, overlapMs, at);
          if (secrets === undefined)
            return {
              code: 'conflict',
              reason: `${liveSecretsMax} secrets sign already: wait for one to end, or rotate with overlapSeconds 0.`,
            };
          for (const one of sharing(endpoint, all))
            await saveEndpoint(tx, seal, { ...one, secrets, updatedAt: at });
          return { ...endpoint, secrets, updatedAt: at };
        });
        if (isRefusal(changed)) return changed;
        const [newest] = changed.secrets;
        return {
          status: 200,
          body: { ...tellEndpoint(changed, now()), secret: newest?.secret ?? null },
          headers: notStored,
        };
      },
    ),
    tenantRoute(
      {
        method: 'POST',
        path: `${endpointPath}/test`,
        operation: 'testEndpoint',
        summary: 'Post a test event',
        description:
          'As every other event is posted, whatever the endpoint asked for. GET …/attempts?event= shows what came of it.',
        body: TestForm,
        answer: { status: 202, about: 'The event is kept and will be posted.', schema: Tested },
        refusals: ['object_not_found', 'field_invalid', 'conflict'],
      },
      async ({ params, body }, principal) => {
        const endpoint = await endpointAt(database, seal, principal, params);
        if (isRefusal(endpoint)) return endpoint;
        if (endpoint.status !== 'active')
          return { code: 'conflict', reason: `The endpoint is ${endpoint.status}: nothing is posted to it.` };
        const eventId = await database.transact(tx =>
          announcer.announceTo(tx, endpoint, {
            ...{ type: 'endpoint.test', at: now(), numberId: endpoint.numberId },
            ...{ person: null, messageId: null, meta: null },
            data: { endpoint: { id: endpoint.id }, text: body.text ?? 'This is a test.' },
          }),
        );
        return { status: 202, body: { eventId } };
      },
    ),
  ];

  async function skipAll({ tenantId, id }: Endpoint): Promise<void> {
    for (;;) {
      const skipped = await database.transact(tx => skipPending(tx, tenantId, id, skipStep));
      if (skipped < skipStep) return;
    }
  }
}

const isDisabled = ({ statusReason }: Endpoint): Refusal => ({
  code: 'conflict',
  reason: `The endpoint is disabled${statusReason === null ? '' : ` (${statusReason})`}: enable it.`,
});

/** The endpoint itself, and of the Connectly door those of the same numbers. */
function sharing(endpoint: Endpoint, all: Endpoint[]): Endpoint[] {
  if (endpoint.door !== 'connectly') return [endpoint];
  return all.filter(({ door, numberId }) => door === 'connectly' && numberId === endpoint.numberId);
}
