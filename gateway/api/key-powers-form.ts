/** What an API key may do, as the native API takes and tells it. */
import { type Static, Type } from 'typebox';
import { type Issue, invalid, type Refusal } from '../canonical/refusal.ts';
import type { Sql } from '../platform/database.ts';
import { isNetwork, networkForm } from '../platform/networks.ts';
import type { KeyPowers } from '../tenants/key-powers.ts';
import { findNumber } from '../tenants/numbers.ts';
import type { Tenant } from '../tenants/tenants.ts';
import { closed } from './schemas.ts';

const listed = { minItems: 1, maxItems: 100 };

export const KeyPowersForm = Type.Partial(
  Type.Object({
    access: Type.Enum(['read', 'send'], {
      description: 'read: nothing but reading. send: nothing but sending.',
    }),
    templates: Type.Array(Type.String({ minLength: 1, maxLength: 512 }), {
      ...listed,
      description: 'Names of the only templates it may send; then it sends nothing but templates.',
    }),
    numbers: Type.Array(Type.Integer({ minimum: 1 }), {
      ...listed,
      description: 'Ids of the only numbers it may send from and read of.',
    }),
    messagesPerDay: Type.Integer({
      minimum: 1,
      maximum: 1e12,
      description: 'Messages in one day of UTC, recipients counted one by one.',
    }),
    microsPerDay: Type.Integer({
      minimum: 1,
      maximum: 1e15,
      description:
        'Money in one day of UTC, in millionths; counted when a message is accepted, for tenants that pay here.',
    }),
    addresses: Type.Array(Type.String({ maxLength: 50 }), {
      ...listed,
      description: 'The only addresses it may be used from: 203.0.113.7, 10.0.0.0/8, 2001:db8::/32.',
    }),
  }),
  { ...closed, description: 'Each member takes something away; none at all: everything the tenant may.' },
);

type Form = Static<typeof KeyPowersForm>;

/** Powers that make sense for this tenant and, with one, the number that the key is bound to. */
export async function checkPowers(
  sql: Sql,
  tenant: Pick<Tenant, 'id' | 'billing'>,
  form: Form,
  boundTo: number | null,
): Promise<KeyPowers | Refusal> {
  const issues = (form.addresses ?? []).flatMap((text, i): Issue[] =>
    isNetwork(text)
      ? []
      : [{ path: `powers.addresses[${i}]`, rule: 'format', message: `must be ${networkForm}` }],
  );
  const [first, ...more] = issues;
  if (first !== undefined) return { code: 'field_invalid', issues: [first, ...more] };
  for (const number of form.numbers ?? []) {
    if ((await findNumber(sql, tenant.id, number)) === undefined)
      return { code: 'number_not_found', number: String(number) };
  }
  if (boundTo !== null && form.numbers?.includes(boundTo) === false)
    return invalid('powers.numbers', 'conflict', `must hold ${boundTo}, the number that the key is bound to`);
  if (form.microsPerDay !== undefined && tenant.billing !== 'prepaid')
    return invalid(
      'powers.microsPerDay',
      'conflict',
      'needs a tenant that pays here: nothing is priced while its billing is off',
    );
  return { ...form };
}
