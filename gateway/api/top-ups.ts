/** Top-ups: the operator puts money into a tenant's wallet. */
import { Type } from 'typebox';
import { availableOf, listTopUps, readWallet, type TopUp, topUp } from '../billing/wallet.ts';
import { newId } from '../canonical/ids.ts';
import { invalid, isRefusal, type Refusal } from '../canonical/refusal.ts';
import { isoTime } from '../platform/clock.ts';
import { storable } from '../platform/database.ts';
import type { ApiDeps } from './api.ts';
import { Amount, Billing, Money, readMicros, tellMoney } from './billing-forms.ts';
import { operatorRoute, type Route } from './route.ts';
import { closed, listOf, Time } from './schemas.ts';
import { tenantAt } from './tenants.ts';

const NewTopUp = Type.Object(
  {
    amount: Amount,
    note: Type.Optional(
      Type.String({ maxLength: 500, description: 'What it is for: an invoice, a payment.' }),
    ),
    id: Type.Optional(
      Type.String({
        pattern: '^[\\x21-\\x7e]{1,100}$',
        'x-rule': 'must be 1 to 100 printable ASCII characters without spaces',
        description:
          'Your own id of the payment: the same id tops up once, however often it is sent. `Idempotency-Key` does the same. Ours when both are left out.',
      }),
    ),
  },
  closed,
);

const TopUpForm = Type.Object({
  id: Type.String(),
  amount: Type.String(),
  micros: Type.Integer(),
  note: Type.String(),
  madeBy: Type.String(),
  madeAt: Time,
});

const MadeForm = Type.Object({
  ...TopUpForm.properties,
  billing: Billing,
  available: Money,
});

const path = '/api/v1/tenants/:tenantId/top-ups';

export function topUpRoutes(deps: ApiDeps): Route[] {
  const { database, now, log, currency } = deps;
  return [
    operatorRoute(
      {
        method: 'POST',
        path,
        operation: 'topUp',
        summary: "Top up a tenant's balance",
        description:
          'An amount below 0 takes back what was topped up by mistake. A top-up switches nothing on: a tenant pays from its balance once ' +
          'its `billing` is `prepaid`.',
        body: NewTopUp,
        answer: {
          status: 201,
          about: 'The top-up, and what is available now.',
          schema: MadeForm,
          or: { status: 200, about: 'This id has been topped up before; nothing was added.' },
        },
        refusals: ['tenant_not_found', 'field_invalid', 'conflict'],
      },
      async ({ params, body, headers }) => {
        const tenant = await tenantAt(database, params);
        if (isRefusal(tenant)) return tenant;
        const micros = readMicros('amount', body.amount);
        if (isRefusal(micros)) return micros;
        if (micros === 0) return invalid('amount', 'format', 'must not be 0');
        const id = body.id ?? idOf(headers['idempotency-key']) ?? newId();
        if (isRefusal(id)) return id;
        const wanted: TopUp = {
          ...{ tenantId: tenant.id, id, micros, note: storable(body.note ?? '') },
          ...{ madeBy: 'operator', madeAt: now() },
        };
        const stored = await database.transact(tx => topUp(tx, wanted));
        if (stored.micros !== micros) {
          return {
            code: 'conflict',
            reason: `Top-up ${id} was made before with ${tellMoney(stored.micros).amount} ${currency}: give this one another id.`,
          };
        }
        const isNew = stored === wanted;
        if (isNew) log.info({ tenant: tenant.id, topUp: id, micros }, 'topped up');
        const available = availableOf(await readWallet(database, tenant.id));
        return {
          status: isNew ? 201 : 200,
          body: { ...tell(stored), billing: tenant.billing, available: tellMoney(available) },
        };
      },
    ),
    operatorRoute(
      {
        method: 'GET',
        path,
        operation: 'listTopUps',
        summary: "A tenant's top-ups, newest first",
        answer: { status: 200, about: 'At most 1000 top-ups.', schema: listOf(TopUpForm) },
        refusals: ['tenant_not_found'],
      },
      async ({ params }) => {
        const tenant = await tenantAt(database, params);
        if (isRefusal(tenant)) return tenant;
        return { status: 200, body: { data: (await listTopUps(database, tenant.id, 1000)).map(tell) } };
      },
    ),
  ];
}

function idOf(header: string | string[] | undefined): string | Refusal | undefined {
  if (header === undefined) return undefined;
  const key = String(header)
    .trim()
    .replace(/^"(.*)"$/, '$1');
  return /^[\x21-\x7e]{1,100}$/.test(key)
    ? key
    : invalid('Idempotency-Key', 'format', 'must be 1 to 100 printable ASCII characters without spaces');
}

const tell = ({ id, micros, note, madeBy, madeAt }: TopUp) => ({
  ...{ id, ...tellMoney(micros) },
  ...{ note, madeBy, madeAt: isoTime(madeAt) },
});
