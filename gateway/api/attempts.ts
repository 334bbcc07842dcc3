/** Every POST to an endpoint, with its exact bytes and what came back. */
import { type Static, Type } from 'typebox';
import { isObject, type JsonObject, parseJson } from '../canonical/json.ts';
import { invalid, isRefusal, type Refusal } from '../canonical/refusal.ts';
import { isoTime } from '../platform/clock.ts';
import { listAttempts, type StoredAttempt } from '../webhooks/attempts.ts';
import { problems } from '../webhooks/outcome.ts';
import type { ApiDeps } from './api.ts';
import { endpointAt, endpointPath } from './endpoints.ts';
import { type Route, tenantRoute } from './route.ts';
import { closed, nullable, Time } from './schemas.ts';

const States = Type.Enum(['pending', 'delivered', 'failed', 'given_up', 'skipped'], {
  description:
    'failed: another follows at nextAt. given_up: the last try failed too. skipped: it was not posted, `problem` says why.',
});

const members = {
  eventId: Type.String(),
  n: Type.Integer({ description: 'The how manieth attempt for this event.' }),
  state: States,
  dueAt: Time,
  beganAt: nullable(Time),
  tookMs: nullable(Type.Integer()),
  httpStatus: nullable(Type.Integer({ description: 'null: no answer came.' })),
  problem: nullable(Type.String({ description: 'Why it was not delivered, a word of docs/webhooks.md.' })),
  problemText: nullable(Type.String({ description: 'The same as a sentence.' })),
  nextAt: nullable(Time),
};

const AttemptForm = Type.Object(members);
const Headers = Type.Object({}, { additionalProperties: true });

const ShownAttempt = Type.Object({
  ...members,
  postedWith: nullable(
    Type.String({ description: 'The event whose POST it shared, where one held several: see that one.' }),
  ),
  request: nullable(
    Type.Object({ headers: Headers, body: Type.String() }, { description: 'As it was posted.' }),
  ),
  answer: nullable(
    Type.Object({ headers: Headers, body: Type.String() }, { description: 'As far as it is kept: 16 KB.' }),
  ),
});

const AttemptPage = Type.Object({ data: Type.Array(AttemptForm), next: nullable(Type.String()) });

const AttemptQuery = Type.Partial(
  Type.Object({
    state: States,
    event: Type.String({ maxLength: 64 }),
    cursor: Type.String({ maxLength: 200, description: '`next` of the page before.' }),
    limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  }),
  closed,
);

export function attemptRoutes({ database, seal }: ApiDeps): Route[] {
  return [
    tenantRoute(
      {
        method: 'GET',
        path: `${endpointPath}/attempts`,
        operation: 'listAttempts',
        summary: 'The POSTs to an endpoint, newest event first',
        query: AttemptQuery,
        answer: { status: 200, about: 'A page.', schema: AttemptPage },
        refusals: ['object_not_found', 'field_invalid'],
      },
      async ({ params, query }, principal) => {
        const endpoint = await endpointAt(database, seal, principal, params);
        if (isRefusal(endpoint)) return endpoint;
        const { state, event, cursor, limit = 50 } = query;
        const before = cursor === undefined ? undefined : readCursor(cursor);
        if (isRefusal(before)) return before;
        const found = await listAttempts(database, endpoint.tenantId, {
          ...{ endpointId: endpoint.id, limit: limit + 1 },
          ...(state === undefined ? {} : { state }),
          ...(event === undefined ? {} : { eventId: event.toWellFormed() }),
          ...(before === undefined ? {} : { before }),
        });
        const page = found.slice(0, limit);
        const next = found.length > limit ? writeCursor(page.at(-1)!) : null;
        return { status: 200, body: { data: page.map(tellAttempt), next } };
      },
    ),
    tenantRoute(
      {
        method: 'GET',
        path: `${endpointPath}/attempts/:eventId/:n`,
        operation: 'getAttempt',
        summary: 'One POST with its exact bytes, and what came back',
        answer: { status: 200, about: 'The attempt.', schema: ShownAttempt },
        refusals: ['object_not_found'],
      },
      async ({ params }, principal) => {
        const endpoint = await endpointAt(database, seal, principal, params);
        if (isRefusal(endpoint)) return endpoint;
        const { eventId = '', n = '' } = params;
        const number = /^\d{1,6}$/.test(n) ? Number(n) : 0;
        const [attempt] = /^\w{1,64}$/.test(eventId)
          ? await listAttempts(database, endpoint.tenantId, {
              ...{ endpointId: endpoint.id, eventId, before: { eventId, n: number + 1 }, limit: 1 },
            })
          : [];
        if (attempt?.n !== number)
          return { code: 'object_not_found', kind: 'attempt', id: `${eventId}/${n}` };
        return { status: 200, body: showAttempt(attempt) };
      },
    ),
  ];
}

const writeCursor = ({ eventId: id, n }: StoredAttempt) => Buffer.from(`a:${id}:${n}`).toString('base64url');

function readCursor(cursor: string): { eventId: string; n: number } | Refusal {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const [, id, n] = /^a:(\w{1,64}):(\d{1,6})$/.exec(text) ?? [];
  return id === undefined
    ? invalid('cursor', 'format', 'must be the `next` of an earlier page')
    : { eventId: id, n: Number(n) };
}

const time = (ms: number | null) => (ms === null ? null : isoTime(ms));

function tellAttempt(attempt: StoredAttempt): Static<typeof AttemptForm> {
  const { eventId: id, n, state, dueAt, beganAt, tookMs, httpStatus, problem, nextAt } = attempt;
  return {
    ...{ eventId: id, n, state, dueAt: isoTime(dueAt), beganAt: time(beganAt), tookMs, httpStatus, problem },
    ...{ problemText: problem === null ? null : problems[problem], nextAt: time(nextAt) },
  };
}

function showAttempt(attempt: StoredAttempt): JsonObject {
  const { post, headers, body, answerHeaders, answer } = attempt;
  return {
    ...tellAttempt(attempt),
    postedWith: post === attempt.eventId ? null : post,
    request: headers === null || body === null ? null : { headers: headersOf(headers), body },
    answer: answerHeaders === null ? null : { headers: headersOf(answerHeaders), body: answer ?? '' },
  };
}

function headersOf(text: string): JsonObject {
  const headers = parseJson(text);
  return isObject(headers) ? headers : {};
}
