/** Events: what happened, as it was told to the tenant's endpoints. */
import { type Static, Type } from 'typebox';
import { type EventType, eventTypes } from '../canonical/event.ts';
import type { JsonObject } from '../canonical/json.ts';
import { isRefusal, type Refusal } from '../canonical/refusal.ts';
import type { Principal } from '../http/authenticate.ts';
import { seesNumber } from '../http/select-number.ts';
import { isoTime } from '../platform/clock.ts';
import type { StoredEvent } from '../webhooks/event.ts';
import { type EventFilter, findEvent, listEvents } from '../webhooks/events.ts';
import type { ApiDeps } from './api.ts';
import { readCursor, writeCursor } from './message-filter.ts';
import { readPerson } from './person.ts';
import { type Route, tenantRoute } from './route.ts';
import { closed, MetaObject, nullable, Time } from './schemas.ts';
import { readTime } from './time.ts';

const TypeName = Type.Enum(Object.keys(eventTypes) as EventType[]);

const EventForm = Type.Object({
  id: Type.String({ description: '`webhook-id` of the standard format.' }),
  type: TypeName,
  at: Time,
  numberId: nullable(Type.Integer({ description: 'null: of the whole tenant.' })),
  recipient: nullable(Type.String({ description: 'Digits or user id of whom it is about.' })),
  messageId: nullable(Type.String()),
  data: MetaObject,
  meta: nullable(
    Type.Object(
      { wabaId: Type.String(), field: Type.String(), value: MetaObject },
      { description: 'What Meta told; null when it was not Meta.' },
    ),
  ),
});

const EventPage = Type.Object({ data: Type.Array(EventForm), next: nullable(Type.String()) });

const EventQuery = Type.Partial(
  Type.Object({
    type: TypeName,
    recipient: Type.String({
      maxLength: 200,
      description: 'A phone number in any punctuation, or a user id.',
    }),
    message: Type.String({ maxLength: 64, description: "The gateway's id of a message." }),
    since: Type.String({ description: 'Noted at this time or later: ISO 8601 with an offset.' }),
    until: Type.String({ description: 'Noted before this time.' }),
    cursor: Type.String({ maxLength: 200, description: '`next` of the page before.' }),
    limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  }),
  closed,
);

export function eventRoutes({ database }: ApiDeps): Route[] {
  return [
    tenantRoute(
      {
        method: 'GET',
        path: '/api/v1/events',
        operation: 'listEvents',
        summary: 'What happened, newest first',
        description: 'Events are kept from the moment on at which the tenant has an endpoint.',
        query: EventQuery,
        answer: { status: 200, about: 'A page of events.', schema: EventPage },
        refusals: ['field_invalid'],
      },
      async ({ query }, principal) => {
        const filter = readFilter(query, principal);
        if (isRefusal(filter)) return filter;
        const before = query.cursor === undefined ? undefined : readCursor(query.cursor);
        if (isRefusal(before)) return before;
        const limit = query.limit ?? 50;
        const found = await listEvents(database, principal.tenantId, filter, before, limit + 1);
        const page = found.slice(0, limit);
        const next = found.length > limit ? writeCursor(page.at(-1)!.id) : null;
        return { status: 200, body: { data: page.map(tellEvent), next } };
      },
    ),
    tenantRoute(
      {
        method: 'GET',
        path: '/api/v1/events/:eventId',
        operation: 'getEvent',
        summary: 'One event',
        answer: { status: 200, about: 'The event.', schema: EventForm },
        refusals: ['object_not_found'],
      },
      async ({ params }, principal) => {
        const id = params.eventId ?? '';
        const event = /^\w{1,64}$/.test(id) ? await findEvent(database, principal.tenantId, id) : undefined;
        const isSeen =
          event !== undefined &&
          (event.numberId === null ? principal.numberIds === null : seesNumber(principal, event.numberId));
        if (!isSeen) return { code: 'object_not_found', kind: 'event', id };
        return { status: 200, body: tellEvent(event) };
      },
    ),
  ];
}

/** A key that is bound to numbers sees their events only. */
function readFilter(
  { type, recipient, message, since, until }: Static<typeof EventQuery>,
  { numberIds }: Principal,
): EventFilter | Refusal {
  const filter: EventFilter = {};
  if (type !== undefined) filter.type = type;
  if (numberIds !== null) filter.numberIds = numberIds;
  if (message !== undefined) filter.messageId = message.toWellFormed();
  if (recipient !== undefined) {
    const person = readPerson(recipient);
    if (isRefusal(person)) return person;
    filter.person = person;
  }
  for (const [name, text] of Object.entries({ since, until })) {
    if (text === undefined) continue;
    const ms = readTime(name, text);
    if (isRefusal(ms)) return ms;
    filter[name as 'since' | 'until'] = ms;
  }
  return filter;
}

function tellEvent({ id, type, at, numberId, person, messageId, data, meta }: StoredEvent): JsonObject {
  return {
    ...{ id, type, at: isoTime(at), numberId, recipient: person, messageId, data },
    meta: meta === null ? null : { wabaId: meta.wabaId, field: meta.field, value: meta.value },
  };
}
