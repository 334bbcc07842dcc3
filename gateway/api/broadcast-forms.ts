/** The shapes of broadcasts in the native API. */
import { type Static, Type } from 'typebox';
import type { Broadcast } from '../broadcasts/broadcast.ts';
import type { Progress } from '../broadcasts/progress.ts';
import { isoTime } from '../platform/clock.ts';
import { ContactFilterForm, TagIds } from './contact-forms.ts';
import { closed, DialectName, MetaObject, Name, nullable, Time } from './schemas.ts';

const NumberId = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const Phone = Type.String({ maxLength: 60, description: 'With its country code, in any punctuation.' });
const Values = Type.Record(
  Type.String({ maxLength: 100 }),
  Type.Union([Type.String(), Type.Number(), Type.Boolean()]),
);
const ClockTime = Type.String({
  pattern: '^([01]\\d|2[0-3]):[0-5]\\d$',
  'x-rule': 'must be a time of the day such as 21:00',
});

const Named = Type.Union([Phone, Type.Object({ phone: Phone, variables: Type.Optional(Values) }, closed)]);

const Audience = Type.Partial(
  Type.Object({
    phones: Type.Array(Named, {
      maxItems: 10_000,
      description: 'People one by one, each perhaps with variables of its own; more of them as a file.',
    }),
    tags: TagIds,
    contacts: Type.Union([ContactFilterForm, Type.Literal('all')], {
      description: 'Contacts of which all of this is true, or all there are.',
    }),
    exclude: Type.Partial(
      Type.Object({ phones: Type.Array(Phone, { maxItems: 10_000 }), tags: TagIds }),
      closed,
    ),
  }),
  closed,
);

const Schedule = Type.Partial(
  Type.Object({
    at: Type.String({
      maxLength: 40,
      description:
        'With an offset, `2026-12-01T10:00:00+03:00`; or a time on the wall, `2026-12-01T10:00`, in `timeZone`, or with `perRecipient` in the time zone of each recipient.',
    }),
    timeZone: Type.String({ maxLength: 60, description: 'IANA; UTC unless given.' }),
    perRecipient: Type.Boolean({
      description: '`at` comes to each recipient in its own time zone, as far as its contact has one.',
    }),
    quietHours: Type.Object(
      { from: ClockTime, to: ClockTime },
      { ...closed, description: "Of the recipient's day; nothing is sent in them." },
    ),
  }),
  closed,
);

const said = {
  name: Name,
  numbers: Type.Array(NumberId, {
    minItems: 1,
    maxItems: 1_000,
    description:
      "Of the senders, who share the recipients; the key's own, or the tenant's first, unless given.",
  }),
  message: Type.Object(
    {},
    {
      additionalProperties: true,
      description:
        'The content as in a send (`type` and what it names), in which `{{variable}}` or `{{variable|otherwise}}` may stand in any text.',
    },
  ),
  endpoint: Type.Enum(['messages', 'marketing_messages']),
  audience: Audience,
  schedule: Schedule,
  perSecond: Type.Number({ minimum: 0.01, maximum: 100_000, description: 'At most so many a second.' }),
  ttlSeconds: Type.Integer({
    minimum: 60,
    maximum: 30 * 24 * 3_600,
    description: 'Who has no message so long after the start gets none.',
  }),
  callbackData: Type.String({ maxLength: 1_024 }),
};

const launching = {
  limit: Type.Integer({
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    description: 'It pauses when so many have their message, and can be resumed for the others.',
  }),
};

const optional = Type.Partial(Type.Object(said)).properties;

export const NewBroadcastForm = Type.Object(
  {
    ...optional,
    ...{ name: said.name, message: said.message },
    launch: Type.Optional(Type.Boolean({ description: 'At once; else it is a draft.' })),
    ...Type.Partial(Type.Object(launching)).properties,
  },
  closed,
);
export type NewBroadcastBody = Static<typeof NewBroadcastForm>;

export const BroadcastChange = Type.Partial(Type.Object(said), closed);

export const Launch = Type.Partial(Type.Object(launching), closed);

export const Retry = Type.Partial(
  Type.Object({
    name: Name,
    canceled: Type.Boolean({
      description: 'Also those whom a broadcast that was canceled left without a message.',
    }),
    ...launching,
  }),
  closed,
);

export const Resume = Type.Partial(Type.Object({ limit: nullable(launching.limit) }), closed);

const Counts = Type.Record(Type.String(), Type.Integer(), {
  description: 'Of its messages, how many stand at each status; those without any are left out.',
});

