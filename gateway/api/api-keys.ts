/** API keys of a tenant: made and revoked by the operator; the key itself is shown once. */
import { Type } from 'typebox';
import { invalid, isRefusal } from '../canonical/refusal.ts';
import { isoTime } from '../platform/clock.ts';
import { storable } from '../platform/database.ts';
import { type ApiKey, insertApiKey, listApiKeys, newApiKeyText, revokeApiKey } from '../tenants/api-keys.ts';
import { findNumber } from '../tenants/numbers.ts';
import type { ApiDeps } from './api.ts';
import { operatorRoute, type Route } from './route.ts';
import { closed, listOf, Name, nullable, Time } from './schemas.ts';
import { tenantAt } from './tenants.ts';
import { readTime } from './time.ts';

const members = {
  id: Type.String(),
  name: Type.String(),
  hint: Type.String({ description: 'The last four characters of the key.' }),
  numberId: nullable(
    Type.Integer({ description: 'The only number the key may use; null for all of the tenant.' }),
  ),
  createdAt: Time,
  expiresAt: nullable(Time),
  revokedAt: nullable(Time),
};

export const ApiKeyForm = Type.Object(members);

const NewApiKey = Type.Object(
  {
    name: Name,
    numberId: Type.Optional(Type.Integer({ minimum: 1, description: 'Binds the key to this number.' })),
    expiresAt: Type.Optional(
      Type.String({ description: 'ISO 8601 with an offset; without it the key does not expire.' }),
    ),
  },
  closed,
);

const MadeApiKey = Type.Object({ ...members, key: Type.String({ description: 'Shown this once.' }) });

const Revoked = Type.Object({ id: Type.String(), revoked: Type.Literal(true) });

const path = '/api/v1/tenants/:tenantId/api-keys';

export function apiKeyRoutes({ database, authenticator, now }: ApiDeps): Route[] {
  return [
    operatorRoute(
      {
        method: 'POST',
        path,
        operation: 'createApiKey',
        summary: 'Make an API key',
        body: NewApiKey,
        answer: { status: 201, about: 'The key, shown this once.', schema: MadeApiKey },
        refusals: ['tenant_not_found', 'number_not_found', 'field_invalid'],
      },
      async ({ params, body }) => {
        const tenant = await tenantAt(database, params);
        if (isRefusal(tenant)) return tenant;
        const expiresAt = body.expiresAt === undefined ? null : readTime('expiresAt', body.expiresAt);
        if (isRefusal(expiresAt)) return expiresAt;
        if (expiresAt !== null && expiresAt <= now())
          return invalid('expiresAt', 'format', 'must be in the future');
        const numberId = body.numberId ?? null;
        if (numberId !== null && (await findNumber(database, tenant.id, numberId)) === undefined) {
          return { code: 'number_not_found', number: String(numberId) };
        }
        const key = newApiKeyText();
        const fields = {
          tenantId: tenant.id,
          name: storable(body.name),
          numberId,
          expiresAt,
          createdAt: now(),
        };
        const made = await database.transact(tx => insertApiKey(tx, key, fields));
        return { status: 201, body: { ...tell(made), key }, headers: { 'cache-control': 'no-store' } };
      },
    ),
    operatorRoute(
      {
        method: 'GET',
        path,
        operation: 'listApiKeys',
        summary: "The tenant's API keys, without the keys themselves",
        answer: { status: 200, about: 'At most 1000 keys, oldest first.', schema: listOf(ApiKeyForm) },
        refusals: ['tenant_not_found'],
      },
      async ({ params }) => {
        const tenant = await tenantAt(database, params);
        if (isRefusal(tenant)) return tenant;
        return { status: 200, body: { data: (await listApiKeys(database, tenant.id)).map(tell) } };
      },
    ),
    operatorRoute(
      {
        method: 'DELETE',
        path: `${path}/:keyId`,
        operation: 'revokeApiKey',
        summary: 'Revoke an API key',
        description:
          'At once in the process that answers, within two seconds in others. Revoking again changes nothing.',
        answer: { status: 200, about: 'Revoked.', schema: Revoked },
        refusals: ['tenant_not_found', 'object_not_found'],
      },
      async ({ params }) => {
        const tenant = await tenantAt(database, params);
        if (isRefusal(tenant)) return tenant;
        const id = params.keyId ?? '';
        const known =
          /^\w{1,64}$/.test(id) && (await database.transact(tx => revokeApiKey(tx, tenant.id, id, now())));
        authenticator.forget();
        if (!known) return { code: 'object_not_found', kind: 'API key', id };
        return { status: 200, body: { id, revoked: true } };
      },
    ),
  ];
}

const timeOrNull = (ms: number | null) => (ms === null ? null : isoTime(ms));

const tell = ({ id, name, hint, numberId, createdAt, expiresAt, revokedAt }: ApiKey) => ({
  id,
  name,
  hint,
  numberId,
  createdAt: isoTime(createdAt),
  expiresAt: timeOrNull(expiresAt),
  revokedAt: timeOrNull(revokedAt),
});
