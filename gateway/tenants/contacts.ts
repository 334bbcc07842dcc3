/** Contacts and their tags, as far as sending to a tag needs them. */
import { first, type Sql, type Tx } from '../platform/database.ts';

export async function insertTag(
  tx: Tx,
  tenantId: string,
  id: number,
  name: string,
  now: number,
): Promise<void> {
  await tx.all(
    'insert into tags (tenant_id, id, name, created_at) values ($1, $2, $3, $4) on conflict do nothing',
    [tenantId, id, name, now],
  );
}

/** Returns the contact's id, the existing one when the phone is known. `phone`: digits. */
export async function insertContact(
  tx: Tx,
  tenantId: string,
  phone: string,
  name: string,
  now: number,
): Promise<number> {
  const known = await first<{ id: number }>(
    tx,
    'select id from contacts where tenant_id = $1 and phone = $2',
    [tenantId, phone],
  );
  if (known !== undefined) return known.id;
  const highest = await first<{ id: number | null }>(
    tx,
    'select max(id) as id from contacts where tenant_id = $1',
    [tenantId],
  );
  const id = (highest?.id ?? 0) + 1;
  await tx.all('insert into contacts (tenant_id, id, phone, name, created_at) values ($1, $2, $3, $4, $5)', [
    tenantId,
    id,
    phone,
    name,
    now,
  ]);
  return id;
}

export async function tagContact(tx: Tx, tenantId: string, tagId: number, contactId: number): Promise<void> {
  await tx.all(
    'insert into contact_tags (tenant_id, tag_id, contact_id) values ($1, $2, $3) on conflict do nothing',
    [tenantId, tagId, contactId],
  );
}

/** Phone digits of all contacts that carry any of the tags, each once, in a steady order. */
export async function phonesOfTags(sql: Sql, tenantId: string, tagIds: number[]): Promise<string[]> {
  if (tagIds.length === 0) return [];
  const rows = await sql.all<{ phone: string }>(
    `select distinct c.phone from contact_tags t join contacts c on c.tenant_id = t.tenant_id and c.id = t.contact_id
     where t.tenant_id = $1 and t.tag_id in (select cast(value ->> 'id' as bigint) from json_rows($2))
     order by c.phone`,
    [tenantId, JSON.stringify(tagIds.map(id => ({ id })))],
  );
  return rows.map(({ phone }) => phone);
}
