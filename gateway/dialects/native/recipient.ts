/** `to` of the native API: a phone number, `{user: …}` or `{group: …}`. */
import { isUserId, type Recipient } from '../../canonical/content.ts';
import { isObject, type Json } from '../../canonical/json.ts';
import { invalid, type Refusal } from '../../canonical/refusal.ts';
import { asPhone, phoneRule } from '../phone.ts';
import { asText, given, isBlank } from '../reading.ts';

export function readRecipient(to: Json | undefined): Recipient | Refusal {
  if (isBlank(to)) return { code: 'recipient_missing' };
  if (!isObject(to)) return asPhone(to) ?? invalid('to', 'format', phoneRule);
  const user = given(to, 'user');
  const group = given(to, 'group');
  if ((user === undefined) === (group === undefined)) {
    return invalid('to', 'conflict', 'must be a phone number, {"user": …} or {"group": …}');
  }
  if (group !== undefined) {
    const id = asText(group);
    return isBlank(id) ? invalid('to.group', 'type', 'must be the id of a group') : { kind: 'group', id };
  }
  const id = asText(user);
  if (id !== undefined && isUserId(id)) return { kind: 'user', id };
  return invalid('to.user', 'format', 'must be a business-scoped user id such as US.13491208655302741918');
}

/** The recipient as a caller would write it in `to`. */
export function writeRecipient(recipient: Recipient): Json {
  switch (recipient.kind) {
    case 'phone':
      return recipient.to;
    case 'user':
      return { user: recipient.id };
    case 'group':
      return { group: recipient.id };
  }
}