const TopErrorForm = Type.Object({
  code: nullable(Type.Integer({ description: "Meta's." })),
  title: Type.String(),
  action: nullable(Type.String({ description: 'What a person can do about it.' })),
  count: Type.Integer(),
});

export const BroadcastForm = Type.Object({
  id: Type.String(),
  name: Type.String(),
  state: Type.Enum(['draft', 'scheduled', 'running', 'paused', 'completed', 'canceled']),
  reason: nullable(
    Type.Enum(['asked', 'limit', 'balance', 'key', 'spam', 'number', 'refused', 'expired'], {
      description: 'Why it is paused, or ended before everyone had a message.',
    }),
  ),
  detail: nullable(Type.String()),
  numbers: Type.Array(NumberId),
  dialect: DialectName,
  message: MetaObject,
  endpoint: said.endpoint,
  audience: MetaObject,
  retryOf: nullable(Type.String({ description: 'The broadcast to whose failed recipients it goes again.' })),
  schedule: MetaObject,
  perSecond: nullable(Type.Number()),
  ttlSeconds: nullable(Type.Integer()),
  callbackData: nullable(Type.String()),
  limit: nullable(Type.Integer()),
  isFrozen: Type.Boolean({
    description: 'The audience is written down; before that `recipients` still grows.',
  }),
  recipients: Type.Integer(),
  skipped: Type.Integer({ description: 'Who gets no message, for a reason that the ledger tells.' }),
  progress: nullable(
    Type.Object({
      waiting: Type.Integer(),
      taken: Type.Integer({ description: 'Recipients with a message.' }),
      counts: Counts,
      aged: Type.Integer({ description: 'Messages that have aged out.' }),
      perSecond: nullable(Type.Number({ description: 'Messages that Meta takes, of the last ten seconds.' })),
      finishesAt: nullable(Time),
      errors: Type.Array(TopErrorForm),
    }),
  ),
  createdAt: Time,
  launchedAt: nullable(Time),
  startAt: nullable(Time),
  startedAt: nullable(Time),
  endsAt: nullable(Time),
  endedAt: nullable(Time),
});

export const BroadcastPage = Type.Object({ data: Type.Array(BroadcastForm), next: nullable(Type.String()) });

const timeOr = (ms: number | null) => (ms === null ? null : isoTime(ms));

export function tellBroadcast(broadcast: Broadcast, progress: Progress | null) {
  const { id, name, state, reason, detail, dialect, content, endpoint, options, recipients, skipped } =
    broadcast;
  return {
    ...{ id, name, state, reason, detail, numbers: broadcast.numberIds, dialect, message: content, endpoint },
    audience: tellAudience(broadcast),
    retryOf: broadcast.retryOf,
    schedule: tellSchedule(broadcast),
    ...{ perSecond: options.perSecond, callbackData: options.callbackData, limit: broadcast.takeMost },
    ttlSeconds: options.ttlMs === null ? null : options.ttlMs / 1_000,
    ...{ isFrozen: broadcast.frozenAt !== null, recipients, skipped },
    progress: progress === null ? null : tellProgress(broadcast, progress),
    createdAt: isoTime(broadcast.createdAt),
    ...{ launchedAt: timeOr(broadcast.launchedAt), startAt: timeOr(broadcast.startAt) },
    ...{ startedAt: timeOr(broadcast.startedAt), endsAt: timeOr(broadcast.endsAt) },
    endedAt: timeOr(broadcast.endedAt),
  };
}

function tellProgress({ taken }: Broadcast, progress: Progress) {
  const { waiting, counts, aged, perSecond, finishesAt, errors } = progress;
  return {
    ...{ waiting, taken, counts: counts as Record<string, number>, aged },
    perSecond: perSecond === null ? null : Math.round(perSecond * 10) / 10,
    finishesAt: finishesAt === null ? null : isoTime(Math.round(finishesAt)),
    errors: errors.map(error => ({ ...error })),
  };
}

function tellAudience({ audience }: Broadcast) {
  const { tags, filter, exclude } = audience;
  return {
    tags,
    contacts: filter === null ? null : Object.keys(filter).length === 0 ? 'all' : filter,
    exclude: { phones: exclude.phones, tags: exclude.tags },
  };
}

function tellSchedule({ startAt, options }: Broadcast) {
  const { timeZone, localStart, quietHours } = options;
  const clock = (minutes: number) =>
    `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
  return {
    at: localStart ?? timeOr(startAt),
    timeZone,
    perRecipient: localStart !== null,
    quietHours: quietHours && { from: clock(quietHours.from), to: clock(quietHours.to) },
  };
}
