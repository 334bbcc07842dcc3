/** What a tenant has left, and the statement of what its messages cost. */
import { type Static, type TSchema, Type } from 'typebox';
import {
  type Grouping,
  groupings,
  readStatement,
  type StatementLine,
  toppedUpBetween,
} from '../billing/statement.ts';
import { availableOf, readWallet } from '../billing/wallet.ts';
import { tellAmount } from '../canonical/money.ts';
import { invalid, isRefusal, type Refusal } from '../canonical/refusal.ts';
import type { WireAnswer } from '../dialects/dialect.ts';
import { isoTime } from '../platform/clock.ts';
import { findTenant } from '../tenants/tenants.ts';
import type { ApiDeps } from './api.ts';
import { Billing, Money, tellMoney } from './billing-forms.ts';
import { csvAnswer, wantsCsv } from './csv.ts';
import { operatorRoute, type Route, type Spec, type Streaming, tenantRoute } from './route.ts';
import { nullable, Time } from './schemas.ts';
import { tenantAt } from './tenants.ts';
import { readTime } from './time.ts';

const BalanceForm = Type.Object({
  billing: Billing,
  currency: Type.String(),
  available: Money,
  toppedUp: Money,
  charged: Money,
  held: Money,
  lowBelow: nullable(Money),
  lowSince: nullable(Type.String({ format: 'date-time', description: 'Null while the balance is not low.' })),
});

const StatementLineForm = Type.Object({
  key: nullable(
    Type.String({ description: 'The day (UTC), category, number or campaign; null: no campaign.' }),
  ),
  messages: Type.Integer({ description: 'Billed messages that were made in the period.' }),
  fees: Money,
  prices: Money,
  total: Money,
  held: Money,
});

const StatementForm = Type.Object({
  currency: Type.String(),
  from: Time,
  to: Time,
  by: Type.Enum([...groupings]),
  data: Type.Array(StatementLineForm),
  sum: Type.Omit(StatementLineForm, ['key']),
  toppedUp: Type.Object(Money.properties, { description: 'Top-ups in the period.' }),
});

const StatementQuery = Type.Partial(
  Type.Object({
    from: Type.String({
      maxLength: 40,
      description: 'ISO 8601 with an offset; 31 days before `to` when left out.',
    }),
    to: Type.String({ maxLength: 40, description: 'Not itself included; now when left out.' }),
    by: Type.Enum([...groupings], { default: 'day' }),
    format: Type.Enum(['json', 'csv'], { default: 'json', description: '`Accept: text/csv` does the same.' }),
  }),
  { additionalProperties: false },
);

const dayMs = 86_400_000;
const daysMax = 400;

export function balanceRoutes(deps: ApiDeps): Route[] {
  const { database, currency, now } = deps;

  async function balance(tenantId: string): Promise<WireAnswer> {
    const tenant = await findTenant(database, tenantId);
    const wallet = await readWallet(database, tenantId);
    const { toppedUp, charged, held, lowBelow, lowSince } = wallet;
    return {
      status: 200,
      body: {
        ...{ billing: tenant?.billing ?? 'off', currency, available: tellMoney(availableOf(wallet)) },
        ...{ toppedUp: tellMoney(toppedUp), charged: tellMoney(charged), held: tellMoney(held) },
        lowBelow: lowBelow === null ? null : tellMoney(lowBelow),
        lowSince: lowSince === null ? null : isoTime(lowSince),
      },
    };
  }

  async function statement(
    tenantId: string,
    query: Static<typeof StatementQuery>,
    accept: string | string[] | undefined,
  ): Promise<WireAnswer | Streaming | Refusal> {
    const period = readPeriod(query, now());
    if (isRefusal(period)) return period;
    const { from, to } = period;
    const by: Grouping = query.by ?? 'day';
    const lines = await readStatement(database, tenantId, { from, to, by });
    if (wantsCsv(query.format, accept)) return csvAnswer(statementCsv(by, lines, currency));
    const toppedUp = await toppedUpBetween(database, tenantId, from, to);
    return {
      status: 200,
      body: {
        ...{ currency, from: isoTime(from), to: isoTime(to), by },
        data: lines.map(line => ({ key: line.key, ...tellLine(line) })),
        sum: tellLine(sumOf(lines)),
        toppedUp: tellMoney(toppedUp),
      },
    };
  }

  return [
    tenantRoute(balanceSpec('/api/v1/balance', 'getBalance', []), (_call, { tenantId }) => balance(tenantId)),
    tenantRoute(statementSpec('/api/v1/statement', 'getStatement', []), ({ query, headers }, { tenantId }) =>
      statement(tenantId, query, headers.accept),
    ),
    operatorRoute(
      balanceSpec('/api/v1/tenants/:tenantId/balance', 'getBalanceOf', ['tenant_not_found']),
      async ({ params }) => {
        const tenant = await tenantAt(database, params);
        return isRefusal(tenant) ? tenant : balance(tenant.id);
      },
    ),
    operatorRoute(
      statementSpec('/api/v1/tenants/:tenantId/statement', 'getStatementOf', ['tenant_not_found']),
      async ({ params, query, headers }) => {
        const tenant = await tenantAt(database, params);
        return isRefusal(tenant) ? tenant : statement(tenant.id, query, headers.accept);
      },
    ),
  ];
}

