/** The shapes that the native API takes and gives; each is checked against and told in the OpenAPI document. */
import { type TSchema, Type } from 'typebox';
import { contentTypes } from '../canonical/content.ts';
import { messageStatuses } from '../canonical/status.ts';

/** A member that is there and may be null. */
export const nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

export const closed = { additionalProperties: false } as const;

export const Time = Type.String({ format: 'date-time', description: 'ISO 8601, UTC.' });

export const Name = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '\\S',
  'x-rule': 'must not be blank',
});

export const DialectName = Type.Enum(['cloud', 'connexease', 'connectly', 'autokonnect', 'native'], {
  description: 'The API the message came through.',
});

export const ContentTypeName = Type.Enum([...contentTypes]);

export const StatusName = Type.Enum([...messageStatuses]);

/** Any JSON object, members as Meta documents them. */
export const MetaObject = Type.Object({}, { additionalProperties: true });

export const RecipientForm = Type.Union(
  [
    Type.String({ description: 'A phone number with its country code, in any punctuation.' }),
    Type.Object({ user: Type.String({ description: 'A business-scoped user id.' }) }, closed),
    Type.Object({ group: Type.String({ description: 'A group id.' }) }, closed),
  ],
  { description: 'Whom the message goes to.' },
);

export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String({ description: 'For programs: one of the codes of docs/errors.md.' }),
    errors: Type.Optional(
      Type.Array(Type.Object({ field: Type.String(), rule: Type.String(), message: Type.String() }), {
        description: 'With field_invalid: everything that is wrong.',
      }),
    ),
    messageId: Type.Optional(Type.String()),
    messageStatus: Type.Optional(Type.String()),
    meta: Type.Optional(MetaObject),
    window: Type.Optional(Type.String({ description: 'With rate_limited: sec or min.' })),
    limit: Type.Optional(Type.Integer({ description: 'With rate_limited: requests in that window.' })),
    retryAfterMs: Type.Optional(Type.Integer({ description: 'With rate_limited: until there is room.' })),
    neededMicros: Type.Optional(Type.Integer({ description: 'With balance_insufficient.' })),
    availableMicros: Type.Optional(Type.Integer({ description: 'With balance_insufficient.' })),
    recipient: Type.Optional(Type.String({ description: 'With window_closed, recipient_opted_out.' })),
    closedAt: Type.Optional(
      nullable(Type.String({ description: 'With window_closed; null when the recipient never wrote.' })),
    ),
    idempotencyKey: Type.Optional(Type.String({ description: 'With idempotency_mismatch.' })),
  },
  { description: 'Problem details, RFC 9457.' },
);

export const listOf = <S extends TSchema>(schema: S) => Type.Object({ data: Type.Array(schema) });
