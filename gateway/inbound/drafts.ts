/** The events of what people wrote and of what Meta told of them. */
import type { EventDraft } from '../canonical/event.ts';
import { isObject, type JsonObject } from '../canonical/json.ts';
import { isoTime } from '../platform/clock.ts';
import { numberNames } from '../tenants/numbers.ts';
import type { CallFact, IncomingFact, KeptFact, PreferenceFact, RenameFact, StatusFact } from './facts.ts';
import { object, text } from './fields.ts';
import type { Owned, OwnedFact } from './owned.ts';

/** A message of ours that somebody answered. */
export interface Answered {
  id: string;
  wamid: string;
  dialect: string;
  callbackData: string | null;
  campaign: string | null;
}

type Named = Pick<OwnedFact, 'number'>;

export const numberOf = ({ number }: Named) => (number === null ? null : numberNames(number));
const idOf = ({ number }: Named) => number?.id ?? null;

export function receivedDraft(fact: Owned<IncomingFact>, inReplyTo: Answered | undefined): EventDraft {
  const { message, contact } = fact.payload;
  const content = object(message);
  const name = text(object(isObject(contact) ? contact.profile : undefined).name) ?? null;
  return {
    type: 'message.received',
    at: fact.at,
    numberId: fact.numberId,
    person: fact.sender,
    messageId: null,
    data: {
      message: {
        ...{ id: fact.wamid, type: fact.type, from: fact.sender, names: fact.names, name },
        ...{ at: isoTime(fact.at), content, inReplyTo: inReplyTo === undefined ? null : { ...inReplyTo } },
      },
      number: numberOf(fact),
      contact: contact ?? null,
    },
    meta: fact.change,
  };
}

/**
 * Of a preference, of a message that is a stop or start word, of a send that Meta refused because the person had stopped it. The last
 * two have events of their own, and Meta's words go with those.
 */
export function wishDraft(
  fact: Owned<PreferenceFact | IncomingFact | StatusFact>,
  wish: 'stop' | 'start',
): EventDraft {
  const [recipient = ''] = fact.names;
  return {
    type: wish === 'stop' ? 'recipient.opted_out' : 'recipient.opted_in',
    at: fact.at,
    numberId: fact.numberId,
    person: recipient,
    messageId: null,
    data: {
      recipient,
      names: fact.names,
      source: fact.kind === 'incoming' ? 'message' : 'meta',
      at: isoTime(fact.at),
    },
    meta: fact.kind === 'preference' ? fact.change : null,
  };
}

/** Of a name that Meta says has taken the place of another; none when there is no such name. */
export function renamedDraft(
  fact: Owned<RenameFact | IncomingFact>,
  from: string[],
  to: string[],
): EventDraft[] {
  const [current] = to;
  if (current === undefined) return [];
  // A number takes the place of a number, a user id that of a user id, whatever else the person is called.
  const isNumber = (name: string) => /^\d+$/.test(name);
  const previous = from.find(name => isNumber(name) === isNumber(current)) ?? from[0] ?? null;
  const event: EventDraft = {
    type: 'recipient.changed',
    at: fact.at,
    numberId: fact.numberId,
    person: current,
    messageId: null,
    data: { recipient: current, names: [...new Set([...to, ...from])], previous, current },
    meta: fact.kind === 'rename' ? fact.change : null,
  };
  return [event];
}

/** Of what has no name of its own among events. */
export function keptDraft(fact: Owned<KeptFact | CallFact>): EventDraft {
  const person = fact.kind === 'call' ? (fact.names[0] ?? null) : null;
  const shared = { at: fact.at, numberId: idOf(fact), person, messageId: null, meta: fact.change };
  const data: JsonObject =
    fact.field === 'messages.error'
      ? { number: numberOf(fact), error: fact.payload }
      : { field: fact.change.field, value: fact.payload };
  return { ...shared, type: fact.field === 'messages.error' ? 'meta.error' : 'meta.change', data };
}