const balanceSpec = (path: string, operation: string, refusals: 'tenant_not_found'[]) =>
  ({
    method: 'GET',
    path,
    operation,
    summary: 'The balance: what is available, and what became of the rest',
    description: 'available = toppedUp - charged - held. It may be below 0 when Meta reports late.',
    answer: { status: 200, about: 'The balance now.', schema: BalanceForm },
    refusals,
  }) satisfies Spec<TSchema, never>;

const statementSpec = (path: string, operation: string, refusals: 'tenant_not_found'[]) =>
  ({
    method: 'GET',
    path,
    operation,
    summary: 'What messages cost, by day, category, number or campaign',
    description:
      `Of the messages that were made in the period, at most ${daysMax} days. JSON, or CSV with \`format=csv\` or \`Accept: text/csv\`. ` +
      'Messages that retention has removed are in no statement.',
    query: StatementQuery,
    answer: { status: 200, about: 'The statement.', schema: StatementForm },
    refusals: ['field_invalid', ...refusals],
  }) satisfies Spec<typeof StatementQuery, never>;

function readPeriod(
  query: Static<typeof StatementQuery>,
  now: number,
): { from: number; to: number } | Refusal {
  const to = query.to === undefined ? now : readTime('to', query.to);
  if (isRefusal(to)) return to;
  const from = query.from === undefined ? to - 31 * dayMs : readTime('from', query.from);
  if (isRefusal(from)) return from;
  if (from >= to) return invalid('from', 'conflict', 'must be before `to`');
  if (to - from > daysMax * dayMs)
    return invalid('from', 'conflict', `must be at most ${daysMax} days before \`to\``);
  return { from, to };
}

type Sums = Omit<StatementLine, 'key'>;

const tellLine = ({ messages, fees, prices, held }: Sums) => ({
  messages,
  fees: tellMoney(fees),
  prices: tellMoney(prices),
  total: tellMoney(fees + prices),
  held: tellMoney(held),
});

function sumOf(lines: Sums[]): Sums {
  const sum = (name: keyof Sums) => lines.reduce((total, line) => total + line[name], 0);
  return { messages: sum('messages'), fees: sum('fees'), prices: sum('prices'), held: sum('held') };
}

function statementCsv(by: Grouping, lines: StatementLine[], currency: string): string[][] {
  return [
    [by, 'messages', 'fees', 'prices', 'total', 'held', 'currency'],
    ...lines.map(({ key, messages, fees, prices, held }) => [
      ...[key ?? '', String(messages), tellAmount(fees), tellAmount(prices)],
      ...[tellAmount(fees + prices), tellAmount(held), currency],
    ]),
  ];
}
