/** A tenant's contacts under one tag, made by the database itself, and the template that is sent to them. */
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import type { Target } from './requests.ts';

export interface FillingContacts {
  /** Path of the SQLite file, or a postgres:// URL. */
  place: string;
  target: Target;
  tag: number;
  /** Phones are +90 5… in a row from this one on. */
  first: number;
  count: number;
}

export const templateName = 'bench';

export async function fillContacts(filling: FillingContacts): Promise<void> {
  const isPostgres = filling.place.startsWith('postgres');
  const counting = isPostgres
    ? `select n from generate_series(0, ${filling.count - 1}) as n`
    : `with recursive c(n) as (select 0 union all select n + 1 from c where n + 1 < ${filling.count}) select n from c`;
  const statements = statementsOf(filling, counting);
  if (!isPostgres) {
    const database = new DatabaseSync(filling.place);
    database.exec(
      `pragma synchronous = off; ${statements.join(';')}; analyze; pragma wal_checkpoint(truncate)`,
    );
    database.close();
    return;
  }
  const client = new pg.Client({ connectionString: filling.place });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.query('vacuum analyze contacts');
  await client.query('vacuum analyze contact_tags');
  await client.end();
}

function statementsOf({ target, tag, first, count }: FillingContacts, counting: string): string[] {
  const now = Date.now();
  const { tenantId, wabaId } = target;
  const id = `${tag * 10_000_000} + n`;
  return [
    `insert into tags (tenant_id, id, name, created_at) values ('${tenantId}', ${tag}, 'tag ${tag}', ${now})`,
    `insert into contacts (tenant_id, id, phone, name, attributes, created_at)
     select '${tenantId}', ${id}, cast(${first} + n as text), 'Contact ' || n, '{"city":"Ankara","points":' || n || '}', ${now}
     from (${counting}) as counted`,
    `insert into contact_tags (tenant_id, tag_id, contact_id) select '${tenantId}', ${tag}, ${id} from (${counting}) as counted`,
    `insert into templates (tenant_id, id, waba_id, meta_id, name, language, category, status, parameter_format, components, synced_at)
     values ('${tenantId}', ${tag}, '${wabaId}', '${tag}', '${templateName}', 'en', 'UTILITY', 'APPROVED', 'POSITIONAL', '[]', ${now})
     on conflict do nothing`,
    `insert into counters (tenant_id, name, next) values ('${tenantId}', 'contacts', ${tag * 10_000_000 + count})
     on conflict (tenant_id, name) do update set next = excluded.next`,
  ];
}
