/** Contacts as a file that can be imported again: read slice by slice while it is written, in the order of ids. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Sql } from '../platform/database.ts';
import { type WholeContact, wholeContacts } from '../tenants/contacts.ts';
import { type ContactFilter, walkContacts } from '../tenants/walk-contacts.ts';
import { exportColumns } from './contact-csv.ts';
import { csvLine } from './csv-cells.ts';
import { type ToldContact, tellContact } from './tell-contact.ts';

const sliceRows = 500;

/** Parts of the file. What changes meanwhile is told as it is when its turn comes. */
export async function* exportContacts(
  sql: Sql,
  tenantId: string,
  filter: ContactFilter,
  format: 'csv' | 'ndjson',
): AsyncGenerator<string> {
  if (format === 'csv') yield csvLine([...exportColumns]);
  const write =
    format === 'csv' ? csvOf : (contact: WholeContact) => `${JSON.stringify(tellContact(contact))}\n`;
  for (let after: string | undefined = ''; after !== undefined; ) {
    const slice = await walkContacts(sql, tenantId, filter, after, sliceRows);
    const contacts = await wholeContacts(sql, tenantId, slice.contacts);
    if (contacts.length > 0) yield contacts.map(write).join('');
    after = slice.next;
    // Neither the database nor a fast client need let anybody else have a turn.
    await turn();
  }
}

function csvOf(contact: WholeContact): string {
  const told: ToldContact = tellContact(contact);
  return csvLine(exportColumns.map(name => cellOf(told[name])));
}

function cellOf(value: ToldContact[keyof ToldContact]): string {
  if (value === null) return '';
  if (Array.isArray(value)) return value.join(';');
  if (typeof value === 'object') return Object.keys(value).length === 0 ? '' : JSON.stringify(value);
  return String(value);
}
