/** Which number a command is sent from, and whether this key may use it. */
import type { Refusal } from '../canonical/refusal.ts';
import { invalid } from '../canonical/refusal.ts';
import type { NumberSelector } from '../dialects/dialect.ts';
import { mayNotUse } from '../tenants/key-powers.ts';
import type { NumberBook, SendingNumber } from '../tenants/number-book.ts';
import type { Principal } from './authenticate.ts';

export async function selectNumber(
  numbers: NumberBook,
  principal: Principal,
  selector: NumberSelector,
): Promise<SendingNumber | Refusal> {
  switch (selector.by) {
    case 'only': {
      const number = await firstOf(numbers, principal);
      return number ?? { code: 'number_not_found', number: '' };
    }
    case 'id': {
      const number = /^\d{1,15}$/.test(selector.id) ? await numbers.byId(Number(selector.id)) : undefined;
      if (number === undefined) return { code: 'number_not_found', number: selector.id };
      return mayUse(principal, number) ? number : forbidden(principal, number, selector.id);
    }
    case 'phoneNumberId': {
      const number = await numbers.byPhoneNumberId(selector.id);
      if (number === undefined) return { code: 'number_not_found', number: selector.id };
      return mayUse(principal, number) ? number : forbidden(principal, number, selector.id);
    }
    case 'displayNumber': {
      const number = await numbers.byDisplayNumber(principal.tenantId, selector.digits);
      return number !== undefined && mayUse(principal, number)
        ? number
        : invalid(selector.path, 'enum', `must be one of your numbers, ${selector.digits} is not`);
    }
  }
}

async function firstOf(numbers: NumberBook, principal: Principal): Promise<SendingNumber | undefined> {
  if (principal.numberIds === null) return numbers.firstOf(principal.tenantId);
  for (const id of principal.numberIds.toSorted((a, b) => a - b)) {
    const number = await numbers.byId(id);
    if (number !== undefined && mayUse(principal, number)) return number;
  }
  return undefined;
}

function mayUse(principal: Principal, number: SendingNumber): boolean {
  return number.tenantId === principal.tenantId && seesNumber(principal, number.id);
}

/** Whether a key may use and see this number of its tenant. */
export function seesNumber({ numberIds }: Pick<Principal, 'numberIds'>, numberId: number): boolean {
  return numberIds === null || numberIds.includes(numberId);
}

/** A number of the tenant that the key's powers leave out is told as such; of another tenant's is said no more than that it is. */
function forbidden(principal: Principal, number: SendingNumber, name: string): Refusal {
  const reason = number.tenantId === principal.tenantId ? mayNotUse(principal.powers, number.id) : undefined;
  return reason === undefined
    ? { code: 'number_forbidden', number: name }
    : { code: 'power_missing', reason };
}
