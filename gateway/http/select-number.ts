/** Which number a command is sent from, and whether this key may use it. */
import type { Refusal } from '../canonical/refusal.ts';
import { invalid } from '../canonical/refusal.ts';
import type { NumberSelector } from '../dialects/dialect.ts';
import type { NumberBook, SendingNumber } from '../tenants/number-book.ts';
import type { Principal } from './authenticate.ts';

export async function selectNumber(
  numbers: NumberBook,
  principal: Principal,
  selector: NumberSelector,
): Promise<SendingNumber | Refusal> {
  switch (selector.by) {
    case 'only': {
      const own = (await numbers.ofTenant(principal.tenantId)).filter(number => mayUse(principal, number));
      return own[0] ?? { code: 'number_not_found', number: '' };
    }
    case 'id': {
      const number = /^\d{1,15}$/.test(selector.id) ? await numbers.byId(Number(selector.id)) : undefined;
      if (number === undefined) return { code: 'number_not_found', number: selector.id };
      return mayUse(principal, number) ? number : { code: 'number_forbidden', number: selector.id };
    }
    case 'phoneNumberId': {
      const number = await numbers.byPhoneNumberId(selector.id);
      if (number === undefined) return { code: 'number_not_found', number: selector.id };
      return mayUse(principal, number) ? number : { code: 'number_forbidden', number: selector.id };
    }
    case 'displayNumber': {
      const own = (await numbers.ofTenant(principal.tenantId)).filter(number => mayUse(principal, number));
      return (
        own.find(({ displayNumber }) => displayNumber === selector.digits) ??
        invalid(selector.path, 'enum', `must be one of your numbers, ${selector.digits} is not`)
      );
    }
  }
}

function mayUse(principal: Principal, number: SendingNumber): boolean {
  return (
    number.tenantId === principal.tenantId &&
    (principal.numberId === null || principal.numberId === number.id)
  );
}
