/** What a draft would come to, before anybody gets anything of it. */
import { type Static, Type } from 'typebox';
import { type Forecast, forecast } from '../broadcasts/forecast.ts';
import { isRefusal } from '../canonical/refusal.ts';
import { isoTime } from '../platform/clock.ts';
import { findTenant } from '../tenants/tenants.ts';
import type { ApiDeps } from './api.ts';
import { cannot, seenBroadcast } from './broadcast-access.ts';
import { type Route, tenantRoute } from './route.ts';
import { closed, nullable, Time } from './schemas.ts';

const ForecastQuery = Type.Partial(
  Type.Object({
    limit: Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'As if it were launched for so many messages.',
    }),
  }),
  closed,
);

const Count = (description: string) => Type.Integer({ description });

const ForecastForm = Type.Object({
  id: Type.String(),
  recipients: Count('People, each once, however many tags and names they stand under.'),
  invalid: Count('Who will get none: the content names what is not known of them, or is invalid with it.'),
  optedOut: Count('Who asked for no more marketing, of content that is.'),
  windowClosed: Count('Whose 24-hour window is closed, of content that needs an open one.'),
  inWindow: Count('Whose window with the first number is open, of those who are valid.'),
  outOfWindow: Count('Whose window is not.'),
  messages: Count('That would be sent, at most `limit`; what follows is about these.'),
  cost: nullable(
    Type.Object(
      {
        feeMicros: Type.Integer(),
        priceMicros: Type.Integer({ description: "Meta's." }),
        availableMicros: Type.Integer({ description: 'The balance, without what is held.' }),
        covered: Count('Messages that the balance is enough for: a launch can be limited to them.'),
      },
      { description: 'null where the tenant pays nothing here.' },
    ),
  ),
  perSecond: Type.Number({ description: 'Messages that the numbers, or its own rate, allow.' }),
  finishesAt: {
    ...Time,
    description: 'When the last message would be sent, quiet hours aside.',
  } as typeof Time,
  messagingLimit: nullable(
    Type.Object(
      {
        tier: Type.String({ description: 'As Meta names it: TIER_2K.' }),
        most: Type.Integer(),
        left: Count("As far as this tenant's own messages tell; the limit counts for a whole portfolio."),
        exceeding: Count('Messages beyond it.'),
      },
      {
        description:
          'Of people a business may write to in 24 hours unasked; null where Meta told none, or one without an end.',
      },
    ),
  ),
});

/** At once in one process: each reads a whole audience. */
const forecastsMax = 2;

export function broadcastForecastRoutes(deps: ApiDeps): Route[] {
  const { database, numbers } = deps;
  let running = 0;
  return [
    tenantRoute(
      {
        method: 'GET',
        path: '/api/v1/broadcasts/:broadcastId/forecast',
        operation: 'forecastBroadcast',
        summary: 'What a draft would come to if it were launched now',
        query: ForecastQuery,
        answer: { status: 200, about: 'The forecast.', schema: ForecastForm },
        refusals: ['field_invalid', 'object_not_found', 'number_not_found', 'conflict', 'overloaded'],
      },
      async ({ params, query }, principal) => {
        const broadcast = await seenBroadcast(database, principal, params.broadcastId!);
        if (isRefusal(broadcast)) return broadcast;
        const { tenantId, id, state, numberIds } = broadcast;
        if (state !== 'draft') return cannot(`It is ${state}; a forecast is of a draft.`);
        const found = await Promise.all(numberIds.map(number => numbers.byId(number)));
        const [first, ...others] = found.filter(number => number !== undefined);
        if (first === undefined) return { code: 'number_not_found', number: String(numberIds[0]) };
        if (running >= forecastsMax) return { code: 'overloaded', retryAfterSeconds: 5 };
        running++;
        try {
          const tenant = await findTenant(database, tenantId);
          const asked = { prepaid: tenant?.billing === 'prepaid', limit: query.limit ?? null };
          const told = await forecast(deps, broadcast, [first, ...others], asked);
          return { status: 200, body: { id, ...tell(told) } };
        } finally {
          running--;
        }
      },
    ),
  ];
}

function tell(told: Forecast): Omit<Static<typeof ForecastForm>, 'id'> {
  const { cost, messagingLimit, finishesAt, ...counts } = told;
  return {
    ...counts,
    cost: cost && { ...cost },
    finishesAt: isoTime(finishesAt),
    messagingLimit: messagingLimit && { ...messagingLimit },
  };
}
