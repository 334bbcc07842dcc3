/** A message as the native API tells it. */
import { Type } from 'typebox';
import type { JsonObject } from '../canonical/json.ts';
import { writeRecipient } from '../dialects/native/recipient.ts';
import type { StoredError, StoredMessage, Try } from '../messages/lookup.ts';
import { timeline } from '../messages/timeline.ts';
import { errorTable } from '../meta/error-table.ts';
import { isoTime } from '../platform/clock.ts';
import {
  ContentTypeName,
  DialectName,
  MetaObject,
  nullable,
  RecipientForm,
  StatusName,
  Time,
} from './schemas.ts';

const ErrorForm = Type.Object(
  {
    reason: Type.String(),
    action: nullable(Type.String({ description: 'What a person can do about it.' })),
    meta: nullable(
      Type.Object({
        code: Type.Integer(),
        subcode: nullable(Type.Integer()),
        title: Type.String(),
        details: nullable(Type.String()),
        httpStatus: Type.Integer(),
        body: MetaObject,
      }),
    ),
  },
  { description: "Why it is where it is, with Meta's own error where Meta said no." },
);

const summary = {
  id: Type.String(),
  status: StatusName,
  number: Type.Integer(),
  to: nullable(RecipientForm),
  waId: nullable(Type.String({ description: "The recipient's WhatsApp id as Meta resolved it." })),
  wamid: nullable(Type.String()),
  type: ContentTypeName,
  dialect: DialectName,
  endpoint: Type.Enum(['messages', 'marketing_messages']),
  campaign: nullable(Type.String()),
  callbackData: nullable(Type.String({ description: "The caller's own value, as it was given." })),
  fake: Type.Boolean(),
  tries: Type.Integer(),
  error: nullable(ErrorForm),
  createdAt: Time,
  dueAt: Time,
  expiresAt: Time,
};

export const MessageSummary = Type.Object(summary);

const Moment = Type.Object({ status: Type.String(), at: Time, reason: Type.Optional(Type.String()) });

export const MessageForm = Type.Object({
  ...summary,
  content: nullable(
    Type.Object(
      {},
      {
        additionalProperties: true,
        description: 'What Meta receives, without our own id in it; null when it is no longer kept.',
      },
    ),
  ),
  contentState: Type.Enum(['kept', 'expired', 'erased'], {
    description:
      'expired: older than WAGATE_KEEP_BODIES_DAYS. erased: with everything else that named the recipient.',
  }),
  timeline: Type.Array(Moment, { description: 'What happened, in the order of the life of a message.' }),
});

export const MessagePage = Type.Object({
  data: Type.Array(MessageSummary),
  next: nullable(Type.String({ description: 'Give it as `cursor` to read on; null at the end.' })),
});

export function tellSummary(message: StoredMessage) {
  return {
    id: message.id,
    status: message.status,
    number: message.numberId,
    to: toOf(message),
    waId: message.waId,
    wamid: message.wamid,
    type: message.type,
    dialect: message.dialect,
    endpoint: message.endpoint,
    campaign: message.campaign,
    callbackData: message.callbackData,
    fake: message.fake,
    tries: message.tries,
    error: message.error && tellError(message.error),
    createdAt: isoTime(message.createdAt),
    dueAt: isoTime(message.dueAt),
    expiresAt: isoTime(message.expiresAt),
  };
}

export function tellMessage(message: StoredMessage, tries: Try[]) {
  // Ours travels in it (decision 2); the caller's own value is callbackData.
  const { biz_opaque_callback_data: _ours, ...content } = message.body ?? {};
  const moments = timeline(message, tries).map(({ at, ...moment }) => ({ ...moment, at: isoTime(at) }));
  return {
    ...tellSummary(message),
    content: message.body && (content as JsonObject),
    contentState: contentStateOf(message),
    timeline: moments,
  };
}

function contentStateOf({ recipientKind, body }: StoredMessage): 'kept' | 'expired' | 'erased' {
  if (recipientKind === 'erased') return 'erased';
  return body === null ? 'expired' : 'kept';
}

function toOf({ recipientKind, recipient, body }: StoredMessage) {
  switch (recipientKind) {
    case 'user':
      return writeRecipient({ kind: 'user', id: recipient });
    case 'group':
      return writeRecipient({ kind: 'group', id: recipient });
    case 'erased':
      return null;
    default:
      return typeof body?.to === 'string' ? body.to : recipient;
  }
}

function tellError({ reason, meta }: StoredError) {
  if (meta === null) return { reason, action: null, meta };
  const { code, subcode, title, details, httpStatus, body } = meta;
  const action = errorTable[code]?.action ?? "Look the code up in Meta's list of error codes.";
  return { reason, action, meta: { code, subcode, title, details, httpStatus, body } };
}
