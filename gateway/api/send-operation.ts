/**
 * The send door as the OpenAPI document tells it. The door itself reads with dialects/native, in the canonical limits' own
 * sentences; a test sends what this describes and sees that it is taken.
 */
import { Type } from 'typebox';
import { contentTypes } from '../canonical/content.ts';
import type { RefusalCode } from '../canonical/refusal.ts';
import { ContentTypeName, closed, MetaObject, nullable, RecipientForm, StatusName } from './schemas.ts';

const contents = Object.fromEntries(
  contentTypes.map(type => [
    type,
    Type.Optional(
      type === 'contacts'
        ? Type.Array(MetaObject, { description: "With type contacts, as Meta's Cloud API documents it." })
        : Type.Object(
            {},
            {
              additionalProperties: true,
              description: `With type ${type}, as Meta's Cloud API documents it.`,
            },
          ),
    ),
  ]),
);

/** Members of Meta's that go beside the content. */
const beside = {
  context: Type.Optional(Type.Object({ message_id: Type.String() }, { additionalProperties: true })),
  recipient_identity_key_hash: Type.Optional(Type.String()),
  category: Type.Optional(Type.String()),
  direct_send_config: Type.Optional(MetaObject),
  product_policy: Type.Optional(Type.String()),
  message_activity_sharing: Type.Optional(Type.Boolean()),
};

export const SendForm = Type.Object(
  {
    to: RecipientForm,
    type: ContentTypeName,
    ...contents,
    ...beside,
    number: Type.Optional(
      Type.String({ description: "Which of the tenant's numbers sends; without it the only or first one." }),
    ),
    callbackData: Type.Optional(
      Type.String({ maxLength: 1024, description: 'Given back with the message; never shown to Meta.' }),
    ),
    campaign: Type.Optional(Type.String({ maxLength: 256 })),
    sendAt: Type.Optional(Type.String({ description: 'ISO 8601 with an offset. The answer is 202.' })),
    ttlSeconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 2_592_000, description: 'How long it may wait to be sent.' }),
    ),
    fake: Type.Optional(Type.Boolean({ description: 'Everything but the call to Meta.' })),
    endpoint: Type.Optional(Type.Enum(['messages', 'marketing_messages'])),
    window: Type.Optional(
      Type.Object(
        { fallback: Type.Object({ template: MetaObject }, closed) },
        {
          ...closed,
          description:
            'The template to send instead when the recipient has not written within 24 hours. Not with type template or sendAt.',
        },
      ),
    ),
  },
  closed,
);

const told = {
  id: Type.String(),
  status: StatusName,
  to: RecipientForm,
  window: Type.Optional(
    Type.Object(
      {
        open: Type.Boolean(),
        closesAt: nullable(
          Type.String({
            format: 'date-time',
            description: 'Until when it is, or was, open; null when the recipient never wrote to the number.',
          }),
        ),
        sent: Type.Enum(['content', 'fallback']),
        reason: Type.Optional(Type.String({ description: 'With fallback: why it was sent instead.' })),
      },
      { description: "The recipient's 24-hour window, where it was looked at." },
    ),
  ),
};

const codes: RefusalCode[] = [
  ...(['credential_missing', 'credential_malformed', 'credential_invalid', 'credential_unchecked'] as const),
  ...([
    'body_unreadable',
    'body_too_large',
    'media_type_unsupported',
    'field_invalid',
    'recipient_missing',
  ] as const),
  ...(['number_not_found', 'number_forbidden', 'number_disconnected'] as const),
  ...(['rate_limited', 'balance_insufficient', 'window_closed', 'recipient_opted_out'] as const),
  ...(['idempotency_mismatch', 'power_missing'] as const),
  ...(['meta_rejected', 'message_ended', 'answer_pending', 'overloaded'] as const),
];

export const sendOperation = {
  operationId: 'sendMessage',
  summary: 'Send one message',
  description:
    "The content is Meta's own (`type` and the member it names). Answers with Meta's id once Meta took the message; with " +
    '`Prefer: respond-async` or `sendAt` as soon as it is committed.',
  tags: ['native'],
  security: [{ tenant: [] }],
  requestBody: {
    required: true,
    content: {
      'application/json': {
        schema: SendForm,
        example: { to: '+1 650 555 1234', type: 'text', text: { body: 'Hello' } },
      },
    },
  },
  responses: {
    200: {
      description: 'Meta took it.',
      content: { 'application/json': { schema: Type.Object({ ...told, wamid: nullable(Type.String()) }) } },
    },
    202: {
      description: 'It is committed; `Location` is where to follow it.',
      content: { 'application/json': { schema: Type.Object(told) } },
    },
  },
  codes,
};

const Previewed = Type.Object(
  {
    preview: Type.Literal(true),
    dialect: Type.String(),
    door: Type.String(),
    wouldSend: Type.Boolean(),
    number: Type.Object({ id: Type.Integer(), displayNumber: Type.String(), perSecond: Type.Integer() }),
    recipients: Type.Integer(),
    messages: Type.Array(
      Type.Object({
        recipient: Type.String(),
        type: Type.String(),
        status: Type.String(),
        reason: nullable(Type.String()),
        dueAt: Type.String(),
        windowClosesAt: nullable(Type.String()),
        toMeta: Type.Object({}, { additionalProperties: true, description: 'What Meta would receive.' }),
      }),
      { description: 'At most the first 20.' },
    ),
    refusal: nullable(
      Type.Object({}, { additionalProperties: true, description: 'What stands against it now.' }),
    ),
    repeats: nullable(
      Type.Array(Type.String(), { description: 'Messages sent under this Idempotency-Key.' }),
    ),
    cost: nullable(
      Type.Object({
        feeMicros: Type.Integer(),
        priceMicros: Type.Integer(),
        category: Type.String(),
        markets: Type.Array(Type.String()),
      }),
    ),
    limits: Type.Object({
      perSecond: Type.Integer(),
      perMinute: Type.Integer(),
      remainingSecond: Type.Integer(),
      remainingMinute: Type.Integer(),
    }),
  },
  { description: 'What a send would come to.' },
);

export const previewOperation: typeof sendOperation = {
  ...sendOperation,
  operationId: 'previewMessage',
  summary: 'What sending this would come to, without sending it',
  description:
    'The whole way of a send: what would be sent, from which number, window, price, limits, template errors. Nothing is kept and no limit ' +
    "is used. Every other send door, of every vendor's API, does the same with `?preview=true`.",
  responses: {
    ...sendOperation.responses,
    200: {
      description: 'What it would come to.',
      content: { 'application/json': { schema: Previewed as never } },
    },
  },
};
