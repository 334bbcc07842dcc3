/** People a tenant keeps: the table, one contact or some at a time. Saving many is in save-contacts.ts, finding them in walk-contacts.ts. */
import { isObject, parseJson } from '../canonical/json.ts';
import { phoneNames } from '../canonical/phone-names.ts';
import { boundsOf, type Row, type Sql, type SqlValue, type Tx } from '../platform/database.ts';

export type AttributeValue = string | number | boolean;
export type Attributes = Record<string, AttributeValue>;

export interface Contact {
  id: number;
  /** Digits with country code. */
  phone: string;
  /** As the tenant wrote it. */
  original: string;
  /** '' when nobody said. */
  name: string;
  /** As Meta writes them: tr, pt_BR. */
  language: string | null;
  /** IANA: Europe/Istanbul. */
  timeZone: string | null;
  attributes: Attributes;
  createdAt: number;
  updatedAt: number;
}

/** With what other tables say of it. */
export interface WholeContact extends Contact {
  tags: number[];
  /** Of contacts that were merged into this one. */
  formerPhones: string[];
}

const names = [
  ...['id', 'phone', 'original', 'name', 'language', 'time_zone', 'attributes', 'created_at', 'updated_at'],
];
/** Of contacts under the alias c. */
export const contactColumns = names.map(name => `c.${name}`).join(', ');

export function contactOf(row: Row): Contact {
  const attributes = row.attributes === null ? {} : parseJson(String(row.attributes));
  return {
    id: Number(row.id),
    phone: String(row.phone),
    original: String(row.original ?? row.phone),
    name: String(row.name),
    language: row.language as string | null,
    timeZone: row.time_zone as string | null,
    attributes: isObject(attributes) ? (attributes as Attributes) : {},
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at ?? row.created_at),
  };
}

export const idRows = (ids: readonly number[]) => JSON.stringify(ids.map(id => ({ id })));

/** In a condition: one of the ids that `idValues` gives. */
const isGiven = (column: string) =>
  `one_of(${column}, select cast(value ->> 'id' as bigint) from json_rows($2)) and ${column} >= $3 and ${column} <= $4`;

const idValues = (tenantId: string, ids: readonly number[]): SqlValue[] => [
  ...[tenantId, idRows(ids)],
  ...boundsOf(ids),
];

/** By id, those that there are. */
export async function findContacts(
  sql: Sql,
  tenantId: string,
  ids: readonly number[],
): Promise<WholeContact[]> {
  return wholeContacts(sql, tenantId, await contactsById(sql, tenantId, ids));
}

/** Those that there are, in the order of their ids. */
export async function contactsById(sql: Sql, tenantId: string, ids: readonly number[]): Promise<Contact[]> {
  if (ids.length === 0) return [];
  const [first, last] = boundsOf(ids);
  const isDense = last - first < 2 * ids.length;
  // Where most of a range is wanted it is read as one: a third of the time of as many looks by key.
  const rows = isDense
    ? await sql.all(
        `select ${contactColumns} from contacts c where c.tenant_id = $1 and c.id >= $2 and c.id <= $3 order by c.id`,
        [tenantId, first, last],
      )
    : await sql.all(
        `select ${contactColumns} from contacts c where c.tenant_id = $1 and ${isGiven('c.id')} order by c.id`,
        [tenantId, idRows(ids), first, last],
      );
  const wanted = new Set(ids);
  return rows.filter(({ id }) => wanted.has(Number(id))).map(contactOf);
}

export async function findContact(sql: Sql, tenantId: string, id: number): Promise<WholeContact | undefined> {
  return (await findContacts(sql, tenantId, [id]))[0];
}

/** By phone, also by a former one. */
export async function contactsByPhone(
  sql: Sql,
  tenantId: string,
  phones: readonly string[],
): Promise<Map<string, Contact>> {
  // A look by key for each, whatever PostgreSQL believes of the tenant.
  const rows = await sql.all<{ phone: string; id: number | null; former: number | null }>(
    `select value ->> 'phone' as phone,
       (select c.id from contacts c where c.tenant_id = $1 and c.phone = value ->> 'phone') as id,
       (select f.contact_id from former_phones f where f.tenant_id = $1 and f.phone = value ->> 'phone') as former
     from json_rows($2)`,
    [tenantId, JSON.stringify(phones.map(phone => ({ phone })))],
  );
  const ids = new Map<string, number>();
  for (const { phone, id, former } of rows) {
    const known = id ?? former;
    if (known !== null) ids.set(phone, known);
  }
  const contacts = await contactsById(sql, tenantId, [...new Set(ids.values())]);
  // One object for one contact, by whichever phone it was found.
  const byId = new Map(contacts.map(contact => [contact.id, contact]));
  const found = new Map<string, Contact>();
  for (const [phone, id] of ids) {
    const contact = byId.get(id);
    if (contact !== undefined) found.set(phone, contact);
  }
  return found;
}

/** The same contacts with their tags and former phones. */
export async function wholeContacts(
  sql: Sql,
  tenantId: string,
  contacts: Contact[],
): Promise<WholeContact[]> {
  if (contacts.length === 0) return [];
  const values = idValues(
    tenantId,
    contacts.map(({ id }) => id),
  );
  const tags = await sql.all<{ contact_id: number; tag_id: number }>(
    `select contact_id, tag_id from contact_tags where tenant_id = $1 and ${isGiven('contact_id')} order by contact_id, tag_id`,
    values,
  );
  const phones = await sql.all<{ contact_id: number; phone: string }>(
    `select contact_id, phone from former_phones where tenant_id = $1 and ${isGiven('contact_id')} order by contact_id, phone`,
    values,
  );
  const tagsOf = Map.groupBy(tags, row => row.contact_id);
  const phonesOf = Map.groupBy(phones, row => row.contact_id);
  return contacts.map(contact => ({
    ...contact,
    tags: (tagsOf.get(contact.id) ?? []).map(row => row.tag_id),
    formerPhones: (phonesOf.get(contact.id) ?? []).map(row => row.phone),
  }));
}

/** Removes contacts with all that belongs to them; returns how many there were. To be called under the lock of 'contacts'. */
export async function removeContacts(tx: Tx, tenantId: string, ids: readonly number[]): Promise<number> {
  if (ids.length === 0) return 0;
  const values = idValues(tenantId, ids);
  await tx.all(`delete from contact_tags where tenant_id = $1 and ${isGiven('contact_id')}`, values);
  await tx.all(`delete from former_phones where tenant_id = $1 and ${isGiven('contact_id')}`, values);
  const gone = await tx.all(
    `delete from contacts where tenant_id = $1 and ${isGiven('id')} returning id`,
    values,
  );
  return gone.length;
}

/** The contacts under which a person may be kept, by any way of writing its number. */
export async function contactsOfPerson(sql: Sql, tenantId: string, name: string): Promise<WholeContact[]> {
  const found = await contactsByPhone(sql, tenantId, phoneNames(name));
  return wholeContacts(sql, tenantId, [...new Set(found.values())]);
}

/** To a phone that no other contact has. */
export async function changePhone(tx: Tx, tenantId: string, id: number, phone: string): Promise<void> {
  await tx.all('update contacts set phone = $3 where tenant_id = $1 and id = $2', [tenantId, id, phone]);
}
