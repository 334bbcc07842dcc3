/** Writes many contacts at once: new ones get ids, known ones what is new about them. Any number of contacts is a handful of statements. */
import { isDeepStrictEqual } from 'node:util';
import type { Tx } from '../platform/database.ts';
import { type Attributes, type AttributeValue, type Contact, contactsByPhone } from './contacts.ts';
import { lockCounter, setCounter } from './counters.ts';
import { tagContacts } from './tags.ts';

/** What somebody said about a person. What is left out stays as it is. */
export interface ContactInput {
  /** Digits. */
  phone: string;
  original: string;
  name?: string;
  language?: string | null;
  timeZone?: string | null;
  /** null takes the attribute away. */
  attributes?: Record<string, AttributeValue | null>;
  /** Added to those it carries. Ids that there are not (any more) count for nothing. */
  tags?: number[];
}

export interface Saved {
  created: number;
  updated: number;
  unchanged: number;
  skipped: number;
  /** Tags that a contact did not carry before. */
  tagged: number;
  /** Places of inputs that were not taken: their contact would have had more attributes than `attributesMaxBytes`. */
  tooLarge: number[];
}

/** Of one contact's attributes as JSON. */
export const attributesMaxBytes = 16 * 1024;

export interface SaveOptions {
  /** skip: a contact that is there already stays as it is, its tags too. */
  onDuplicate: 'update' | 'skip';
  now: number;
}

/** The same phone may come several times; each time after the first it is a contact that is there. */
export async function saveContacts(
  tx: Tx,
  tenantId: string,
  inputs: ContactInput[],
  { onDuplicate, now }: SaveOptions,
): Promise<Saved> {
  const saved: Saved = { created: 0, updated: 0, unchanged: 0, skipped: 0, tagged: 0, tooLarge: [] };
  const firstId = await lockCounter(tx, tenantId, 'contacts');
  let nextId = firstId;
  const known = await contactsByPhone(
    tx,
    tenantId,
    inputs.map(({ phone }) => phone),
  );
  const changed = new Map<number, Contact>();
  const added: Contact[] = [];
  const taggings: { contact: number; tag: number }[] = [];
  for (const [place, input] of inputs.entries()) {
    let contact = known.get(input.phone);
    if (contact === undefined) {
      contact = applied(blank(nextId++, input, now), input);
      added.push(contact);
      known.set(input.phone, contact);
      saved.created++;
    } else if (onDuplicate === 'skip') {
      saved.skipped++;
      continue;
    } else {
      const after = applied(contact, input);
      if (!fits(after.attributes)) {
        saved.tooLarge.push(place);
        continue;
      }
      if (isDeepStrictEqual(after, contact)) saved.unchanged++;
      else {
        Object.assign(contact, after, { updatedAt: now });
        if (contact.id < firstId) changed.set(contact.id, contact);
        saved.updated++;
      }
    }
    for (const tag of input.tags ?? []) taggings.push({ contact: contact.id, tag });
  }
  if (added.length > 0) {
    await insertContacts(tx, tenantId, added);
    await setCounter(tx, tenantId, 'contacts', nextId);
  }
  if (changed.size > 0) await updateContacts(tx, tenantId, [...changed.values()]);
  saved.tagged = await tagContacts(tx, tenantId, taggings);
  return saved;
}

function blank(id: number, { phone, original }: ContactInput, now: number): Contact {
  return {
    ...{ id, phone, original, name: '', language: null, timeZone: null },
    ...{ attributes: {}, createdAt: now, updatedAt: now },
  };
}

/** The contact as it is after that. Its phone stays: by that it was found. */
export function applied(contact: Contact, input: Partial<ContactInput>): Contact {
  const { name, language, timeZone, attributes } = input;
  return {
    ...contact,
    name: name ?? contact.name,
    language: language === undefined ? contact.language : language,
    timeZone: timeZone === undefined ? contact.timeZone : timeZone,
    attributes: attributes === undefined ? contact.attributes : withChanges(contact.attributes, attributes),
  };
}

export function fits(attributes: Attributes): boolean {
  return Buffer.byteLength(attributesText(attributes) ?? '') <= attributesMaxBytes;
}

function withChanges(before: Attributes, changes: Record<string, AttributeValue | null>): Attributes {
  const after: Attributes = { ...before };
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete after[name];
    else after[name] = value;
  }
  return after;
}

const members = `value ->> 'name' as name, value ->> 'original' as original, value ->> 'language' as language,
  value ->> 'time_zone' as time_zone, value ->> 'attributes' as attributes, cast(value ->> 'at' as bigint) as at`;

const rowsOf = (contacts: Contact[]) =>
  JSON.stringify(
    contacts.map(({ id, phone, original, name, language, timeZone, attributes, updatedAt }) => ({
      ...{ id, phone, name, language },
      original: original === phone ? null : original,
      time_zone: timeZone,
      attributes: attributesText(attributes),
      at: updatedAt,
    })),
  );

/** As it is stored; null when there are none. */
function attributesText(attributes: Attributes): string | null {
  for (const _ in attributes) return JSON.stringify(attributes);
  return null;
}

async function insertContacts(tx: Tx, tenantId: string, contacts: Contact[]): Promise<void> {
  await tx.all(
    `with s as materialized (
       select cast(value ->> 'id' as bigint) as id, value ->> 'phone' as phone, ${members} from json_rows($2))
     insert into contacts (tenant_id, id, phone, name, original, language, time_zone, attributes, created_at)
     select $1, id, phone, name, original, language, time_zone, attributes, at from s`,
    [tenantId, rowsOf(contacts)],
  );
}

/** Everything but the phone. */
export async function updateContacts(tx: Tx, tenantId: string, contacts: Contact[]): Promise<void> {
  await tx.all(
    `with s as materialized (select cast(value ->> 'id' as bigint) as id, ${members} from json_rows($2))
     update contacts set name = s.name, original = s.original, language = s.language, time_zone = s.time_zone,
       attributes = s.attributes, updated_at = s.at
     from s where contacts.tenant_id = $1 and contacts.id = s.id and one_of(contacts.id, select id from s)`,
    [tenantId, rowsOf(contacts)],
  );
}
