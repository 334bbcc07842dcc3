/** Tags, and which contacts carry them. */
import { setImmediate as turn } from 'node:timers/promises';
import { first, type Sql, type SqlValue, type Tx } from '../platform/database.ts';
import { idRows } from './contacts.ts';
import { lockCounter, setCounter } from './counters.ts';

export interface Tag {
  id: number;
  name: string;
  createdAt: number;
}

const columns = 'id, name, created_at as "createdAt"';

/** Rows that one statement counts or deletes: on the embedded engine everybody else waits meanwhile. */
const stepRows = 5_000;

/** `id`: the next one when it is left out. Returns undefined when there is one with that id. */
export async function insertTag(
  tx: Tx,
  tenantId: string,
  { id: wanted, name, createdAt }: { id?: number; name: string; createdAt: number },
): Promise<Tag | undefined> {
  await lockCounter(tx, tenantId, 'contacts');
  const next = await lockCounter(tx, tenantId, 'tags');
  const id = wanted ?? next;
  const [tag] = await tx.all<Tag>(
    `insert into tags (tenant_id, id, name, created_at) values ($1, $2, $3, $4) on conflict do nothing returning ${columns}`,
    [tenantId, id, name, createdAt],
  );
  if (tag !== undefined && id >= next) await setCounter(tx, tenantId, 'tags', id + 1);
  return tag;
}

export async function findTag(sql: Sql, tenantId: string, id: number): Promise<Tag | undefined> {
  return first<Tag>(sql, `select ${columns} from tags where tenant_id = $1 and id = $2`, [tenantId, id]);
}

/** By id, those after `after`. */
export async function listTags(sql: Sql, tenantId: string, after: number, limit: number): Promise<Tag[]> {
  return sql.all<Tag>(`select ${columns} from tags where tenant_id = $1 and id > $2 order by id limit $3`, [
    tenantId,
    after,
    limit,
  ]);
}

export async function renameTag(
  tx: Tx,
  tenantId: string,
  id: number,
  name: string,
): Promise<Tag | undefined> {
  const [tag] = await tx.all<Tag>(
    `update tags set name = $3 where tenant_id = $1 and id = $2 returning ${columns}`,
    [tenantId, id, name],
  );
  return tag;
}

/** One step of removing a tag: from some thousand contacts; when none carries it, the tag itself. */
export async function removeTagStep(
  tx: Tx,
  tenantId: string,
  id: number,
): Promise<'more' | 'removed' | 'not there'> {
  await lockCounter(tx, tenantId, 'contacts');
  const untagged = await tx.all(
    `delete from contact_tags where tenant_id = $1 and tag_id = $2 and contact_id in (
       select contact_id from contact_tags where tenant_id = $1 and tag_id = $2 order by contact_id limit ${stepRows})
     returning contact_id`,
    [tenantId, id],
  );
  if (untagged.length === stepRows) return 'more';
  const gone = await tx.all('delete from tags where tenant_id = $1 and id = $2 returning id', [tenantId, id]);
  return gone.length === 0 ? 'not there' : 'removed';
}

/** How many contacts carry it: counted, in steps between which others have their turn. */
export async function countTagged(sql: Sql, tenantId: string, tagId: number): Promise<number> {
  let count = 0;
  for (let after = 0; ; ) {
    const step = await first<{ n: number; last: number | null }>(
      sql,
      `select count(*) as n, max(contact_id) as last from (
         select contact_id from contact_tags where tenant_id = $1 and tag_id = $2 and contact_id > $3
         order by contact_id limit ${stepRows}) counted`,
      [tenantId, tagId, after],
    );
    count += step?.n ?? 0;
    if ((step?.n ?? 0) < stepRows) return count;
    after = step!.last!;
    await turn();
  }
}

/** Returns how many are new. Pairs whose contact or tag is not there are left out. To be called under the lock of 'contacts'. */
export async function tagContacts(
  tx: Tx,
  tenantId: string,
  pairs: { contact: number; tag: number }[],
): Promise<number> {
  if (pairs.length === 0) return 0;
  const made = await tx.all(
    `with s as materialized (
       select cast(value ->> 'contact' as bigint) as contact, cast(value ->> 'tag' as bigint) as tag from json_rows($2))
     insert into contact_tags (tenant_id, tag_id, contact_id)
     select t.tenant_id, t.id, s.contact from s join tags t on t.id = s.tag
     where t.tenant_id = $1 and exists (select 1 from contacts c where c.tenant_id = $1 and c.id = s.contact)
     on conflict do nothing returning contact_id`,
    [tenantId, JSON.stringify(pairs)],
  );
  return made.length;
}

