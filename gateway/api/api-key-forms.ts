/** API keys as the native API takes and tells them. */
import { type Static, Type } from 'typebox';
import { isoTime } from '../platform/clock.ts';
import type { ApiKey } from '../tenants/api-keys.ts';
import { KeyPowersForm } from './key-powers-form.ts';
import { changedLimit, newLimit, toldLimit } from './limit-forms.ts';
import { closed, Name, nullable, Time } from './schemas.ts';

const inherited = "the tenant's, else the installation's";

const members = {
  id: Type.String(),
  name: Type.String(),
  hint: Type.String({ description: 'The last four characters of the key.' }),
  numberId: nullable(
    Type.Integer({ description: 'The only number the key may use; null for all of the tenant.' }),
  ),
  perSecond: toldLimit('second', 'this key', inherited),
  perMinute: toldLimit('minute', 'this key', inherited),
  powers: nullable(KeyPowersForm),
  former: nullable(
    Type.Object(
      { hint: Type.String(), until: Time },
      { description: 'After a rotation: the secret before it, which works until then.' },
    ),
  ),
  createdAt: Time,
  expiresAt: nullable(Time),
  revokedAt: nullable(Time),
};

export const ApiKeyForm = Type.Object(members);

export const ShownApiKey = Type.Object({
  ...members,
  today: nullable(
    Type.Object(
      { messages: Type.Integer(), micros: Type.Integer() },
      { description: 'What a key with a cap per day has used up on this day of UTC; null without a cap.' },
    ),
  ),
});

export const MadeApiKey = Type.Object({ ...members, key: Type.String({ description: 'Shown this once.' }) });

export const NewApiKey = Type.Object(
  {
    name: Name,
    numberId: Type.Optional(Type.Integer({ minimum: 1, description: 'Binds the key to this number.' })),
    expiresAt: Type.Optional(
      Type.String({ description: 'ISO 8601 with an offset; without it the key does not expire.' }),
    ),
    perSecond: Type.Optional(newLimit),
    perMinute: Type.Optional(newLimit),
    powers: Type.Optional(KeyPowersForm),
  },
  closed,
);

export const ApiKeyChange = Type.Partial(
  Type.Object({
    name: Name,
    expiresAt: Type.String({ description: 'ISO 8601 with an offset, or "never".' }),
    perSecond: changedLimit(inherited),
    perMinute: changedLimit(inherited),
    powers: {
      ...KeyPowersForm,
      description: 'In place of all powers it has; {}: everything its tenant may.',
    },
  }),
  closed,
);

export const Rotation = Type.Object(
  {
    overlapSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 90 * 86_400,
        default: 86_400,
        description: 'How long the secret that the key has now works on; 0: it ends at once.',
      }),
    ),
  },
  closed,
);

export const Revoked = Type.Object({ id: Type.String(), revoked: Type.Literal(true) });

const timeOrNull = (ms: number | null) => (ms === null ? null : isoTime(ms));

/** `now`: a former secret whose time is over is not told. */
export function tellApiKey(key: ApiKey, now: number): Static<typeof ApiKeyForm> {
  const { id, name, hint, numberId, perSecond, perMinute, powers, former, createdAt, expiresAt, revokedAt } =
    key;
  return {
    ...{ id, name, hint, numberId, perSecond, perMinute },
    powers: powers ?? null,
    former:
      former === null || former.until <= now || revokedAt !== null
        ? null
        : { hint: former.hint, until: isoTime(former.until) },
    createdAt: isoTime(createdAt),
    expiresAt: timeOrNull(expiresAt),
    revokedAt: timeOrNull(revokedAt),
  };
}
