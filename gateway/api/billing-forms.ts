/** How money is written in the native API: decimals for people, micros beside them for programs. */
import { Type } from 'typebox';
import { microsMax, readAmount, tellAmount } from '../canonical/money.ts';
import { invalid, type RefusalOf } from '../canonical/refusal.ts';

export const Billing = Type.Enum(['off', 'prepaid'], {
  description:
    "prepaid: each send is held against the tenant's balance and refused when that does not cover it. off: nothing is counted.",
});

/** An amount as callers write it. */
export const Amount = Type.String({
  maxLength: 40,
  description: "A decimal of the installation's currency with at most six places, such as 25.00.",
});

export const Money = Type.Object({
  amount: Type.String({ description: "A decimal of the installation's currency." }),
  micros: Type.Integer({ description: 'The same in millionths.' }),
});

export const tellMoney = (micros: number) => ({ amount: tellAmount(micros), micros });

export const LowBelow = Type.String({
  maxLength: 40,
  description: 'The balance counts as low when less than this is available: 25.00, or none.',
});

/** undefined: it was left out. null: no mark. */
export function readLowBelow(
  text: string | undefined,
): number | null | undefined | RefusalOf<'field_invalid'> {
  if (text === undefined) return undefined;
  if (text.trim() === 'none') return null;
  return readMicros('lowBelow', text);
}

export function readMicros(path: string, text: string): number | RefusalOf<'field_invalid'> {
  const micros = readAmount(text);
  if (micros === undefined || Math.abs(micros) > microsMax)
    return invalid(
      path,
      'format',
      'must be an amount such as 25.00, with at most nine digits before the point and six after it',
    );
  return micros;
}
