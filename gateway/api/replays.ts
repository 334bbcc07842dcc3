/** Posting events to an endpoint again. */
import { type Static, Type } from 'typebox';
import { firstIdAt } from '../canonical/ids.ts';
import { invalid, isRefusal, type Refusal } from '../canonical/refusal.ts';
import type { Endpoint } from '../tenants/endpoints.ts';
import { listAttempts } from '../webhooks/attempts.ts';
import { type Replayed, replayAttempts } from '../webhooks/replay.ts';
import type { ApiDeps } from './api.ts';
import { endpointAt, endpointPath } from './endpoints.ts';
import { type Route, tenantRoute } from './route.ts';
import { closed, nullable } from './schemas.ts';
import { readTime } from './time.ts';

const when = 'An ISO 8601 time with an offset, Unix milliseconds, or the id of an event.';

const ReplayForm = Type.Partial(
  Type.Object({
    event: Type.String({ maxLength: 64, description: 'This event alone.' }),
    from: Type.String({ maxLength: 64, description: `Events from here on. ${when}` }),
    to: Type.String({ maxLength: 64, description: `With from: up to here. ${when}` }),
    failedSince: Type.String({
      maxLength: 64,
      description: `Events that were given up, from here on. ${when}`,
    }),
    after: Type.String({
      maxLength: 64,
      description: '`next` of the answer before, the rest being as it was.',
    }),
  }),
  closed,
);

const ReplayedForm = Type.Object({
  replayed: Type.Integer({
    description: 'Events that will be posted again; those that still wait are not doubled.',
  }),
  next: nullable(Type.String({ description: 'Not null: there is more; ask again with it as `after`.' })),
});

/** Of one transaction, so that nobody waits for its locks. */
const stepMax = 1_000;
/** Of one request, so that it is answered soon. */
const stepsMax = 50;

export function replayRoutes({ database, seal, notifier, now }: ApiDeps): Route[] {
  return [
    tenantRoute(
      {
        method: 'POST',
        path: `${endpointPath}/replay`,
        operation: 'replayEvents',
        summary: 'Post events to an endpoint again',
        description:
          'One event, those of a range, or those given up since a time. They are posted as events are: in the order of the endpoint, ' +
          `at its rate, and once it is active. One request takes up to ${stepMax * stepsMax} and says whether there is more.`,
        body: ReplayForm,
        answer: { status: 200, about: 'How many.', schema: ReplayedForm },
        refusals: ['object_not_found', 'field_invalid'],
      },
      async ({ params, body }, principal) => {
        const endpoint = await endpointAt(database, seal, principal, params);
        if (isRefusal(endpoint)) return endpoint;
        const which = readReplay(body);
        if (isRefusal(which)) return which;
        if (!('eventId' in which)) return { status: 200, body: await replayRange(endpoint, which) };
        const { replayed } = await step(endpoint, which);
        if (replayed === 0 && !(await isKnown(endpoint, which.eventId)))
          return { code: 'object_not_found', kind: 'event of this endpoint', id: which.eventId };
        return { status: 200, body: { replayed, next: null } };
      },
    ),
  ];

  async function step(
    { tenantId, id: endpointId }: Endpoint,
    which: Replayed,
  ): ReturnType<typeof replayAttempts> {
    const done = await database.transact(tx =>
      replayAttempts(tx, tenantId, endpointId, which, now(), stepMax),
    );
    if (done.replayed > 0) notifier.wake([{ tenantId, endpointId }]);
    return done;
  }

  async function replayRange(endpoint: Endpoint, range: Range): Promise<Static<typeof ReplayedForm>> {
    let replayed = 0;
    let next: string | null = null;
    for (let i = 0; i < stepsMax && (i === 0 || next !== null); i++) {
      const done = await step(endpoint, next === null ? range : { ...range, fromId: behind(next) });
      replayed += done.replayed;
      next = done.lastId;
    }
    return { replayed, next };
  }

  async function isKnown({ tenantId, id: endpointId }: Endpoint, eventId: string): Promise<boolean> {
    return (await listAttempts(database, tenantId, { endpointId, eventId, limit: 1 })).length > 0;
  }
}

type Range = Exclude<Replayed, { eventId: string }>;

/** Sorts after an id and before every other that follows it. */
const behind = (id: string) => `${id}0`;

function readReplay({ event, from, to, failedSince, after }: Static<typeof ReplayForm>): Replayed | Refusal {
  const [what, ...more] = Object.entries({ event, from, failedSince }).filter(
    ([, value]) => value !== undefined,
  );
  if (what === undefined) return invalid('event', 'required', 'is required, or from, or failedSince');
  if (more.length > 0) return invalid(more[0]![0], 'conflict', `cannot stand beside ${what[0]}`);
  if (to !== undefined && from === undefined) return invalid('to', 'conflict', 'can stand beside from only');
  if (event !== undefined)
    return /^\w{1,64}$/.test(event)
      ? { eventId: event }
      : invalid('event', 'format', 'must be the id of an event');
  const first = readMoment(from === undefined ? 'failedSince' : 'from', from ?? failedSince ?? '');
  if (isRefusal(first)) return first;
  const last = to === undefined ? undefined : readMoment('to', to);
  if (isRefusal(last)) return last;
  if (after !== undefined && !eventId.test(after))
    return invalid('after', 'format', 'must be the `next` of an answer');
  return {
    fromId: after === undefined ? first : behind(after),
    ...(last === undefined ? {} : { toId: last }),
    state: from === undefined ? 'given_up' : 'any',
  };
}

const eventId = /^[0-9A-HJKMNP-TV-Z]{26}$/;

/** An id of an event, or the first that one could have had at that time. */
function readMoment(path: string, text: string): string | Refusal {
  if (eventId.test(text)) return text;
  const ms = readTime(path, text);
  if (!isRefusal(ms)) return firstIdAt(ms);
  return invalid(
    path,
    'format',
    'must be an ISO 8601 time with an offset, Unix milliseconds, or the id of an event',
  );
}
