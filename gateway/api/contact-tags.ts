/** Tags on contacts: one at a time, or all that a filter finds. */
import { setImmediate as turn } from 'node:timers/promises';
import { Type } from 'typebox';
import { invalid, isRefusal, type Refusal } from '../canonical/refusal.ts';
import { tellContact } from '../contacts/tell-contact.ts';
import type { Tx } from '../platform/database.ts';
import { findContact } from '../tenants/contacts.ts';
import { lockCounter } from '../tenants/counters.ts';
import { existingTags, tagContacts, untagContacts } from '../tenants/tags.ts';
import { walkContacts } from '../tenants/walk-contacts.ts';
import type { ApiDeps } from './api.ts';
import {
  ContactFilterForm,
  ContactForm,
  filterOf,
  heldFor,
  notFound,
  readId,
  TagIds,
} from './contact-forms.ts';
import { readCursor, writeCursor } from './message-filter.ts';
import { boundKey } from './person.ts';
import { type Route, type Spec, tenantRoute } from './route.ts';
import { closed, nullable } from './schemas.ts';

const Tagging = Type.Object(
  {
    filter: ContactFilterForm,
    add: Type.Optional(TagIds),
    remove: Type.Optional(TagIds),
    cursor: Type.Optional(
      Type.String({ maxLength: 400, description: '`next` of the answer before, with the same body.' }),
    ),
  },
  closed,
);

const Tagged = Type.Object({
  matched: Type.Integer({ description: 'Contacts that the filter found in this step.' }),
  added: Type.Integer(),
  removed: Type.Integer(),
  next: nullable(Type.String({ description: 'null when all are done; else send it again as `cursor`.' })),
});

/** Rows that one transaction and one request look at. */
const sliceRows = 500;
const requestRows = 50_000;

const path = '/api/v1/contacts/:contactId/tags/:tagId';

export function contactTagRoutes({ database }: ApiDeps): Route[] {
  const one = (method: 'PUT' | 'DELETE', change: (tx: Tx, tenantId: string, ids: Pair) => Promise<unknown>) =>
    tenantRoute(specs[method], async ({ params }, principal) => {
      const contact = boundKey(principal, heldFor) ?? readId(params.contactId, 'contact');
      if (isRefusal(contact)) return contact;
      const tag = readId(params.tagId, 'tag');
      if (isRefusal(tag)) return tag;
      const { tenantId } = principal;
      const after = await database.transact(async tx => {
        await lockCounter(tx, tenantId, 'contacts');
        if ((await findContact(tx, tenantId, contact)) === undefined) return notFound('contact', contact);
        if (!(await existingTags(tx, tenantId, [tag])).has(tag)) return notFound('tag', tag);
        await change(tx, tenantId, { contact, tag });
        return (await findContact(tx, tenantId, contact))!;
      });
      return isRefusal(after) ? after : { status: 200, body: tellContact(after) };
    });

  return [
    one('PUT', (tx, tenantId, pair) => tagContacts(tx, tenantId, [pair])),
    one('DELETE', (tx, tenantId, { contact, tag }) => untagContacts(tx, tenantId, [contact], [tag])),
    tenantRoute(
      {
        method: 'POST',
        path: '/api/v1/contacts/tags',
        operation: 'tagContacts',
        summary: 'Give tags to all contacts that a filter finds, or take them away',
        description:
          `In steps: one request looks at ${requestRows} contacts at most, and says with \`next\` where the next one begins. An empty filter ` +
          'finds every contact. What was done stays done.',
        body: Tagging,
        answer: { status: 200, about: 'What this step did.', schema: Tagged },
        refusals: ['field_invalid', 'conflict'],
      },
      async ({ body }, principal) => {
        const filter = boundKey(principal, heldFor) ?? filterOf(body.filter);
        if (isRefusal(filter)) return filter;
        const cursor = body.cursor === undefined ? '' : readCursor(body.cursor);
        if (isRefusal(cursor)) return cursor;
        const { tenantId } = principal;
        const { add = [], remove = [] } = body;
        const unknown = await unknownTag(add);
        if (unknown !== undefined) return unknown;
        const done = { matched: 0, added: 0, removed: 0 };
        let next: string | undefined = /^\d*$/.test(cursor) ? cursor : '';
        for (let read = 0; next !== undefined && read < requestRows; ) {
          const slice = await walkContacts(database, tenantId, filter, next, sliceRows);
          const ids = slice.contacts.map(({ id }) => id);
          if (ids.length > 0) await tagSlice(ids);
          done.matched += ids.length;
          read += slice.read;
          next = slice.next;
          await turn();
        }
        return { status: 200, body: { ...done, next: next === undefined ? null : writeCursor(next) } };

        async function unknownTag(ids: number[]): Promise<Refusal | undefined> {
          const known = await existingTags(database, tenantId, ids);
          const place = ids.findIndex(id => !known.has(id));
          return place === -1 ? undefined : invalid(`add[${place}]`, 'conflict', 'is no tag of this tenant');
        }

        async function tagSlice(ids: number[]): Promise<void> {
          const [added, removed] = await database.transact(async tx => {
            await lockCounter(tx, tenantId, 'contacts');
            const pairs = ids.flatMap(contact => add.map(tag => ({ contact, tag })));
            return [await tagContacts(tx, tenantId, pairs), await untagContacts(tx, tenantId, ids, remove)];
          });
          done.added += added!;
          done.removed += removed!;
        }
      },
    ),
  ];
}

interface Pair {
  contact: number;
  tag: number;
}

const specOf = <M extends 'PUT' | 'DELETE'>(method: M, operation: string, summary: string) =>
  ({
    method,
    path,
    operation,
    summary,
    answer: { status: 200, about: 'The contact as it is now.', schema: ContactForm },
    refusals: ['object_not_found', 'conflict'],
  }) satisfies Spec<never, never>;

const specs = {
  PUT: specOf('PUT', 'addContactTag', 'Give a contact a tag'),
  DELETE: specOf('DELETE', 'removeContactTag', 'Take a tag from a contact'),
};
