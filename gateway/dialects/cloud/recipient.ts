/** Whom a Cloud API body writes to (cloud-api.md §1.2): a phone number, a business-scoped user id, or a group. */
import { isUserId, type Recipient } from '../../canonical/content.ts';
import type { JsonObject } from '../../canonical/json.ts';
import { invalid, type Refusal } from '../../canonical/refusal.ts';
import { asPhone, phoneRule } from '../phone.ts';
import { asText, given } from '../reading.ts';
import { readWord } from './word.ts';

/** `to` wins over `recipient`; a group is only ever named by `to`. */
export function readRecipient(body: JsonObject): Recipient | Refusal {
  const type = readWord(body, 'recipient_type', ['individual', 'group']);
  if (typeof type === 'object') return type;
  const to = given(body, 'to');
  const user = asText(given(body, 'recipient'));
  if (to === undefined || to === '') {
    if (type === 'group' || user === undefined || user === '') return { code: 'recipient_missing' };
    if (!isUserId(user))
      return invalid(
        'recipient',
        'format',
        'must be a business-scoped user id such as US.13491208655302741918',
      );
    return { kind: 'user', id: user };
  }
  if (type === 'group') {
    const id = asText(to);
    return id === undefined ? invalid('to', 'type', 'must be a string') : { kind: 'group', id };
  }
  return asPhone(to) ?? invalid('to', 'format', phoneRule);
}
