/** Files of contacts, in and out; both are read and written as they come, whatever their length. */
import { Type } from 'typebox';
import { newId } from '../canonical/ids.ts';
import { invalid, isRefusal, type Refusal } from '../canonical/refusal.ts';
import { exportContacts } from '../contacts/export.ts';
import { fileFormats } from '../contacts/file-rows.ts';
import { type ImportOptions, importContacts } from '../contacts/import.ts';
import { isoTime } from '../platform/clock.ts';
import { type ContactImport, findImport, listImportErrors } from '../tenants/contact-imports.ts';
import { existingTags } from '../tenants/tags.ts';
import type { ApiDeps } from './api.ts';
import {
  ContactImportForm,
  filterQuery,
  heldFor,
  notFound,
  readContactFilter,
  readCountry,
} from './contact-forms.ts';
import { boundKey } from './person.ts';
import { type Route, type Streaming, tenantRoute } from './route.ts';
import { closed } from './schemas.ts';
import { textStream } from './text-stream.ts';
import { askedFormat, csvType, formatOf, jsonTypes, typeOf, type Uploads } from './uploads.ts';

const path = '/api/v1/contacts/import';

const ImportQuery = Type.Partial(
  Type.Object({
    id: Type.String({
      pattern: '^[\\w.-]{1,64}$',
      'x-rule': 'must be 1 to 64 letters, digits, dots, hyphens and underscores',
      description:
        'Of your own: the same file sent again under it goes on behind what is committed. Without it a new import begins.',
    }),
    tags: Type.String({ maxLength: 1_000, description: 'Ids of tags for every contact of the file: 1,2' }),
    country: Type.String({ maxLength: 10, description: 'Of national numbers: two letters, such as TR.' }),
    onDuplicate: Type.Enum(['update', 'skip'], {
      default: 'update',
      description:
        'What becomes of a contact that is there already. update: what the row says. skip: nothing, its tags too.',
    }),
  }),
  closed,
);

const ExportQuery = Type.Partial(
  Type.Object({ ...filterQuery, format: Type.Enum([...fileFormats], { default: 'csv' }) }),
  closed,
);

const errorsTold = 1_000;

