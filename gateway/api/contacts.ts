/** People a tenant keeps: made, found, changed, merged, removed. */
import { setImmediate as turn } from 'node:timers/promises';
import { Type } from 'typebox';
import type { JsonObject } from '../canonical/json.ts';
import { type Issue, isRefusal, type Refusal } from '../canonical/refusal.ts';
import { attributesRule, readContact, readDetails } from '../contacts/read-contact.ts';
import { tellContact } from '../contacts/tell-contact.ts';
import { storable } from '../platform/database.ts';
import {
  type Contact,
  changePhone,
  contactsByPhone,
  findContact,
  removeContacts,
  wholeContacts,
} from '../tenants/contacts.ts';
import { lockCounter } from '../tenants/counters.ts';
import { mergeContacts } from '../tenants/merge-contacts.ts';
import { applied, type ContactInput, fits, saveContacts, updateContacts } from '../tenants/save-contacts.ts';
import { existingTags } from '../tenants/tags.ts';
import { keyOf, walkContacts } from '../tenants/walk-contacts.ts';
import type { ApiDeps } from './api.ts';
import {
  ContactChange,
  ContactForm,
  ContactPage,
  filterQuery,
  heldFor,
  Merge,
  NewContact,
  notFound,
  readContactFilter,
  readCountry,
  readId,
} from './contact-forms.ts';
import { readCursor, writeCursor } from './message-filter.ts';
import { boundKey } from './person.ts';
import { type Route, tenantRoute } from './route.ts';
import { closed } from './schemas.ts';

const path = '/api/v1/contacts';

const ContactQuery = Type.Partial(
  Type.Object({
    ...filterQuery,
    cursor: Type.String({ maxLength: 400, description: '`next` of the page before.' }),
    limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }),
  }),
  closed,
);

const Removed = Type.Object({ id: Type.Integer(), removed: Type.Literal(true) });

/** Rows that one page may look at, and one statement of it. */
const pageRowsMax = 50_000;
const sliceRows = 1_000;

const issuesOf = (issues: Issue[]): Refusal => {
  const [first, ...more] = issues;
  return { code: 'field_invalid', issues: [first!, ...more] };
};

const taken = (phone: string, id: number): Refusal => ({
  code: 'conflict',
  reason: `${phone} is the phone, or a former phone, of contact ${id}.`,
});

