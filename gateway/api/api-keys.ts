/** API keys of a tenant: made, changed, rotated and revoked by the operator; the key itself is shown once. */
import { invalid, isRefusal, type Refusal } from '../canonical/refusal.ts';
import { readKeyDay } from '../messages/policy/caps.ts';
import { storable } from '../platform/database.ts';
import {
  type ApiKey,
  findApiKeyById,
  insertApiKey,
  listApiKeys,
  newApiKeyText,
  revokeApiKey,
  rotateApiKey,
  updateApiKey,
} from '../tenants/api-keys.ts';
import { capsOf } from '../tenants/key-powers.ts';
import { findNumber } from '../tenants/numbers.ts';
import type { Tenant } from '../tenants/tenants.ts';
import type { ApiDeps } from './api.ts';
import {
  ApiKeyChange,
  ApiKeyForm,
  MadeApiKey,
  NewApiKey,
  Revoked,
  Rotation,
  ShownApiKey,
  tellApiKey,
} from './api-key-forms.ts';
import { checkPowers } from './key-powers-form.ts';
import { limitChange } from './limit-forms.ts';
import { operatorRoute, type Route } from './route.ts';
import { listOf } from './schemas.ts';
import { tenantAt } from './tenants.ts';
import { readTime } from './time.ts';

const path = '/api/v1/tenants/:tenantId/api-keys';

const atOnce = 'At once in the process that answers, within two seconds in others.';
const notStored = { 'cache-control': 'no-store' };

export function apiKeyRoutes({ database, authenticator, now }: ApiDeps): Route[] {
  /** The key that the path names, of the tenant that the path names. */
  async function keyAt(params: Record<string, string>): Promise<{ key: ApiKey; tenant: Tenant } | Refusal> {
    const tenant = await tenantAt(database, params);
    if (isRefusal(tenant)) return tenant;
    const id = params.keyId ?? '';
    const key = /^\w{1,64}$/.test(id) ? await findApiKeyById(database, tenant.id, id) : undefined;
    return key === undefined ? { code: 'object_not_found', kind: 'API key', id } : { key, tenant };
  }

  function readEnd(text: string): number | Refusal {
    const expiresAt = readTime('expiresAt', text);
    if (isRefusal(expiresAt)) return expiresAt;
    return expiresAt > now() ? expiresAt : invalid('expiresAt', 'format', 'must be in the future');
  }

  const revoked = ({ id }: ApiKey): Refusal => ({
    code: 'conflict',
    reason: `API key ${id} is revoked for good: make a new one.`,
  });

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
        const expiresAt = body.expiresAt === undefined ? null : readEnd(body.expiresAt);
        if (isRefusal(expiresAt)) return expiresAt;
        const numberId = body.numberId ?? null;
        if (numberId !== null && (await findNumber(database, tenant.id, numberId)) === undefined) {
          return { code: 'number_not_found', number: String(numberId) };
        }
        const powers = await checkPowers(database, tenant, body.powers ?? {}, numberId);
        if (isRefusal(powers)) return powers;
        const key = newApiKeyText();
        const { perSecond = null, perMinute = null } = body;
        const fields = {
          ...{ tenantId: tenant.id, name: storable(body.name), numberId, expiresAt, createdAt: now() },
          ...{ perSecond, perMinute, powers },
        };
        const made = await database.transact(tx => insertApiKey(tx, key, fields));
        return { status: 201, body: { ...tellApiKey(made, now()), key }, headers: notStored };
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
        const keys = await listApiKeys(database, tenant.id);
        return { status: 200, body: { data: keys.map(key => tellApiKey(key, now())) } };
      },
    ),
    operatorRoute(
      {
        method: 'GET',
        path: `${path}/:keyId`,
        operation: 'getApiKey',
        summary: 'One API key, without the key itself',
        answer: { status: 200, about: 'The key.', schema: ShownApiKey },
        refusals: ['tenant_not_found', 'object_not_found'],
      },
      async ({ params }) => {
        const found = await keyAt(params);
        if (isRefusal(found)) return found;
        const { key } = found;
        const isCapped = key.powers !== undefined && capsOf(key.powers) !== null;
        const today = isCapped ? await readKeyDay(database, key.tenantId, key.id, now()) : null;
        return { status: 200, body: { ...tellApiKey(key, now()), today } };
      },
    ),
    operatorRoute(
      {
        method: 'PATCH',
        path: `${path}/:keyId`,
        operation: 'changeApiKey',
        summary: 'Change the name, end, limits or powers of an API key',
        description: `What is left out stays as it is. ${atOnce}`,
        body: ApiKeyChange,
        answer: { status: 200, about: 'The key as it is now.', schema: ApiKeyForm },
        refusals: ['tenant_not_found', 'object_not_found', 'number_not_found', 'field_invalid', 'conflict'],
      },
      async ({ params, body }) => {
        const found = await keyAt(params);
        if (isRefusal(found)) return found;
        const { key } = found;
        const { name, perSecond, perMinute, powers: asked } = body;
        const end = body.expiresAt;
        const expiresAt = end === undefined ? undefined : end === 'never' ? null : readEnd(end);
        if (isRefusal(expiresAt)) return expiresAt;
        const powers = asked && (await checkPowers(database, found.tenant, asked, key.numberId));
        if (isRefusal(powers)) return powers;
        const change = {
          ...(name === undefined ? {} : { name: storable(name) }),
          ...(expiresAt === undefined ? {} : { expiresAt }),
          ...(powers === undefined ? {} : { powers }),
          ...limitChange({ perSecond, perMinute }),
        };
        const changed = await database.transact(tx => updateApiKey(tx, key.tenantId, key.id, change));
        authenticator.forget();
        return changed === undefined ? revoked(key) : { status: 200, body: tellApiKey(changed, now()) };
      },
    ),
    operatorRoute(
      {
        method: 'POST',
        path: `${path}/:keyId/rotate`,
        operation: 'rotateApiKey',
        summary: 'Give an API key a new secret',
        description:
          'Id, limits, powers and what was used up today stay. The secret it had works on for the overlap; one from a rotation before ' +
          `that ends now. ${atOnce}`,
        body: Rotation,
        answer: { status: 200, about: 'The key with its new secret, shown this once.', schema: MadeApiKey },
        refusals: ['tenant_not_found', 'object_not_found', 'field_invalid', 'conflict'],
      },
      async ({ params, body }) => {
        const found = await keyAt(params);
        if (isRefusal(found)) return found;
        const { key } = found;
        const at = now();
        if (key.expiresAt !== null && key.expiresAt <= at)
          return { code: 'conflict', reason: `API key ${key.id} has expired: give it another end first.` };
        const text = newApiKeyText();
        const overlapMs = (body.overlapSeconds ?? 86_400) * 1000;
        const rotated = await database.transact(tx =>
          rotateApiKey(tx, key.tenantId, key.id, text, overlapMs === 0 ? null : at + overlapMs),
        );
        authenticator.forget();
        if (rotated === undefined) return revoked(key);
        return { status: 200, body: { ...tellApiKey(rotated, at), key: text }, headers: notStored };
      },
    ),
    operatorRoute(
      {
        method: 'DELETE',
        path: `${path}/:keyId`,
        operation: 'revokeApiKey',
        summary: 'Revoke an API key',
        description: `Its former secret too. ${atOnce} Revoking again changes nothing.`,
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
