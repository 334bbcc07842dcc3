import type { PhoneNumber } from '../accounts.ts';
import { graphError } from '../graph/graph-error.ts';
import { invalid, type Json, malformed, scalarText } from './check.ts';

export type Recipient =
  | { kind: 'phone'; input: string; digits: string }
  | { kind: 'user'; input: string; userId: string }
  | { kind: 'group'; input: string; groupId: string };

// DOC/business-scoped-user-ids; the parent form carries "ENT".
const userIdForm = /^[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}$/;

/** DOC/messages/send-messages: + - ( ) and spaces are stripped, nothing else. */
function digitsOf(input: string): string {
  return /^\d+$/.test(input) ? input : input.replace(/[+\-() ]/g, '');
}

export function readRecipient(body: Json, from: PhoneNumber, dialling: 'lenient' | 'strict'): Recipient {
  const recipientType = scalarText(body.recipient_type) ?? 'individual';
  if (recipientType !== 'individual' && recipientType !== 'group') {
    throw malformed('Param recipient_type must be one of {INDIVIDUAL, GROUP}.');
  }
  const to = scalarText(body.to);
  if (to === undefined || to === '') {
    const userId = scalarText(body.recipient);
    if (recipientType === 'group' || !userId) throw malformed('The parameter to is required.');
    if (!userIdForm.test(userId)) throw invalid('recipient is not a valid business-scoped user id.');
    return { kind: 'user', input: userId, userId };
  }
  if (recipientType === 'group') {
    if (!/^[A-Za-z0-9+/=_-]{4,256}$/.test(to)) {
      throw graphError(131020, { title: 'Invalid group', details: 'to is not a valid group id.' });
    }
    return { kind: 'group', input: to, groupId: to };
  }
  let digits = digitsOf(to);
  // In the documented reading a number without + is national; most official examples contradict it.
  if (dialling === 'strict' && !to.trimStart().startsWith('+')) digits = from.countryCode + digits;
  if (!/^[1-9]\d{5,14}$/.test(digits)) throw invalid(`to is not a valid phone number: ${to}`);
  if (digits === from.digits)
    throw graphError(131021, { details: 'Sender and recipient are the same number.' });
  return { kind: 'phone', input: to, digits };
}
