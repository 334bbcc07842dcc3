/** The shapes of a broadcast's recipients in the native API. */
import { Type } from 'typebox';
import { closed, nullable, StatusName, Time } from './schemas.ts';

export const RecipientState = Type.Enum(['waiting', 'taken', 'skipped'], {
  description:
    'waiting: its turn has not come. taken: it has a message. skipped: it gets none, for `reason`.',
});

export const LedgerEntryForm = Type.Object({
  phone: nullable(Type.String({ description: 'Digits, with country code; null: the person was erased.' })),
  state: RecipientState,
  reason: nullable(Type.String({ description: 'Why it gets no message, or why its message failed.' })),
  status: nullable({ ...StatusName, description: 'Of its message.' } as typeof StatusName),
  code: nullable(Type.Integer({ description: "Meta's, of a message that failed." })),
  title: nullable(Type.String({ description: "Of Meta's code." })),
  messageId: nullable(Type.String()),
  wamid: nullable(Type.String()),
  dueAt: nullable(Time),
  acceptedAt: nullable(Time),
  sentAt: nullable(Time),
  deliveredAt: nullable(Time),
  readAt: nullable(Time),
  endedAt: nullable(Time),
  contactId: nullable(Type.Integer()),
  variables: Type.Record(Type.String(), Type.String()),
});

export const RecipientPage = Type.Object({
  data: Type.Array(LedgerEntryForm),
  next: nullable(Type.String()),
});

export const AddedFileForm = Type.Object(
  {
    id: Type.String({ description: 'Of the broadcast.' }),
    rows: Type.Integer(),
    made: Type.Integer({ description: 'People who were not there before.' }),
    skipped: Type.Integer({
      description: 'Of these, who will get no message: the content names a variable that nothing says.',
    }),
    already: Type.Integer({ description: 'People who were there before, or in an earlier row.' }),
    excluded: Type.Integer({ description: 'People whom the audience leaves out.' }),
    failed: Type.Integer({ description: 'Rows that were not taken.' }),
    errors: Type.Array(
      Type.Object({
        line: Type.Integer({ description: 'In which the row begins; the first of the file is 1.' }),
        field: Type.String({ description: 'Empty when it is the whole row.' }),
        message: Type.String(),
      }),
      { description: 'Of rows that were not taken; the first thousand.' },
    ),
  },
  closed,
);
