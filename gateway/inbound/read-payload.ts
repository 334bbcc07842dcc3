/**
 * Meta's webhook payload, read into facts (cloud-api.md §7). Pure, and never throws: what is not understood becomes a
 * `kept` fact, so that one odd item costs nothing to the others.
 */
import type { MetaChange } from '../canonical/event.ts';
import { isObject, type Json, type JsonObject } from '../canonical/json.ts';
import type { Fact, KeptFact } from './facts.ts';
import { contactOf, items, namesOf, object, objects, seconds, text } from './fields.ts';
import { readAccountField } from './read-account.ts';
import { readIncoming } from './read-incoming.ts';
import { personFields, type ReadPerson } from './read-people.ts';
import { readStatus } from './read-status.ts';

/** One change of one entry, as far as its items share it. */
export interface Surroundings {
  phoneNumberId: string | null;
  wabaId: string;
  /** Of the contacts, an item takes its own. */
  contacts: JsonObject[];
  receivedAt: number;
  /** When Meta says the entry was made, or else when it came. */
  entryAt: number;
  /** Meta's change with these members of its value only, beside those that say whose it is. */
  reduced(members: JsonObject, contact?: JsonObject): MetaChange;
}

/** Facts of other products of Meta's that share the app's callback are none of ours. */
export function isForWhatsApp({ object: what }: JsonObject): boolean {
  return what === undefined || what === 'whatsapp_business_account';
}

export function readPayload(payload: JsonObject, receivedAt: number): Fact[] {
  return objects(payload.entry).flatMap(entry =>
    objects(entry.changes).flatMap(change => readChange(entry, change, receivedAt)),
  );
}

function readChange(entry: JsonObject, change: JsonObject, receivedAt: number): Fact[] {
  const field = text(change.field) ?? '';
  const value = object(change.value);
  const wabaId = text(entry.id) ?? '';
  const entryAt = seconds(entry.time);
  const told = { wabaId, time: entryAt === undefined ? null : entryAt / 1000, field };
  const { messaging_product, metadata } = value;
  const whose: JsonObject = {
    ...(messaging_product === undefined ? {} : { messaging_product }),
    ...(metadata === undefined ? {} : { metadata }),
  };
  const around: Surroundings = {
    phoneNumberId: text(object(metadata).phone_number_id) ?? null,
    wabaId,
    contacts: objects(value.contacts),
    receivedAt,
    entryAt: entryAt ?? receivedAt,
    reduced: (members, contact) => ({
      ...told,
      value: { ...whose, ...(contact === undefined ? {} : { contacts: [contact] }), ...members },
    }),
  };
  const whole = (): Fact[] => [keep(around, field, change.value ?? null, { ...told, value })];
  if (field === 'messages' && around.phoneNumberId !== null) return readMessages(value, around);
  const people = value[field];
  const readPerson = Object.hasOwn(personFields, field) ? personFields[field] : undefined;
  if (readPerson !== undefined && Array.isArray(people)) return readPeople(around, field, people, readPerson);
  const about = readAccountField(field, value, around);
  return about === undefined ? whole() : [{ ...about, change: { ...told, value } }];
}

const lists = ['contacts', 'statuses', 'messages', 'errors'];

function readMessages(value: JsonObject, around: Surroundings): Fact[] {
  const each = (
    member: string,
    what: string,
    read?: (item: JsonObject, around: Surroundings) => Fact | undefined,
  ): Fact[] =>
    items(value[member]).map(
      item =>
        (isObject(item) ? read?.(item, around) : undefined) ??
        keep(around, `messages.${what}`, item, around.reduced({ [member]: [item] })),
    );
  const facts = [
    ...each('statuses', 'status', readStatus),
    ...each('messages', 'message', readIncoming),
    ...each('errors', 'error'),
  ];
  const others = Object.entries(value).filter(([key, member]) =>
    lists.includes(key) ? !isList(member) : key !== 'messaging_product' && key !== 'metadata',
  );
  if (others.length > 0) {
    const rest = Object.fromEntries(others);
    facts.push(keep(around, 'messages.other', rest, around.reduced(rest)));
  }
  return facts;
}

const isList = (member: Json) => member === null || Array.isArray(member);

function keep(around: Surroundings, field: string, payload: Json, change: MetaChange): KeptFact {
  const { phoneNumberId, wabaId, entryAt } = around;
  return { kind: 'kept', phoneNumberId, wabaId, field, at: entryAt, payload, change };
}

function readPeople(around: Surroundings, field: string, list: Json[], read: ReadPerson): Fact[] {
  return list.map(item => {
    const own = isObject(item)
      ? contactOf(around.contacts, namesOf([item.wa_id, item.user_id, item.from]))
      : undefined;
    const only = around.contacts.length === 1 && list.length === 1 ? around.contacts[0] : undefined;
    const change = around.reduced({ [field]: [item] }, own ?? only);
    return (isObject(item) ? read(item, around, change) : undefined) ?? keep(around, field, item, change);
  });
}