export function contactRoutes({ database, now }: ApiDeps): Route[] {
  return [
    tenantRoute(
      {
        method: 'POST',
        path,
        operation: 'createContact',
        summary: 'Keep a person',
        body: NewContact,
        answer: { status: 201, about: 'The contact.', schema: ContactForm },
        refusals: ['field_invalid', 'conflict'],
      },
      async ({ body }, principal) => {
        const refused = boundKey(principal, heldFor);
        if (refused !== undefined) return refused;
        const { tenantId } = principal;
        const reading = await readCountry(body.country);
        if (isRefusal(reading)) return reading;
        const tags = await existingTags(database, tenantId, body.tags ?? []);
        const contact = readContact(body as JsonObject, {
          ...reading,
          tagOf: text => (tags.has(Number(text)) ? Number(text) : undefined),
        });
        if (Array.isArray(contact)) return issuesOf(contact);
        const made = await database.transact(async tx => {
          await lockCounter(tx, tenantId, 'contacts');
          const known = (await contactsByPhone(tx, tenantId, [contact.phone])).get(contact.phone);
          if (known !== undefined) return taken(contact.phone, known.id);
          await saveContacts(tx, tenantId, [contact], { onDuplicate: 'update', now: now() });
          const saved = (await contactsByPhone(tx, tenantId, [contact.phone])).get(contact.phone)!;
          return (await wholeContacts(tx, tenantId, [saved]))[0]!;
        });
        if (isRefusal(made)) return made;
        const headers = { location: `${path}/${made.id}` };
        return { status: 201, body: tellContact(made), headers };
      },
    ),
    tenantRoute(
      {
        method: 'GET',
        path,
        operation: 'listContacts',
        summary: 'Contacts, all or by phone, name, tag and attributes',
        description:
          'By id, with `phone` by phone. What a name or an attribute finds has to be looked for: a page may then hold fewer contacts than ' +
          '`limit`, or none, and still have a `next`.',
        query: ContactQuery,
        answer: { status: 200, about: 'A page.', schema: ContactPage },
        refusals: ['field_invalid', 'conflict'],
      },
      async ({ query }, principal) => {
        const filter = boundKey(principal, heldFor) ?? readContactFilter(query);
        if (isRefusal(filter)) return filter;
        const cursor = query.cursor === undefined ? '' : readCursor(query.cursor);
        if (isRefusal(cursor)) return cursor;
        const { tenantId } = principal;
        const limit = query.limit ?? 100;
        const isPlain = filter.name === undefined && filter.attributes === undefined;
        const found: Contact[] = [];
        let next: string | undefined = /^\d*$/.test(cursor) ? cursor : '';
        for (let read = 0; next !== undefined && found.length < limit && read < pageRowsMax; ) {
          // What is read is a contact of the page, unless it has to be looked at.
          const rowsMax = isPlain ? limit - found.length : sliceRows;
          const slice = await walkContacts(database, tenantId, filter, next, rowsMax);
          const room: number = limit - found.length;
          found.push(...slice.contacts.slice(0, room));
          next = slice.contacts.length > room ? keyOf(filter, found.at(-1)!) : slice.next;
          read += slice.read;
          await turn();
        }
        const data = (await wholeContacts(database, tenantId, found)).map(tellContact);
        return { status: 200, body: { data, next: next === undefined ? null : writeCursor(next) } };
      },
    ),
    tenantRoute(
      {
        method: 'GET',
        path: `${path}/:contactId`,
        operation: 'getContact',
        summary: 'One contact',
        answer: { status: 200, about: 'The contact.', schema: ContactForm },
        refusals: ['object_not_found', 'conflict'],
      },
      async ({ params }, principal) => {
        const id = boundKey(principal, heldFor) ?? readId(params.contactId, 'contact');
        if (isRefusal(id)) return id;
        const contact = await findContact(database, principal.tenantId, id);
        return contact === undefined ? notFound('contact', id) : { status: 200, body: tellContact(contact) };
      },
    ),
    tenantRoute(
      {
        method: 'PATCH',
        path: `${path}/:contactId`,
        operation: 'changeContact',
        summary: 'Change a contact',
        description:
          'What is left out stays as it is. An empty text takes name, language or time zone away; attributes are added to those that there are.',
        body: ContactChange,
        answer: { status: 200, about: 'The contact as it is now.', schema: ContactForm },
        refusals: ['field_invalid', 'object_not_found', 'conflict'],
      },
      async ({ params, body }, principal) => {
        const id = boundKey(principal, heldFor) ?? readId(params.contactId, 'contact');
        if (isRefusal(id)) return id;
        const reading = await readCountry(body.country);
        if (isRefusal(reading)) return reading;
        const issues: Issue[] = [];
        const change: Partial<ContactInput> = {};
        readDetails(body as JsonObject, change, (path, rule, message) =>
          issues.push({ path, rule, message }),
        );
        if (body.name === '') change.name = '';
        if (body.language === '') change.language = null;
        if (body.timeZone === '') change.timeZone = null;
        const removed = Object.fromEntries((body.removeAttributes ?? []).map(name => [name, null]));
        change.attributes = { ...removed, ...change.attributes };
        const phone = body.phone === undefined ? undefined : reading.phones.read(body.phone, reading.country);
        if (phone !== undefined && 'problem' in phone)
          issues.push({ path: 'phone', rule: 'format', message: phone.problem });
        if (issues.length > 0) return issuesOf(issues);
        const { tenantId } = principal;
        const changed = await database.transact(async tx => {
          await lockCounter(tx, tenantId, 'contacts');
          const contact = await findContact(tx, tenantId, id);
          if (contact === undefined) return notFound('contact', id);
          const after = { ...applied(contact, change), updatedAt: now() };
          if (!fits(after.attributes))
            return issuesOf([{ path: 'attributes', rule: 'length', message: attributesRule }]);
          if (phone !== undefined && 'digits' in phone) {
            const owner = (await contactsByPhone(tx, tenantId, [phone.digits])).get(phone.digits);
            if (owner !== undefined && (owner.id !== id || contact.formerPhones.includes(phone.digits)))
              return taken(phone.digits, owner.id);
            await changePhone(tx, tenantId, id, phone.digits);
            after.original = storable(body.phone!.trim());
          }
          await updateContacts(tx, tenantId, [after]);
          return (await findContact(tx, tenantId, id))!;
        });
        return isRefusal(changed) ? changed : { status: 200, body: tellContact(changed) };
      },
    ),
    tenantRoute(
      {
        method: 'DELETE',
        path: `${path}/:contactId`,
        operation: 'removeContact',
        summary: 'Remove a contact',
        description:
          'The contact with its tags. Messages to the person stay; /api/v1/erasures removes all that names it.',
        answer: { status: 200, about: 'It is gone.', schema: Removed },
        refusals: ['object_not_found', 'conflict'],
      },
      async ({ params }, principal) => {
        const id = boundKey(principal, heldFor) ?? readId(params.contactId, 'contact');
        if (isRefusal(id)) return id;
        const count = await database.transact(async tx => {
          await lockCounter(tx, principal.tenantId, 'contacts');
          return removeContacts(tx, principal.tenantId, [id]);
        });
        return count === 0 ? notFound('contact', id) : { status: 200, body: { id, removed: true } };
      },
    ),
    tenantRoute(
      {
        method: 'POST',
        path: `${path}/:contactId/merge`,
        operation: 'mergeContacts',
        summary: 'Make one contact of two',
        description:
          'The one in the path gains the tags of `from` and what it does not know itself: name, language, time zone, attributes. The phone of ' +
          '`from`, which is gone then, becomes a former phone.',
        body: Merge,
        answer: { status: 200, about: 'The contact that stays.', schema: ContactForm },
        refusals: ['field_invalid', 'object_not_found', 'conflict'],
      },
      async ({ params, body }, principal) => {
        const id = boundKey(principal, heldFor) ?? readId(params.contactId, 'contact');
        if (isRefusal(id)) return id;
        if (body.from === id)
          return issuesOf([{ path: 'from', rule: 'conflict', message: 'must be another contact' }]);
        const { tenantId } = principal;
        const merged = await database.transact(tx => mergeContacts(tx, tenantId, id, body.from, now()));
        return isRefusal(merged) ? merged : { status: 200, body: tellContact(merged) };
      },
    ),
  ];
}
