/** Routes about one person: by which name our tables know it, and which keys may ask, as a person is known to all numbers of a tenant. */
import { isUserId, recipientKey } from '../canonical/content.ts';
import { invalid, type Refusal } from '../canonical/refusal.ts';
import { asPhone } from '../dialects/phone.ts';
import type { Principal } from '../http/authenticate.ts';

/** The key under which our tables know the person. */
export function readPerson(recipient: string): string | Refusal {
  const text = recipient.trim();
  if (isUserId(text)) return text;
  const phone = asPhone(text);
  if (phone !== undefined) return recipientKey(phone);
  return invalid(
    'recipient',
    'format',
    'must be a phone number with its country code (7 to 15 digits), or a user id such as US.13491208655302741918',
  );
}

/** Why a key of some numbers may not. `what`: "an erasure is about"; `instead`: another key that may. */
export function boundKey(
  { numberIds }: Pick<Principal, 'numberIds'>,
  what: string,
  instead = '',
): Refusal | undefined {
  if (numberIds === null) return undefined;
  const numbers = `${numberIds.length === 1 ? 'number' : 'numbers'} ${numberIds.join(', ')}`;
  return {
    code: 'conflict',
    reason: `This key is bound to ${numbers}, and ${what} all numbers of the tenant: use a key without a number${instead}.`,
  };
}
