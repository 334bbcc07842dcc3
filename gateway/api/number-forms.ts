/** The shapes of numbers, in and out. */
import { Type } from 'typebox';
import { closed, nullable, Time } from './schemas.ts';

const WindowPolicy = Type.Enum(['check', 'meta'], {
  description:
    'check: free-form messages outside the 24-hour window are refused here. meta: they are sent, and Meta decides.',
});

const members = {
  id: Type.Integer({ description: "The gateway's own id; AutoKonnect calls it the WABA channel id." }),
  tenantId: Type.String(),
  phoneNumberId: Type.String(),
  wabaId: Type.String(),
  displayNumber: Type.String(),
  verifiedName: Type.String(),
  status: Type.Enum(['connected', 'disconnected']),
  reason: nullable(Type.String({ description: 'Why it is disconnected.' })),
  perSecond: Type.Integer({ description: 'Messages per second that Meta takes from it.' }),
  quality: nullable(
    Type.String({ description: "Meta's rating: GREEN, YELLOW, RED or UNKNOWN; null before it is told." }),
  ),
  messagingLimit: nullable(
    Type.String({
      description:
        'How many people it may write to in 24 hours outside of windows, in the words of Meta: TIER_2K, TIER_UNLIMITED, …; null before it is told.',
    }),
  ),
  windowPolicy: WindowPolicy,
  listeningSince: nullable(
    Type.String({
      format: 'date-time',
      description:
        "When Meta's first webhook about messages came; windows are checked from 24 hours after it.",
    }),
  ),
  createdAt: Time,
  updatedAt: Time,
};

export const NumberForm = Type.Object(members);

export const NumberConnected = Type.Object({
  ...members,
  templates: nullable(Type.Integer({ description: 'How many templates were pulled.' })),
  warnings: Type.Array(Type.String()),
  verifyToken: Type.Optional(
    Type.String({ description: 'For the webhook settings of the Meta app; shown this once.' }),
  ),
});

/** It becomes part of a path at Meta. */
const MetaId = Type.String({
  maxLength: 40,
  pattern: '^[0-9]+$',
  'x-rule': 'must be the digits of a Meta id, in a string',
});

/** It travels in a header or in a query at Meta. */
const Secret = Type.String({
  maxLength: 4096,
  pattern: '^[\\x21-\\x7e]+$',
  'x-rule': 'must be printable characters without spaces, and not empty',
});

const secrets = {
  accessToken: Secret,
  appSecret: Secret,
  verifyToken: Secret,
};

const PerSecond = Type.Integer({
  minimum: 1,
  maximum: 10_000,
  description:
    "Overrides Meta's throughput level; a number that is also used in the WhatsApp Business app may send 20.",
});

export const NewNumber = Type.Object(
  {
    phoneNumberId: MetaId,
    wabaId: MetaId,
    ...secrets,
    verifyToken: Type.Optional(Secret),
    perSecond: Type.Optional(PerSecond),
    windowPolicy: Type.Optional(WindowPolicy),
  },
  closed,
);

export const NumberChange = Type.Partial(
  Type.Object({ ...secrets, perSecond: PerSecond, windowPolicy: WindowPolicy }),
  closed,
);

export const TemplatesPulled = Type.Object({ templates: Type.Integer() });