/** Takes each of the tags from each of the contacts; returns how many were there. To be called under the lock of 'contacts'. */
export async function untagContacts(
  tx: Tx,
  tenantId: string,
  contactIds: readonly number[],
  tagIds: readonly number[],
): Promise<number> {
  let count = 0;
  for (const tagId of tagIds) {
    const values: SqlValue[] = [tenantId, tagId, idRows(contactIds)];
    const gone = await tx.all(
      `delete from contact_tags where tenant_id = $1 and tag_id = $2
         and one_of(contact_id, select cast(value ->> 'id' as bigint) from json_rows($3)) returning contact_id`,
      values,
    );
    count += gone.length;
  }
  return count;
}

/** Phone digits of contacts that carry any of the tags, each once, in a steady order; at most so many. */
export async function phonesOfTags(
  sql: Sql,
  tenantId: string,
  tagIds: readonly number[],
  most: number,
): Promise<string[]> {
  const phones = new Set<string>();
  for (const tagId of tagIds) {
    const rows = await sql.all<{ phone: string | null }>(
      `select (select c.phone from contacts c where c.tenant_id = $1 and c.id = t.contact_id) as phone from contact_tags t
       where t.tenant_id = $1 and t.tag_id = $2 order by t.contact_id limit $3`,
      [tenantId, tagId, most],
    );
    for (const { phone } of rows) if (phone !== null) phones.add(phone);
  }
  return [...phones].slice(0, most);
}

/** How many contacts carry any of the tags, each counted once: in steps between which others have their turn. */
export async function countOfTags(sql: Sql, tenantId: string, tagIds: readonly number[]): Promise<number> {
  let count = 0;
  for (const [place, tagId] of tagIds.entries()) {
    const earlier = tagIds.slice(0, place);
    if (earlier.length === 0) {
      count += await countTagged(sql, tenantId, tagId);
      continue;
    }
    for (let after = 0, left = true; left; ) {
      const rows = await sql.all<{ contact_id: number }>(
        `select contact_id from contact_tags where tenant_id = $1 and tag_id = $2 and contact_id > $3
         order by contact_id limit ${stepRows}`,
        [tenantId, tagId, after],
      );
      const ids = rows.map(row => row.contact_id);
      count += ids.length - (await withTags(sql, tenantId, earlier, ids)).size;
      left = ids.length === stepRows;
      after = ids.at(-1) ?? after;
      await turn();
    }
  }
  return count;
}

/** Those of the ids that are tags. */
export async function existingTags(sql: Sql, tenantId: string, ids: readonly number[]): Promise<Set<number>> {
  if (ids.length === 0) return new Set();
  const rows = await sql.all<{ id: number }>(
    `select id from tags
     where tenant_id = $1 and one_of(id, select cast(value ->> 'id' as bigint) from json_rows($2))`,
    [tenantId, idRows(ids)],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Those of the contacts that carry any of the tags. */
export async function withTags(
  sql: Sql,
  tenantId: string,
  tagIds: readonly number[],
  contactIds: readonly number[],
): Promise<Set<number>> {
  if (tagIds.length === 0 || contactIds.length === 0) return new Set();
  const rows = await sql.all<{ contact_id: number }>(
    `select contact_id from contact_tags
     where tenant_id = $1 and one_of(tag_id, select cast(value ->> 'id' as bigint) from json_rows($2))
       and one_of(contact_id, select cast(value ->> 'id' as bigint) from json_rows($3))
       and contact_id >= $4 and contact_id <= $5`,
    // Said beside the keys: else PostgreSQL may read all that carry the tag.
    [tenantId, idRows(tagIds), idRows(contactIds), Math.min(...contactIds), Math.max(...contactIds)],
  );
  return new Set(rows.map(row => row.contact_id));
}
