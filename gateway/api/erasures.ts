/** Erasures: a person's data removed from one tenant, and the receipt of it. For the tenant's key and for the operator. */
import { type Static, Type } from 'typebox';
import { newId } from '../canonical/ids.ts';
import { isRefusal, type Refusal } from '../canonical/refusal.ts';
import type { Principal } from '../http/authenticate.ts';
import { isoTime } from '../platform/clock.ts';
import {
  countNames,
  type Erasure,
  findErasure,
  insertErasure,
  isIntact,
  listErasures,
} from '../retention/erasures.ts';
import { callFor } from '../retention/progress.ts';
import { erasureHash } from '../tenants/erased.ts';
import type { ApiDeps } from './api.ts';
import { readCursor, writeCursor } from './message-filter.ts';
import { boundKey, readPerson } from './person.ts';
import { operatorRoute, type Route, type Spec, tenantRoute } from './route.ts';
import { closed, nullable, Time } from './schemas.ts';
import { tenantAt } from './tenants.ts';

const Recipient = Type.String({
  maxLength: 200,
  description: 'A phone number with its country code, in any punctuation, or a business-scoped user id.',
});

const NewErasure = Type.Object({ recipient: Recipient }, closed);

const about: Record<(typeof countNames)[number], string> = {
  canceled: 'Messages that were still to be sent; they are among `messages` too.',
  messages: 'Messages whose recipient, content and all else that names the person is gone.',
  tries: 'Unsuccessful sends whose reason is gone.',
  incoming: 'Messages the person wrote.',
  windows: '24-hour windows.',
  contacts: 'Contacts, with their tags.',
  keptChanges: 'Webhook changes that named the person.',
  recipients: 'Broadcasts in which the person stood.',
};

export const ErasureForm = Type.Object(
  {
    id: Type.String(),
    status: Type.Enum(['running', 'done'], {
      description: 'running: a long history, or a send to the person that is not settled yet.',
    }),
    recipientHash: Type.String({
      description: "HMAC-SHA256 of the recipient under the gateway's master key; ?recipient= finds it.",
    }),
    requestedBy: Type.String({ description: 'The id of the API key, or `operator`.' }),
    requestedAt: Time,
    finishedAt: nullable(Time),
    counts: Type.Object(
      Object.fromEntries(countNames.map(name => [name, Type.Integer({ description: about[name] })])),
    ),
    digest: nullable(
      Type.String({
        description: 'HMAC-SHA256 over the members above, under the master key; set once finished.',
      }),
    ),
    intact: nullable(Type.Boolean({ description: 'Whether the digest fits what the receipt says now.' })),
  },
  { description: 'The receipt. It holds nothing that names the person.' },
);

const ErasurePage = Type.Object({ data: Type.Array(ErasureForm), next: nullable(Type.String()) });

const ErasureQuery = Type.Partial(
  Type.Object({
    recipient: Recipient,
    cursor: Type.String({ maxLength: 200, description: '`next` of the page before.' }),
    limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  }),
  closed,
);

/** Whose data it is about, and who asks. */
interface Asker {
  tenantId: string;
  name: string;
  path: string;
}

