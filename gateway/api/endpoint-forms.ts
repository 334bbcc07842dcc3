/** Endpoints as the native API takes and tells them. No form but two answers has a place for a secret. */
import { type Static, Type } from 'typebox';
import { eventTypes, isEventPattern } from '../canonical/event.ts';
import { type Issue, invalid, type Refusal } from '../canonical/refusal.ts';
import { isoTime } from '../platform/clock.ts';
import { type Endpoint, endpointFormats } from '../tenants/endpoints.ts';
import { liveSecrets, liveSecretsMax } from '../webhooks/secrets.ts';
import { closed, nullable, Time } from './schemas.ts';

export const Format = Type.Enum([...endpointFormats], {
  description:
    "standard: our events, signed per Standard Webhooks. meta: Meta's own payload. connectly: Connectly's.",
});

const Pattern = Type.String({ maxLength: 60, description: '`message.failed`, `message.*` or `*`.' });

const settings = {
  url: Type.String({
    minLength: 1,
    description: 'https://…; a private address only where the operator allows it.',
  }),
  events: Type.Array(Pattern, { minItems: 1, maxItems: 50, description: 'What is posted there.' }),
  description: Type.String({ maxLength: 200 }),
  ordered: Type.Boolean({
    description: 'Events of one conversation one after the other; what fails holds up what follows it.',
  }),
  batchMax: Type.Integer({
    minimum: 1,
    maximum: 1_000,
    description: 'Events in one POST at most, in formats that have room for several.',
  }),
  headers: Type.Record(Type.String(), Type.String(), {
    description: 'Sent with every POST; never told again.',
  }),
  signsWith: Type.Enum(['endpoint', 'app'], {
    description:
      "Of format meta: the endpoint's own secret, or the app secret of the number, as Meta itself signs.",
  }),
};

const perSecond = Type.Integer({ minimum: 1, maximum: 10_000, description: 'Events per second at most.' });

export const NewEndpointForm = Type.Object(
  {
    url: settings.url,
    format: Format,
    ...Type.Partial(
      Type.Object({
        events: { ...settings.events, description: 'What is posted there; everything by default.' },
        numberId: Type.Integer({ minimum: 1, description: 'Only events of this number; by default of all.' }),
        description: settings.description,
        ordered: { ...settings.ordered, default: true },
        batchMax: { ...settings.batchMax, default: 1 },
        perSecond,
        headers: settings.headers,
        signsWith: { ...settings.signsWith, default: 'endpoint' },
        secret: Type.String({
          maxLength: 200,
          description:
            'One of your own. standard: whsec_ and base64 of 24 to 64 bytes; else 16 to 200 characters.',
        }),
      }),
    ).properties,
  },
  closed,
);

export const EndpointChange = Type.Partial(
  Type.Object({
    ...settings,
    perSecond: Type.Unsafe<number | 'unlimited'>({
      type: ['integer', 'string'],
      minimum: 1,
      maximum: 10_000,
      pattern: '^unlimited$',
      'x-rule': 'must be a whole number or "unlimited"',
      description: 'Events per second at most, or "unlimited".',
    }),
  }),
  closed,
);

const members = {
  id: Type.String(),
  url: nullable(Type.String({ description: 'null: a listener (`wagate listen`).' })),
  format: Format,
  events: Type.Array(Pattern),
  numberId: nullable(Type.Integer({ description: "null: of all the tenant's numbers." })),
  description: Type.String(),
  ordered: Type.Boolean(),
  batchMax: Type.Integer(),
  perSecond: nullable(Type.Integer({ description: 'null: as fast as it answers.' })),
  headerNames: Type.Array(Type.String()),
  signsWith: settings.signsWith,
  door: Type.Enum(['native', 'connectly', 'connexease', 'cloud', 'listen'], {
    description: 'The API it was made through.',
  }),
  status: Type.Enum(['active', 'paused', 'disabled'], {
    description: 'Of what is not active everything is kept, and nothing posted.',
  }),
  statusReason: nullable(Type.String()),
  statusSince: Time,
  secrets: Type.Array(Type.Object({ hint: Type.String(), until: nullable(Time) }), {
    description: 'The last four characters of each that signs, newest first.',
  }),
  createdAt: Time,
  updatedAt: Time,
};

export const EndpointForm = Type.Object(members);

export const MadeEndpoint = Type.Object({
  ...members,
  secret: nullable(Type.String({ description: 'Shown this once; null where the app secret signs.' })),
});

export const ShownEndpoint = Type.Object({
  ...members,
  failures: Type.Integer({ description: 'Posts that failed in a row.' }),
  failingSince: nullable(Time),
  restsUntil: nullable(Type.String({ description: 'Until then nothing but one trial is posted.' })),
  pending: Type.Integer({ description: 'Events that wait; counted up to 10001.' }),
  oldestPendingAt: nullable(Time),
  givenUp: Type.Integer({ description: 'Events given up after their last try; counted up to 10001.' }),
});

export const SecretRotation = Type.Object(
  {
    overlapSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 7 * 86_400,
        default: 86_400,
        description: `How long the secret that it has now signs too; 0: it ends at once. At most ${liveSecretsMax} at a time.`,
      }),
    ),
    secret: NewEndpointForm.properties.secret,
  },
  closed,
);

export const Enabling = Type.Object(
  {
    pending: Type.Optional(
      Type.Enum(['deliver', 'skip'], {
        default: 'deliver',
        description: 'What becomes of the events that wait; those skipped can be replayed.',
      }),
    ),
  },
  closed,
);

export const Removed = Type.Object({ id: Type.String(), removed: Type.Literal(true) });

export function checkPatterns(patterns: string[]): Refusal | undefined {
  const issues = patterns.flatMap((pattern, i): Issue[] =>
    isEventPattern(pattern)
      ? []
      : [
          {
            path: `events[${i}]`,
            rule: 'enum',
            message: `${JSON.stringify(pattern)} is no event: ${eventWords}`,
          },
        ],
  );
  const [first, ...more] = issues;
  return first && { code: 'field_invalid', issues: [first, ...more] };
}

const groups = [...new Set(Object.keys(eventTypes).map(type => `${type.split('.')[0]}.*`))];
const eventWords = `must be *, one of ${groups.join(', ')}, or a type such as message.failed (docs/webhooks.md)`;

/** What only one format can do. */
export function checkSigning(
  format: Endpoint['format'],
  signsWith: Endpoint['signsWith'],
): Refusal | undefined {
  if (signsWith === 'endpoint' || format === 'meta') return undefined;
  return invalid('signsWith', 'conflict', 'can be app only where format is meta');
}

/** Member by member: nothing that is added to an endpoint is told by accident. */
export function tellEndpoint(endpoint: Endpoint, now: number): Static<typeof EndpointForm> {
  return {
    id: endpoint.id,
    url: endpoint.url,
    format: endpoint.format,
    events: endpoint.events,
    numberId: endpoint.numberId,
    description: endpoint.description,
    ordered: endpoint.ordered,
    batchMax: endpoint.batchMax,
    perSecond: endpoint.perSecond,
    headerNames: Object.keys(endpoint.headers),
    signsWith: endpoint.signsWith,
    door: endpoint.door,
    status: endpoint.status,
    statusReason: endpoint.statusReason,
    statusSince: isoTime(endpoint.statusAt),
    secrets: liveSecrets(endpoint.secrets, now).map(({ secret, until }) => ({
      hint: secret.slice(-4),
      until: until === null ? null : isoTime(until),
    })),
    createdAt: isoTime(endpoint.createdAt),
    updatedAt: isoTime(endpoint.updatedAt),
  };
}
