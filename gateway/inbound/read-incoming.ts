/** One item of `messages` (cloud-api.md §7.3). */
import { isObject, type JsonObject } from '../canonical/json.ts';
import type { IncomingFact } from './facts.ts';
import { contactOf, namesOf, object, seconds, text } from './fields.ts';
import type { Surroundings } from './read-payload.ts';
import { renamedTo } from './read-people.ts';

/** Meta's own word, and changes of what was written before: no new message of the person. */
const notWritten = ['system', 'edit', 'revoke'];

export function readIncoming(message: JsonObject, around: Surroundings): IncomingFact | undefined {
  const { phoneNumberId, wabaId, contacts, receivedAt } = around;
  const wamid = text(message.id);
  const from = text(message.from);
  const userId = text(message.from_user_id);
  const own = contactOf(contacts, namesOf([from, userId]));
  const contact = own ?? contacts[0];
  const sender = from ?? userId ?? text(contact?.wa_id) ?? text(contact?.user_id);
  if (phoneNumberId === null || wamid === undefined || sender === undefined) return undefined;
  const type = text(message.type) ?? 'unknown';
  const inGroup = text(message.group_id) !== undefined;
  return {
    kind: 'incoming',
    phoneNumberId,
    wabaId,
    wamid,
    sender,
    // The contact beside a message need not be its sender's.
    names: namesOf([sender, from, userId, own?.wa_id, own?.user_id]),
    type,
    at: seconds(message.timestamp) ?? receivedAt,
    words: wordsOf(message),
    referred: isObject(message.referral),
    opensWindow: !inGroup && !notWritten.includes(type),
    inGroup,
    answers: text(object(message.context).id) ?? text(object(message.reaction).message_id) ?? null,
    renamedTo: renamedTo(message),
    payload: contact === undefined ? { message } : { message, contact },
    change: around.reduced({ messages: [message] }, contact),
  };
}

/** A typed text, or what stands on the button that was pressed. */
function wordsOf({ text: typed, button, interactive }: JsonObject): string[] {
  const { button_reply, list_reply } = object(interactive);
  const said = [
    object(typed).body,
    object(button).text,
    object(button).payload,
    object(button_reply ?? list_reply).title,
  ];
  return said.map(text).filter(one => one !== undefined);
}
