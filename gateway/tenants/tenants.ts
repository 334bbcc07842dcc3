/** The table of tenants. */
import { first, type Sql, type SqlValue, type Tx } from '../platform/database.ts';

export interface Tenant {
  id: string;
  name: string;
  createdAt: number;
  /** What each of its keys may ask for if the key sets nothing; null: the installation's. */
  perSecond: number | null;
  perMinute: number | null;
  /** prepaid: what its messages cost is taken from its wallet. */
  billing: 'off' | 'prepaid';
}

interface TenantRow {
  id: string;
  name: string;
  created_at: number;
  per_second: number | null;
  per_minute: number | null;
  billing: string;
}

const columns = 'id, name, created_at, per_second, per_minute, billing';

const fromRow = (row: TenantRow): Tenant => ({
  id: row.id,
  name: row.name,
  createdAt: row.created_at,
  perSecond: row.per_second,
  perMinute: row.per_minute,
  billing: row.billing === 'prepaid' ? 'prepaid' : 'off',
});

export type NewTenant = Pick<Tenant, 'id' | 'name' | 'createdAt' | 'billing'>;

export async function insertTenant(tx: Tx, { id, name, createdAt, billing }: NewTenant): Promise<void> {
  await tx.all('insert into tenants (id, name, created_at, billing) values ($1, $2, $3, $4)', [
    id,
    name,
    createdAt,
    billing,
  ]);
}

export async function findTenant(sql: Sql, id: string): Promise<Tenant | undefined> {
  const row = await first<TenantRow>(sql, `select ${columns} from tenants where id = $1`, [id]);
  return row && fromRow(row);
}

export async function listTenants(sql: Sql): Promise<Tenant[]> {
  const rows = await sql.all<TenantRow>(`select ${columns} from tenants order by created_at, id limit 1000`);
  return rows.map(fromRow);
}

export type TenantChange = Partial<Pick<Tenant, 'name' | 'perSecond' | 'perMinute' | 'billing'>>;

const changeColumns: Record<keyof TenantChange, string> = {
  name: 'name',
  perSecond: 'per_second',
  perMinute: 'per_minute',
  billing: 'billing',
};

/** Changes what is named and nothing else; undefined when there is no such tenant. */
export async function updateTenant(tx: Tx, id: string, change: TenantChange): Promise<Tenant | undefined> {
  const given = Object.entries(change) as [keyof TenantChange, SqlValue][];
  const sets = ['id = id', ...given.map(([name], i) => `${changeColumns[name]} = $${i + 2}`)];
  const row = await first<TenantRow>(
    tx,
    `update tenants set ${sets.join(', ')} where id = $1 returning ${columns}`,
    [id, ...given.map(([, value]) => value)],
  );
  return row && fromRow(row);
}
