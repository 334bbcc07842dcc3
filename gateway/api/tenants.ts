/** Tenants: made, read and changed by the operator. */
import { Type } from 'typebox';
import { setLowBelow } from '../billing/wallet.ts';
import { newTenantId } from '../canonical/ids.ts';
import { isRefusal, type RefusalOf } from '../canonical/refusal.ts';
import { isoTime } from '../platform/clock.ts';
import { type Database, storable } from '../platform/database.ts';
import { findTenant, insertTenant, listTenants, type Tenant, updateTenant } from '../tenants/tenants.ts';
import type { ApiDeps } from './api.ts';
import { Billing, LowBelow, readLowBelow } from './billing-forms.ts';
import { changedLimit, limitChange, toldLimit } from './limit-forms.ts';
import { operatorRoute, type Route } from './route.ts';
import { closed, listOf, Name, Time } from './schemas.ts';

export const TenantForm = Type.Object({
  id: Type.String({ format: 'uuid' }),
  name: Type.String(),
  createdAt: Time,
  perSecond: toldLimit('second', "each of the tenant's keys", "the installation's"),
  perMinute: toldLimit('minute', "each of the tenant's keys", "the installation's"),
  billing: Billing,
});

const NewTenant = Type.Object({ name: Name, billing: Type.Optional(Billing) }, closed);

const TenantChange = Type.Partial(
  Type.Object({
    name: Name,
    perSecond: changedLimit("the installation's"),
    perMinute: changedLimit("the installation's"),
    billing: Billing,
    lowBelow: LowBelow,
  }),
  closed,
);

export function tenantRoutes({ database, authenticator, now }: ApiDeps): Route[] {
  return [
    operatorRoute(
      {
        method: 'POST',
        path: '/api/v1/tenants',
        operation: 'createTenant',
        summary: 'Make a tenant',
        body: NewTenant,
        answer: { status: 201, about: 'The tenant.', schema: TenantForm },
        refusals: ['field_invalid'],
      },
      async ({ body }) => {
        const { billing = 'off' } = body;
        const tenant = { id: newTenantId(), name: storable(body.name), createdAt: now(), billing };
        await database.transact(tx => insertTenant(tx, tenant));
        const made = { ...tenant, perSecond: null, perMinute: null };
        return { status: 201, body: tell(made), headers: { location: `/api/v1/tenants/${tenant.id}` } };
      },
    ),
    operatorRoute(
      {
        method: 'GET',
        path: '/api/v1/tenants',
        operation: 'listTenants',
        summary: 'All tenants, oldest first',
        answer: { status: 200, about: 'At most 1000 tenants.', schema: listOf(TenantForm) },
        refusals: [],
      },
      async () => ({ status: 200, body: { data: (await listTenants(database)).map(tell) } }),
    ),
    operatorRoute(
      {
        method: 'GET',
        path: '/api/v1/tenants/:tenantId',
        operation: 'getTenant',
        summary: 'One tenant',
        answer: { status: 200, about: 'The tenant.', schema: TenantForm },
        refusals: ['tenant_not_found'],
      },
      async ({ params }) => {
        const tenant = await tenantAt(database, params);
        return 'code' in tenant ? tenant : { status: 200, body: tell(tenant) };
      },
    ),
    operatorRoute(
      {
        method: 'PATCH',
        path: '/api/v1/tenants/:tenantId',
        operation: 'changeTenant',
        summary: 'Change a tenant',
        description:
          'What is left out stays as it is. At once in the process that answers, within two seconds in others.',
        body: TenantChange,
        answer: { status: 200, about: 'The tenant as it is now.', schema: TenantForm },
        refusals: ['tenant_not_found', 'field_invalid'],
      },
      async ({ params, body }) => {
        const tenant = await tenantAt(database, params);
        if ('code' in tenant) return tenant;
        const { name, perSecond, perMinute, billing } = body;
        const lowBelow = readLowBelow(body.lowBelow);
        if (isRefusal(lowBelow)) return lowBelow;
        const change = {
          ...(name === undefined ? {} : { name: storable(name) }),
          ...limitChange({ perSecond, perMinute }),
          ...(billing === undefined ? {} : { billing }),
        };
        const changed = await database.transact(async tx => {
          if (lowBelow !== undefined) await setLowBelow(tx, tenant.id, lowBelow, now());
          return updateTenant(tx, tenant.id, change);
        });
        authenticator.forget();
        return changed === undefined
          ? { code: 'tenant_not_found', tenant: tenant.id }
          : { status: 200, body: tell(changed) };
      },
    ),
  ];
}

/** The tenant that the path names. */
export async function tenantAt(
  database: Database,
  params: Record<string, string>,
): Promise<Tenant | RefusalOf<'tenant_not_found'>> {
  const id = params.tenantId ?? '';
  const tenant = /^[\w-]{1,64}$/.test(id) ? await findTenant(database, id) : undefined;
  return tenant ?? { code: 'tenant_not_found', tenant: id };
}

const tell = ({ id, name, createdAt, perSecond, perMinute, billing }: Tenant) => ({
  ...{ id, name, createdAt: isoTime(createdAt) },
  ...{ perSecond, perMinute, billing },
});
