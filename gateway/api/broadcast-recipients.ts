/** The recipients of a broadcast: a file of them into a draft, and the ledger by page and as a file. */
import { Type } from 'typebox';
import type { BroadcastKey } from '../broadcasts/broadcast.ts';
import { exportLedger } from '../broadcasts/export.ts';
import { readLedger } from '../broadcasts/ledger.ts';
import { addFile, noDraft } from '../broadcasts/recipient-file.ts';
import { tellRecipient } from '../broadcasts/tell-recipient.ts';
import { invalid, isRefusal, type Refusal } from '../canonical/refusal.ts';
import { fileFormats } from '../contacts/file-rows.ts';
import type { ApiDeps } from './api.ts';
import { seenBroadcast } from './broadcast-access.ts';
import { readCountry } from './contact-forms.ts';
import { AddedFileForm, RecipientPage, RecipientState } from './recipient-forms.ts';
import { type Route, type Streaming, tenantRoute } from './route.ts';
import { closed, StatusName } from './schemas.ts';
import { textStream } from './text-stream.ts';
import { askedFormat, csvType, formatOf, jsonTypes, typeOf, type Uploads } from './uploads.ts';

const path = '/api/v1/broadcasts/:broadcastId/recipients';

const AddQuery = Type.Partial(
  Type.Object({
    country: Type.String({ maxLength: 10, description: 'Of national numbers: two letters, such as TR.' }),
  }),
  closed,
);

const filterQuery = {
  state: RecipientState,
  status: { ...StatusName, description: 'Of the message.' } as typeof StatusName,
};

const ListQuery = Type.Partial(
  Type.Object({
    ...filterQuery,
    cursor: Type.String({ maxLength: 400, description: '`next` of the page before.' }),
    limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }),
  }),
  closed,
);

const ExportQuery = Type.Partial(
  Type.Object({ ...filterQuery, format: Type.Enum([...fileFormats], { default: 'csv' }) }),
  closed,
);

export function broadcastRecipientRoutes({ database, now, log }: ApiDeps, uploads: Uploads): Route[] {
  return [
    tenantRoute(
      {
        method: 'POST',
        path,
        operation: 'addRecipients',
        summary: 'Add a file of people to a draft',
        description:
          'CSV with a heading: `phone` and one column for each variable; or JSON Lines: `{"phone": …, "variables": {…}}`, or the variables ' +
          'beside the phone. UTF-8, of any length (docs/broadcasts.md). It is safe to send a file again: nobody is added twice. A row that ' +
          'is wrong is told by its line and costs no other.',
        query: AddQuery,
        upload: [csvType, ...jsonTypes],
        answer: { status: 200, about: 'What became of the file.', schema: AddedFileForm },
        refusals: [
          ...(['field_invalid', 'object_not_found', 'conflict'] as const),
          ...(['media_type_unsupported', 'body_unreadable', 'overloaded'] as const),
        ],
      },
      async ({ params, query, headers, upload }, principal) => {
        const broadcast = await seenBroadcast(database, principal, params.broadcastId!);
        if (isRefusal(broadcast)) return broadcast;
        if (broadcast.state !== 'draft') return noDraft(broadcast.state);
        const reading = await readCountry(query.country);
        if (isRefusal(reading)) return reading;
        const { tenantId, id: broadcastId } = broadcast;
        const key = { tenantId, broadcastId };
        const options = { format: formatOf(headers), ...reading };
        const done = await uploads.read(
          upload,
          { tenant: tenantId, broadcast: broadcastId },
          (source, isStopping) => addFile({ database, now, isStopping }, key, options, source),
        );
        return isRefusal(done) ? done : { status: 200, body: { id: broadcastId, ...done } };
      },
    ),
    tenantRoute(
      {
        method: 'GET',
        path,
        operation: 'listRecipients',
        summary: 'The ledger: who gets it, and how the message stands',
        description:
          'A page looks at a bounded number of rows: it may hold fewer than `limit`, or nobody, as long as `next` is not null.',
        query: ListQuery,
        answer: { status: 200, about: 'A page of recipients.', schema: RecipientPage },
        refusals: ['field_invalid', 'object_not_found'],
      },
      async ({ params, query }, principal) => {
        const broadcast = await seenBroadcast(database, principal, params.broadcastId!);
        if (isRefusal(broadcast)) return broadcast;
        const { cursor, limit = 100, ...filter } = query;
        const kind = filter.status === undefined ? 'person' : 'message';
        const after = cursor === undefined ? '' : readCursor(cursor, kind);
        if (isRefusal(after)) return after;
        const page = await readLedger(database, keyOf(broadcast), filter, after, limit);
        const next = page.next === undefined ? null : writeCursor(page.next, kind);
        return { status: 200, body: { data: page.entries.map(tellRecipient), next } };
      },
    ),
    tenantRoute(
      {
        method: 'GET',
        path: `${path}/export`,
        operation: 'exportRecipients',
        summary: 'The ledger as a file',
        description:
          'CSV, or JSON Lines with `format=ndjson`; all of it, or what the filter finds. Its columns `phone` and `variables` can be added to ' +
          'another draft as they are.',
        query: ExportQuery,
        answer: { status: 200, about: 'The file.', schema: Type.String(), mediaType: csvType },
        refusals: ['field_invalid', 'object_not_found'],
      },
      async ({ params, query, headers }, principal): Promise<Streaming | Refusal> => {
        const broadcast = await seenBroadcast(database, principal, params.broadcastId!);
        if (isRefusal(broadcast)) return broadcast;
        const { format: asked, ...filter } = query;
        const format = askedFormat(asked, headers);
        return textStream(typeOf(format), exportLedger(database, keyOf(broadcast), filter, format), log);
      },
    ),
  ];
}

const keyOf = ({ tenantId, id }: { tenantId: string; id: string }): BroadcastKey => ({
  tenantId,
  broadcastId: id,
});

/** Pages with a status go by messages, others by people: where one ended says nothing to the other. */
const marks = {
  person: { mark: 'p:', form: /^[\w:]{1,80}$/ },
  message: { mark: 'm:', form: /^\d{1,15}\.\w{1,64}$/ },
};

const writeCursor = (place: string, kind: keyof typeof marks): string =>
  Buffer.from(marks[kind].mark + place).toString('base64url');

function readCursor(cursor: string, kind: keyof typeof marks): string | Refusal {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const { mark, form } = marks[kind];
  const place = text.slice(mark.length);
  return text.startsWith(mark) && form.test(place)
    ? place
    : invalid('cursor', 'format', 'must be the `next` of an earlier page of the same filter');
}