export function contactImportRoutes({ database, now, log }: ApiDeps, uploads: Uploads): Route[] {
  async function tell(tenantId: string, one: ContactImport & { repeated?: boolean }) {
    const { id, rowsRead, lastLine, counts, startedAt, updatedAt, finishedAt } = one;
    return {
      ...{ id, status: finishedAt === null ? 'open' : 'done', repeated: one.repeated ?? false },
      ...{ rows: rowsRead, lastLine, counts },
      errors: await listImportErrors(database, tenantId, id, 0, errorsTold),
      ...{ startedAt: isoTime(startedAt), updatedAt: isoTime(updatedAt) },
      finishedAt: finishedAt === null ? null : isoTime(finishedAt),
    };
  }

  async function tagsOf(tenantId: string, text: string | undefined): Promise<number[] | Refusal> {
    const parts = (text ?? '').split(',').filter(part => part.trim() !== '');
    const ids = parts.map(Number);
    const known = await existingTags(database, tenantId, ids.filter(Number.isSafeInteger));
    const unknown = parts.find((_, i) => !known.has(ids[i]!));
    return unknown === undefined
      ? [...new Set(ids)].sort((a, b) => a - b)
      : invalid('tags', 'conflict', `names a tag that there is not: ${unknown.slice(0, 60)}`);
  }

  return [
    tenantRoute(
      {
        method: 'POST',
        path,
        operation: 'importContacts',
        summary: 'Import a file of contacts',
        description:
          'CSV with a heading, or JSON Lines; UTF-8, of any length (docs/contacts.md). A row that is wrong is told by its line and costs no ' +
          'other. 200 when the whole file is committed.',
        query: ImportQuery,
        upload: [csvType, ...jsonTypes],
        answer: { status: 200, about: 'What became of the file.', schema: ContactImportForm },
        refusals: ['field_invalid', 'conflict', 'media_type_unsupported', 'body_unreadable', 'overloaded'],
      },
      async ({ query, headers, upload }, principal) => {
        const refused = boundKey(principal, heldFor);
        if (refused !== undefined) return refused;
        const { tenantId, keyId } = principal;
        const reading = await readCountry(query.country);
        if (isRefusal(reading)) return reading;
        const tags = await tagsOf(tenantId, query.tags);
        if (isRefusal(tags)) return tags;
        const options: ImportOptions = {
          format: formatOf(headers),
          ...{ country: reading.country ?? null, tags, onDuplicate: query.onDuplicate ?? 'update' },
        };
        const request = { tenantId, id: query.id ?? newId(), requestedBy: keyId, options };
        const done = await uploads.read(
          upload,
          { tenant: tenantId, import: request.id },
          (source, isStopping) => importContacts({ database, now, isStopping }, request, source),
        );
        if (isRefusal(done)) return done;
        log.info({ tenant: tenantId, import: done.id, ...done.counts }, 'contacts imported');
        return { status: 200, body: await tell(tenantId, done) };
      },
    ),
    tenantRoute(
      {
        method: 'GET',
        path: `${path}/:importId`,
        operation: 'getContactImport',
        summary: 'How far an import is',
        answer: { status: 200, about: 'The import.', schema: ContactImportForm },
        refusals: ['object_not_found', 'conflict'],
      },
      async ({ params }, principal) => {
        const found = boundKey(principal, heldFor) ?? (await importAt(principal.tenantId, params.importId));
        return isRefusal(found) ? found : { status: 200, body: await tell(principal.tenantId, found) };
      },
    ),
    tenantRoute(
      {
        method: 'GET',
        path: `${path}/:importId/errors`,
        operation: 'listContactImportErrors',
        summary: 'What was wrong with the rows of an import, as JSON Lines',
        description: '`{line, field, message}` by line; the first 100,000 are kept, for 30 days.',
        answer: { status: 200, about: 'One object a line.', schema: Type.String(), mediaType: jsonTypes[0] },
        refusals: ['object_not_found', 'conflict'],
      },
      async ({ params }, principal) => {
        const found = boundKey(principal, heldFor) ?? (await importAt(principal.tenantId, params.importId));
        return isRefusal(found)
          ? found
          : textStream(jsonTypes[0], errorLines(principal.tenantId, found.id), log);
      },
    ),
    tenantRoute(
      {
        method: 'GET',
        path: '/api/v1/contacts/export',
        operation: 'exportContacts',
        summary: 'Contacts as a file that can be imported',
        description: 'CSV, or JSON Lines with `format=ndjson`; all contacts, or those that the filter finds.',
        query: ExportQuery,
        answer: { status: 200, about: 'The file.', schema: Type.String(), mediaType: csvType },
        refusals: ['field_invalid', 'conflict'],
      },
      async ({ query, headers }, principal): Promise<Streaming | Refusal> => {
        const filter = boundKey(principal, heldFor) ?? readContactFilter(query);
        if (isRefusal(filter)) return filter;
        const format = askedFormat(query.format, headers);
        const parts = exportContacts(database, principal.tenantId, filter, format);
        return textStream(typeOf(format), parts, log);
      },
    ),
  ];

  async function importAt(tenantId: string, id = ''): Promise<ContactImport | Refusal> {
    const found = /^[\w.-]{1,64}$/.test(id) ? await findImport(database, tenantId, id) : undefined;
    return found ?? notFound('import', id);
  }

  async function* errorLines(tenantId: string, id: string): AsyncGenerator<string> {
    for (let after = 0; ; ) {
      const errors = await listImportErrors(database, tenantId, id, after, errorsTold);
      if (errors.length === 0) return;
      yield errors.map(error => `${JSON.stringify(error)}\n`).join('');
      after = errors.at(-1)!.line;
    }
  }
}
