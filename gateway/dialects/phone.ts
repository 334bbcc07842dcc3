/** A phone number in a request body, and the recipient it names. */
import { phoneDigits, type Recipient } from '../canonical/content.ts';
import type { Json } from '../canonical/json.ts';
import { asText } from './reading.ts';

type PhoneRecipient = Extract<Recipient, { kind: 'phone' }>;

/**
 * Digits with the punctuation Meta strips: `+`, `-`, `( )` and spaces (cloud-api.md §1.2). Meta is given the number as
 * the caller wrote it, because `+` changes how it reads the country code and `contacts[].input` echoes it.
 */
export function asPhone(value: Json | undefined): PhoneRecipient | undefined {
  const to = asText(value)?.trim();
  if (to === undefined || !/^[\d+\-() ]+$/.test(to)) return undefined;
  const digits = phoneDigits(to);
  return digits === undefined ? undefined : { kind: 'phone', digits, to };
}

export const phoneRule = 'must be a phone number with its country code, 7 to 15 digits';
