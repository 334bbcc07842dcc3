/** Tenants: made and read by the operator. */
import { Type } from 'typebox';
import { newTenantId } from '../canonical/ids.ts';
import type { RefusalOf } from '../canonical/refusal.ts';
import { isoTime } from '../platform/clock.ts';
import { type Database, storable } from '../platform/database.ts';
import { findTenant, insertTenant, listTenants, type Tenant } from '../tenants/tenants.ts';
import type { ApiDeps } from './api.ts';
import { operatorRoute, type Route } from './route.ts';
import { closed, listOf, Name, Time } from './schemas.ts';

export const TenantForm = Type.Object({
  id: Type.String({ format: 'uuid' }),
  name: Type.String(),
  createdAt: Time,
});

const NewTenant = Type.Object({ name: Name }, closed);

export function tenantRoutes({ database, now }: ApiDeps): Route[] {
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
        const tenant = { id: newTenantId(), name: storable(body.name), createdAt: now() };
        await database.transact(tx => insertTenant(tx, tenant));
        return { status: 201, body: tell(tenant), headers: { location: `/api/v1/tenants/${tenant.id}` } };
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

const tell = ({ id, name, createdAt }: Tenant) => ({ id, name, createdAt: isoTime(createdAt) });
