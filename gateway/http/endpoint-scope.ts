/** Which endpoints a key sees and makes: a key that is bound to numbers those of its numbers only. */
import { invalid, isRefusal, type Refusal } from '../canonical/refusal.ts';
import type { Endpoint } from '../tenants/endpoints.ts';
import type { NumberBook } from '../tenants/number-book.ts';
import type { Principal } from './authenticate.ts';
import { seesNumber, selectNumber } from './select-number.ts';

export function seesEndpoint(principal: Principal, { numberId }: Pick<Endpoint, 'numberId'>): boolean {
  return numberId === null ? principal.numberIds === null : seesNumber(principal, numberId);
}

/** The number a new endpoint is for, null for all of the tenant's. */
export async function numberOfNew(
  numbers: NumberBook,
  principal: Principal,
  asked: number | undefined,
): Promise<number | null | Refusal> {
  if (asked !== undefined) {
    const number = await selectNumber(numbers, principal, { by: 'id', id: String(asked) });
    if (!isRefusal(number)) return number.id;
    return number.code === 'number_forbidden' ? { code: 'number_not_found', number: String(asked) } : number;
  }
  const { numberIds } = principal;
  if (numberIds === null) return null;
  const [only, ...more] = numberIds;
  if (only !== undefined && more.length === 0) return only;
  return invalid('numberId', 'required', `is required: this key is bound to numbers ${numberIds.join(', ')}`);
}
