/**
 * Contacts by a filter, slice by slice in the order of one key. A slice reads a bounded number of rows and may hold fewer contacts, or
 * none: what a key cannot find is looked for here, so that no filter needs an index and none holds up the others.
 */
import type { Row, Sql, SqlValue } from '../platform/database.ts';
import { type Attributes, type Contact, contactColumns, contactOf } from './contacts.ts';
import { withTags } from './tags.ts';

/** What all must be true. Nothing said: all contacts. */
export interface ContactFilter {
  /** Digits that the phone begins with. */
  phone?: string;
  /** Anywhere in the name, whatever the case and accents. */
  name?: string;
  tag?: number;
  /** Compared as text: 5 is "5". */
  attributes?: Record<string, string>;
}

export interface Slice {
  contacts: Contact[];
  /** Rows that were looked at. */
  read: number;
  /** Where the next slice begins; undefined after the last. */
  next: string | undefined;
}

/** `after`: `next` of the slice before, '' for the first. */
export async function walkContacts(
  sql: Sql,
  tenantId: string,
  filter: ContactFilter,
  after: string,
  rowsMax: number,
): Promise<Slice> {
  const { text, values } = stepOf(tenantId, filter, after, rowsMax);
  const rows = await sql.all(text, values);
  const last = rows.at(-1);
  const contacts = rows.filter(matcher(filter)).map(contactOf);
  return {
    contacts: filter.phone === undefined ? contacts : await withTag(sql, tenantId, contacts, filter.tag),
    read: rows.length,
    next: last === undefined || rows.length < rowsMax ? undefined : keyOf(filter, contactOf(last)),
  };
}

/** Behind this contact a walk goes on. */
export const keyOf = ({ phone }: ContactFilter, contact: Pick<Contact, 'id' | 'phone'>): string =>
  phone === undefined ? String(contact.id) : contact.phone;

/** The key that narrows most: the phone, else the tag. */
function stepOf(tenantId: string, { phone, tag }: ContactFilter, after: string, rowsMax: number) {
  const values: SqlValue[] = [tenantId];
  const give = (value: SqlValue) => `$${values.push(value)}`;
  let text: string;
  if (phone !== undefined) {
    // Whatever the collation, letters come after digits.
    text = `from contacts c where c.tenant_id = $1 and c.phone > ${give(after)} and c.phone >= ${give(phone)}
       and c.phone < ${give(`${phone}a`)} order by c.phone`;
  } else if (tag !== undefined) {
    const behind = give(Number(after));
    // Said of both: else PostgreSQL reads all the contacts up to there to join them.
    text = `from contact_tags t join contacts c on c.tenant_id = t.tenant_id and c.id = t.contact_id
       where t.tenant_id = $1 and t.tag_id = ${give(tag)} and t.contact_id > ${behind} and c.tenant_id = $1 and c.id > ${behind}
       order by t.contact_id`;
  } else {
    text = `from contacts c where c.tenant_id = $1 and c.id > ${give(Number(after))} order by c.id`;
  }
  return { text: `select ${contactColumns} ${text} limit ${give(rowsMax)}`, values };
}

function matcher({ name, attributes }: ContactFilter): (row: Row) => boolean {
  const wantedName = name === undefined ? undefined : folded(name);
  const wanted = Object.entries(attributes ?? {});
  return row => {
    if (wantedName !== undefined && !folded(String(row.name)).includes(wantedName)) return false;
    if (wanted.length === 0) return true;
    const own = contactOf(row).attributes;
    return wanted.every(([key, value]) => textOf(own, key) === value);
  };
}

const textOf = (attributes: Attributes, key: string) =>
  Object.hasOwn(attributes, key) ? String(attributes[key]) : undefined;

/** `İSTANBUL` and `istanbul`, `Ayşe` and `ayse` are found by each other. */
function folded(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text.toLowerCase();
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ı', 'i');
}

async function withTag(sql: Sql, tenantId: string, contacts: Contact[], tag: number | undefined) {
  if (tag === undefined || contacts.length === 0) return contacts;
  const carrying = await withTags(
    sql,
    tenantId,
    [tag],
    contacts.map(({ id }) => id),
  );
  return contacts.filter(({ id }) => carrying.has(id));
}