export function erasureRoutes(deps: ApiDeps): Route[] {
  const { database, seal, retention, now } = deps;

  const tell = (erasure: Erasure): Static<typeof ErasureForm> => {
    const { id, recipientHash, requestedBy, requestedAt, finishedAt, counts, digest } = erasure;
    const done = finishedAt !== null;
    return {
      ...{ id, status: done ? 'done' : 'running', recipientHash, requestedBy },
      ...{ requestedAt: isoTime(requestedAt), finishedAt: done ? isoTime(finishedAt) : null },
      ...{ counts, digest, intact: done ? isIntact(seal, erasure) : null },
    };
  };

  async function request({ tenantId, name: requestedBy, path }: Asker, body: Static<typeof NewErasure>) {
    const name = readPerson(body.recipient);
    if (isRefusal(name)) return name;
    const id = newId();
    const requestedAt = now();
    await database.transact(async tx => {
      await insertErasure(tx, seal, { tenantId, id, name, requestedBy, requestedAt });
      await callFor(tx, tenantId, requestedAt);
    });
    deps.log.info({ tenant: tenantId, erasure: id, by: requestedBy }, 'erasure requested');
    const erasure = await retention.eraseNow(tenantId, id);
    if (erasure === undefined) throw new Error(`the erasure ${id} was committed and is not there`);
    const status = erasure.finishedAt === null ? 202 : 200;
    return { status, body: tell(erasure), headers: { location: `${path}/${id}` } };
  }

  async function list({ tenantId }: Asker, query: Static<typeof ErasureQuery>) {
    const name = query.recipient === undefined ? undefined : readPerson(query.recipient);
    if (isRefusal(name)) return name;
    const before = query.cursor === undefined ? undefined : readCursor(query.cursor);
    if (isRefusal(before)) return before;
    const limit = query.limit ?? 50;
    const hash = name === undefined ? undefined : erasureHash(seal, tenantId, name);
    const found = await listErasures(database, tenantId, hash, before, limit + 1);
    const page = found.slice(0, limit);
    const next = found.length > limit ? writeCursor(page.at(-1)!.id) : null;
    return { status: 200, body: { data: page.map(tell), next } };
  }

  async function show({ tenantId }: Asker, params: Record<string, string>) {
    const id = params.erasureId ?? '';
    const erasure = /^\w{1,64}$/.test(id) ? await findErasure(database, tenantId, id) : undefined;
    if (erasure === undefined) return { code: 'object_not_found', kind: 'erasure', id } as const;
    return { status: 200, body: tell(erasure) };
  }

  async function operatorAt(params: Record<string, string>): Promise<Asker | Refusal> {
    const tenant = await tenantAt(database, params);
    if (isRefusal(tenant)) return tenant;
    return { tenantId: tenant.id, name: 'operator', path: `/api/v1/tenants/${tenant.id}/erasures` };
  }

  return [
    tenantRoute(
      requestSpec('/api/v1/erasures', 'eraseRecipient', 'conflict'),
      async ({ body }, principal) => {
        const asker = askerOf(principal);
        return isRefusal(asker) ? asker : request(asker, body);
      },
    ),
    tenantRoute(listSpec('/api/v1/erasures', 'listErasures', 'conflict'), async ({ query }, principal) => {
      const asker = askerOf(principal);
      return isRefusal(asker) ? asker : list(asker, query);
    }),
    tenantRoute(showSpec('/api/v1/erasures', 'getErasure', 'conflict'), async ({ params }, principal) => {
      const asker = askerOf(principal);
      return isRefusal(asker) ? asker : show(asker, params);
    }),
    operatorRoute(
      requestSpec('/api/v1/tenants/:tenantId/erasures', 'eraseRecipientOf', 'tenant_not_found'),
      async ({ params, body }) => {
        const asker = await operatorAt(params);
        return isRefusal(asker) ? asker : request(asker, body);
      },
    ),
    operatorRoute(
      listSpec('/api/v1/tenants/:tenantId/erasures', 'listErasuresOf', 'tenant_not_found'),
      async ({ params, query }) => {
        const asker = await operatorAt(params);
        return isRefusal(asker) ? asker : list(asker, query);
      },
    ),
    operatorRoute(
      showSpec('/api/v1/tenants/:tenantId/erasures', 'getErasureOf', 'tenant_not_found'),
      async ({ params }) => {
        const asker = await operatorAt(params);
        return isRefusal(asker) ? asker : show(asker, params);
      },
    ),
  ];
}

function askerOf(principal: Principal): Asker | Refusal {
  const refused = boundKey(principal, 'an erasure is about', ', or the operator key');
  return refused ?? { tenantId: principal.tenantId, name: principal.keyId, path: '/api/v1/erasures' };
}

type KeyRefusal = 'conflict' | 'tenant_not_found';

const requestSpec = (path: string, operation: string, refusal: KeyRefusal) =>
  ({
    method: 'POST',
    path,
    operation,
    summary: "Erase a person's data",
    description:
      'Cancels what is queued to the person, then removes all that names it in this tenant. 200 when that is done, 202 while it goes on ' +
      'in the background (`Location` is where to follow it). What is sent or received later is new data.',
    body: NewErasure,
    answer: {
      status: 200,
      about: 'It is done; the receipt.',
      schema: ErasureForm,
      or: { status: 202, about: 'It goes on in the background; the receipt as far as it is.' },
    },
    refusals: ['field_invalid', refusal],
  }) satisfies Spec<never, typeof NewErasure>;

const listSpec = (path: string, operation: string, refusal: KeyRefusal) =>
  ({
    method: 'GET',
    path,
    operation,
    summary: 'Erasures, newest first; with `recipient` those of one person',
    query: ErasureQuery,
    answer: { status: 200, about: 'A page of receipts.', schema: ErasurePage },
    refusals: ['field_invalid', refusal],
  }) satisfies Spec<typeof ErasureQuery, never>;

const showSpec = (path: string, operation: string, refusal: KeyRefusal) =>
  ({
    method: 'GET',
    path: `${path}/:erasureId`,
    operation,
    summary: 'One erasure: its receipt',
    answer: { status: 200, about: 'The receipt.', schema: ErasureForm },
    refusals: ['object_not_found', refusal],
  }) satisfies Spec<never, never>;
