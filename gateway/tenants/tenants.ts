/** The table of tenants. */
import { first, type Sql, type Tx } from '../platform/database.ts';

export interface Tenant {
  id: string;
  name: string;
  createdAt: number;
}

interface TenantRow {
  id: string;
  name: string;
  created_at: number;
}

const fromRow = (row: TenantRow): Tenant => ({ id: row.id, name: row.name, createdAt: row.created_at });

export async function insertTenant(tx: Tx, tenant: Tenant): Promise<void> {
  await tx.all('insert into tenants (id, name, created_at) values ($1, $2, $3)', [
    tenant.id,
    tenant.name,
    tenant.createdAt,
  ]);
}

export async function findTenant(sql: Sql, id: string): Promise<Tenant | undefined> {
  const row = await first<TenantRow>(sql, 'select id, name, created_at from tenants where id = $1', [id]);
  return row && fromRow(row);
}

export async function listTenants(sql: Sql): Promise<Tenant[]> {
  const rows = await sql.all<TenantRow>(
    'select id, name, created_at from tenants order by created_at, id limit 1000',
  );
  return rows.map(fromRow);
}
