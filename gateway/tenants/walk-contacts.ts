/**
 * Contacts by a filter, slice by slice in the order of one key. A slice reads a bounded number of rows and may hold fewer contacts, or
 * none: what a key cannot find is looked for here, so that no filter needs an index and none holds up the others.
 */
import type { Sql } from '../platform/database.ts';
import { type Attributes, type Contact, contactColumns, contactOf, contactsById } from './contacts.ts';
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
  const { contacts, read, last } =
    filter.phone === undefined && filter.tag !== undefined
      ? await stepOfTag(sql, tenantId, filter.tag, Number(after), rowsMax)
      : await step(sql, tenantId, filter, after, rowsMax);
  const matching = contacts.filter(matcher(filter));
  return {
    contacts: filter.phone === undefined ? matching : await withTag(sql, tenantId, matching, filter.tag),
    read,
    next: read < rowsMax ? undefined : last,
  };
}

/** Behind this contact a walk goes on. */
export const keyOf = ({ phone }: ContactFilter, contact: Pick<Contact, 'id' | 'phone'>): string =>
  phone === undefined ? String(contact.id) : contact.phone;

interface Step {
  contacts: Contact[];
  read: number;
  last: string | undefined;
}

/** By the key that narrows most: the phone, else the tag, else all by id. */
async function step(
  sql: Sql,
  tenantId: string,
  filter: ContactFilter,
  after: string,
  rowsMax: number,
): Promise<Step> {
  const { phone } = filter;
  const rows =
    phone === undefined
      ? await sql.all(
          `select ${contactColumns} from contacts c where c.tenant_id = $1 and c.id > $2 order by c.id limit $3`,
          [tenantId, Number(after), rowsMax],
        )
      : // Whatever the collation, letters come after digits.
        await sql.all(
          `select ${contactColumns} from contacts c where c.tenant_id = $1 and c.phone > $2 and c.phone >= $3 and c.phone < $4
           order by c.phone limit $5`,
          [tenantId, after, phone, `${phone}a`, rowsMax],
        );
  const contacts = rows.map(contactOf);
  const last = contacts.at(-1);
  return { contacts, read: rows.length, last: last && keyOf(filter, last) };
}

/** Not in one statement: PostgreSQL would read all that the tenant has, to join it, where it is mistaken about how much that is. */
async function stepOfTag(
  sql: Sql,
  tenantId: string,
  tag: number,
  after: number,
  rowsMax: number,
): Promise<Step> {
  const rows = await sql.all<{ contact_id: number }>(
    `select contact_id from contact_tags where tenant_id = $1 and tag_id = $2 and contact_id > $3 order by contact_id limit $4`,
    [tenantId, tag, after, rowsMax],
  );
  const ids = rows.map(row => row.contact_id);
  return { contacts: await contactsById(sql, tenantId, ids), read: ids.length, last: ids.at(-1)?.toString() };
}

function matcher({ name, attributes }: ContactFilter): (contact: Contact) => boolean {
  const wantedName = name === undefined ? undefined : folded(name);
  const wanted = Object.entries(attributes ?? {});
  return contact => {
    if (wantedName !== undefined && !folded(contact.name).includes(wantedName)) return false;
    return wanted.every(([key, value]) => textOf(contact.attributes, key) === value);
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
