/** Who asked for no more marketing: read, marked and taken back by the tenant. What people say themselves is heard in inbound/. */
import { type Static, Type } from 'typebox';
import { isRefusal, type Refusal } from '../canonical/refusal.ts';
import type { Principal } from '../http/authenticate.ts';
import { knownNames } from '../inbound/windows.ts';
import { isoTime } from '../platform/clock.ts';
import { findOptOut, listOptOuts, markOptOuts, type OptOut } from '../tenants/opt-outs.ts';
import type { ApiDeps } from './api.ts';
import { readCursor, writeCursor } from './message-filter.ts';
import { boundKey, readPerson } from './person.ts';
import { type Route, tenantRoute } from './route.ts';
import { closed, nullable, Time } from './schemas.ts';

export const OptOutForm = Type.Object(
  {
    recipient: Type.String({ description: 'Digits, or a business-scoped user id.' }),
    at: Time,
    source: Type.Enum(['message', 'meta', 'api'], {
      description: 'message: a word of the list. meta: the person told WhatsApp. api: this API.',
    }),
  },
  { description: 'The person is sent no more marketing templates.' },
);

const OptOutPage = Type.Object({ data: Type.Array(OptOutForm), next: nullable(Type.String()) });

const OptOutQuery = Type.Partial(
  Type.Object({
    cursor: Type.String({ maxLength: 400, description: '`next` of the page before.' }),
    limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }),
  }),
  closed,
);

const Taken = Type.Object({ recipient: Type.String(), optedOut: Type.Literal(false) });

const path = '/api/v1/opt-outs';
/** Of a key that is bound to numbers. */
export const holdFor = 'opt-outs hold for';

export function optOutRoutes({ database, seal, now, log }: ApiDeps): Route[] {
  /** Under every name the person is known by; the latest word counts, and this is it. */
  async function mark(tenantId: string, recipient: string, state: 'out' | 'in', by: string): Promise<void> {
    await database.transact(async tx => {
      const names = await knownNames(tx, tenantId, recipient);
      await markOptOuts(tx, seal, tenantId, [{ names, state, at: now(), source: 'api' }]);
    });
    log.info({ tenant: tenantId, key: by, state }, 'opt-out marked');
  }

  return [
    tenantRoute(
      {
        method: 'GET',
        path,
        operation: 'listOptOuts',
        summary: 'Who asked for no more marketing',
        description:
          'One row for each name that a person is known by: phone number, user id. People who have been erased are not listed, and ' +
          'are sent no marketing all the same.',
        query: OptOutQuery,
        answer: { status: 200, about: 'A page, by recipient.', schema: OptOutPage },
        refusals: ['field_invalid', 'conflict'],
      },
      async ({ query }, principal) => {
        const refused = boundKey(principal, holdFor);
        if (refused !== undefined) return refused;
        const after = query.cursor === undefined ? '' : readCursor(query.cursor);
        if (isRefusal(after)) return after;
        const limit = query.limit ?? 100;
        const found = await listOptOuts(database, principal.tenantId, after, limit + 1);
        const page = found.slice(0, limit);
        const next = found.length > limit ? writeCursor(page.at(-1)!.recipient) : null;
        return { status: 200, body: { data: page.map(tellOptOut), next } };
      },
    ),
    tenantRoute(
      {
        method: 'GET',
        path: `${path}/:recipient`,
        operation: 'getOptOut',
        summary: 'Whether a person asked for no more marketing',
        answer: { status: 200, about: 'It did.', schema: OptOutForm },
        refusals: ['field_invalid', 'object_not_found', 'conflict'],
      },
      async ({ params }, principal) => {
        const recipient = askedFor(principal, params);
        if (isRefusal(recipient)) return recipient;
        const found = await findOptOut(database, seal, principal.tenantId, recipient);
        return found === undefined ? notThere(recipient) : { status: 200, body: tellOptOut(found) };
      },
    ),
    tenantRoute(
      {
        method: 'PUT',
        path: `${path}/:recipient`,
        operation: 'addOptOut',
        summary: 'Send a person no more marketing',
        answer: {
          status: 200,
          about: 'The person is marked, whether it was before or not.',
          schema: OptOutForm,
        },
        refusals: ['field_invalid', 'conflict'],
      },
      async ({ params }, principal) => {
        const recipient = askedFor(principal, params);
        if (isRefusal(recipient)) return recipient;
        const known = await findOptOut(database, seal, principal.tenantId, recipient);
        if (known !== undefined) return { status: 200, body: tellOptOut(known) };
        await mark(principal.tenantId, recipient, 'out', principal.keyId);
        const found = await findOptOut(database, seal, principal.tenantId, recipient);
        return found === undefined ? overtaken(recipient) : { status: 200, body: tellOptOut(found) };
      },
    ),
    tenantRoute(
      {
        method: 'DELETE',
        path: `${path}/:recipient`,
        operation: 'removeOptOut',
        summary: 'Send a person marketing again',
        description:
          'For a person who asked for that. What the person told WhatsApp itself stays with Meta, which goes on refusing (131050) until ' +
          'the person takes it back there.',
        answer: { status: 200, about: 'The person is no longer marked.', schema: Taken },
        refusals: ['field_invalid', 'object_not_found', 'conflict'],
      },
      async ({ params }, principal) => {
        const recipient = askedFor(principal, params);
        if (isRefusal(recipient)) return recipient;
        const { tenantId, keyId } = principal;
        if ((await findOptOut(database, seal, tenantId, recipient)) === undefined) return notThere(recipient);
        await mark(tenantId, recipient, 'in', keyId);
        return { status: 200, body: { recipient, optedOut: false } };
      },
    ),
  ];
}

export const tellOptOut = ({ recipient, at, source }: OptOut): Static<typeof OptOutForm> => ({
  recipient,
  at: isoTime(at),
  source,
});

const notThere = (recipient: string): Refusal => ({
  code: 'object_not_found',
  kind: 'opt-out',
  id: recipient,
});

const overtaken = (recipient: string): Refusal => ({
  code: 'conflict',
  reason: `${recipient} asked for marketing again in this moment.`,
});

function askedFor(principal: Principal, params: Record<string, string>): string | Refusal {
  return boundKey(principal, holdFor) ?? readPerson(params.recipient ?? '');
}
