/** Tags: names for groups of contacts, with the numeric ids that AutoKonnect's door sends to. */
import { type Static, Type } from 'typebox';
import { isRefusal } from '../canonical/refusal.ts';
import { isoTime } from '../platform/clock.ts';
import { storable } from '../platform/database.ts';
import {
  countTagged,
  findTag,
  insertTag,
  listTags,
  removeTagStep,
  renameTag,
  type Tag,
} from '../tenants/tags.ts';
import type { ApiDeps } from './api.ts';
import { heldFor, NewTag, notFound, readId, TagChange, TagForm } from './contact-forms.ts';
import { readCursor, writeCursor } from './message-filter.ts';
import { boundKey } from './person.ts';
import { type Route, tenantRoute } from './route.ts';
import { closed, nullable } from './schemas.ts';

const path = '/api/v1/tags';

const TagPage = Type.Object({ data: Type.Array(TagForm), next: nullable(Type.String()) });

const TagQuery = Type.Partial(
  Type.Object({
    cursor: Type.String({ maxLength: 400, description: '`next` of the page before.' }),
    limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  }),
  closed,
);

const Removed = Type.Object({ id: Type.Integer(), removed: Type.Literal(true) });

export function tagRoutes({ database, now }: ApiDeps): Route[] {
  const tell = async (tenantId: string, { id, name, createdAt }: Tag): Promise<Static<typeof TagForm>> => ({
    ...{ id, name, contacts: await countTagged(database, tenantId, id), createdAt: isoTime(createdAt) },
  });

  return [
    tenantRoute(
      {
        method: 'POST',
        path,
        operation: 'createTag',
        summary: 'Make a tag',
        body: NewTag,
        answer: { status: 201, about: 'The tag.', schema: TagForm },
        refusals: ['field_invalid', 'conflict'],
      },
      async ({ body }, principal) => {
        const refused = boundKey(principal, heldFor);
        if (refused !== undefined) return refused;
        const { tenantId } = principal;
        const fields = { ...body, name: storable(body.name), createdAt: now() };
        const tag = await database.transact(tx => insertTag(tx, tenantId, fields));
        if (tag === undefined) return { code: 'conflict', reason: `There is a tag ${body.id} already.` };
        return {
          status: 201,
          body: await tell(tenantId, tag),
          headers: { location: `${path}/${tag.id}` },
        };
      },
    ),
    tenantRoute(
      {
        method: 'GET',
        path,
        operation: 'listTags',
        summary: 'Tags, by id, with how many contacts carry each',
        query: TagQuery,
        answer: { status: 200, about: 'A page.', schema: TagPage },
        refusals: ['field_invalid', 'conflict'],
      },
      async ({ query }, principal) => {
        const refused = boundKey(principal, heldFor);
        if (refused !== undefined) return refused;
        const after = query.cursor === undefined ? '0' : readCursor(query.cursor);
        if (isRefusal(after)) return after;
        const limit = query.limit ?? 50;
        const found = await listTags(database, principal.tenantId, Number(after) || 0, limit + 1);
        const data = [];
        for (const tag of found.slice(0, limit)) data.push(await tell(principal.tenantId, tag));
        const next = found.length > limit ? writeCursor(String(data.at(-1)!.id)) : null;
        return { status: 200, body: { data, next } };
      },
    ),
    tenantRoute(
      {
        method: 'GET',
        path: `${path}/:tagId`,
        operation: 'getTag',
        summary: 'One tag',
        answer: { status: 200, about: 'The tag.', schema: TagForm },
        refusals: ['object_not_found', 'conflict'],
      },
      async ({ params }, principal) => {
        const id = boundKey(principal, heldFor) ?? readId(params.tagId, 'tag');
        if (isRefusal(id)) return id;
        const tag = await findTag(database, principal.tenantId, id);
        return tag === undefined
          ? notFound('tag', id)
          : { status: 200, body: await tell(principal.tenantId, tag) };
      },
    ),
    tenantRoute(
      {
        method: 'PATCH',
        path: `${path}/:tagId`,
        operation: 'renameTag',
        summary: 'Rename a tag',
        body: TagChange,
        answer: { status: 200, about: 'The tag.', schema: TagForm },
        refusals: ['field_invalid', 'object_not_found', 'conflict'],
      },
      async ({ params, body }, principal) => {
        const id = boundKey(principal, heldFor) ?? readId(params.tagId, 'tag');
        if (isRefusal(id)) return id;
        const { tenantId } = principal;
        const tag = await database.transact(tx => renameTag(tx, tenantId, id, storable(body.name)));
        return tag === undefined ? notFound('tag', id) : { status: 200, body: await tell(tenantId, tag) };
      },
    ),
    tenantRoute(
      {
        method: 'DELETE',
        path: `${path}/:tagId`,
        operation: 'removeTag',
        summary: 'Remove a tag',
        description: 'From all contacts, which stay.',
        answer: { status: 200, about: 'It is gone.', schema: Removed },
        refusals: ['object_not_found', 'conflict'],
      },
      async ({ params }, principal) => {
        const id = boundKey(principal, heldFor) ?? readId(params.tagId, 'tag');
        if (isRefusal(id)) return id;
        for (;;) {
          const step = await database.transact(tx => removeTagStep(tx, principal.tenantId, id));
          if (step === 'removed') return { status: 200, body: { id, removed: true } };
          if (step === 'not there') return notFound('tag', id);
        }
      },
    ),
  ];
}
