/** What somebody says about a person, checked once for the API and for every row of a file. */
import { isObject, type Json, type JsonObject } from '../canonical/json.ts';
import type { PhoneReader } from '../canonical/phone-number.ts';
import type { Issue } from '../canonical/refusal.ts';
import { storable } from '../platform/database.ts';
import type { AttributeValue } from '../tenants/contacts.ts';
import { attributesMaxBytes, type ContactInput } from '../tenants/save-contacts.ts';

export interface ReadOptions {
  phones: PhoneReader;
  /** Of numbers without a country code. */
  country: string | undefined;
  /** From an id or a name of a tag to its id. */
  tagOf(text: string): number | undefined;
}

const nameMax = 200;
const originalMax = 60;
const attributeNameMax = 100;
const told = ['phone', 'name', 'language', 'timeZone', 'tags', 'attributes', 'country'];
/** What an export writes beside. */
const ignored = ['id', 'original', 'formerPhones', 'createdAt', 'updatedAt'];
const known = new Set([...told, ...ignored]);

type Check = (path: string, rule: Issue['rule'], message: string) => void;

/** Everything that is wrong; else the contact. Members that are null say nothing. */
export function readContact(fields: JsonObject, options: ReadOptions): ContactInput | Issue[] {
  const issues: Issue[] = [];
  const wrong: Check = (path, rule, message) => void issues.push({ path, rule, message });
  for (const name in fields)
    if (!known.has(name)) wrong(name.slice(0, 60), 'conflict', 'is not a member of a contact');
  const country = countryOf(fields.country, options, wrong);
  const original = textOf(fields.phone) ?? '';
  const reading = options.phones.read(original, country);
  if ('problem' in reading) wrong('phone', original === '' ? 'required' : 'format', reading.problem);
  const contact: ContactInput = {
    phone: 'digits' in reading ? reading.digits : '',
    original: storable(original.trim().slice(0, originalMax)),
  };
  readDetails(fields, contact, wrong);
  if (given(fields.tags)) contact.tags = tagsOf(fields.tags, options, wrong);
  return issues.length > 0 ? issues : contact;
}

/** All but the phone and the tags. */
export function readDetails(fields: JsonObject, contact: Partial<ContactInput>, wrong: Check): void {
  if (given(fields.name)) {
    const name = textOf(fields.name);
    if (name === undefined) wrong('name', 'type', 'must be a text');
    else if (name.length > nameMax) wrong('name', 'length', `must be at most ${nameMax} characters`);
    else if (name.includes('\uFFFD')) wrong('name', 'format', 'is not written in UTF-8');
    else contact.name = storable(name.trim());
  }
  if (given(fields.language)) {
    const language = String(fields.language).replace('-', '_');
    if (!/^[a-z]{2,3}(_[A-Z]{2,3})?$/.test(language))
      wrong('language', 'format', 'must be a language as Meta writes it, such as tr or pt_BR');
    else contact.language = language;
  }
  if (given(fields.timeZone)) {
    const zone = String(fields.timeZone);
    if (!isTimeZone(zone)) wrong('timeZone', 'format', 'must be a time zone such as Europe/Istanbul');
    else contact.timeZone = zone;
  }
  if (given(fields.attributes)) {
    const attributes = attributesOf(fields.attributes, wrong);
    if (attributes !== undefined) contact.attributes = attributes;
  }
}

const given = (value: Json | undefined): value is Exclude<Json, null> =>
  value !== undefined && value !== null && value !== '';

const textOf = (value: Json | undefined): string | undefined =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;

function countryOf(value: Json | undefined, { country, phones }: ReadOptions, wrong: Check) {
  if (!given(value)) return country;
  const own = String(value).trim().toUpperCase();
  if (phones.isCountry(own)) return own;
  wrong('country', 'format', countryRule);
  return country;
}

export const countryRule = 'must be a country in two letters, such as TR';

function tagsOf(value: Exclude<Json, null>, { tagOf }: ReadOptions, wrong: Check): number[] {
  const texts = Array.isArray(value)
    ? value.map(one => textOf(one) ?? '')
    : (textOf(value) ?? '').split(/[;,|]/);
  const ids: number[] = [];
  for (const text of texts.map(one => one.trim()).filter(one => one !== '')) {
    const id = tagOf(text);
    if (id !== undefined) ids.push(id);
    else wrong('tags', 'conflict', 'names a tag that there is not');
  }
  return ids;
}

function attributesOf(
  value: Exclude<Json, null>,
  wrong: Check,
): Record<string, AttributeValue | null> | undefined {
  if (!isObject(value)) {
    wrong('attributes', 'type', 'must be an object');
    return undefined;
  }
  const read: Record<string, AttributeValue | null> = {};
  for (const [name, one] of Object.entries(value)) {
    const path = `attributes.${name.slice(0, 60)}`;
    if (name.trim() === '' || name.length > attributeNameMax || name === '__proto__')
      wrong(path, 'format', `must have a name of at most ${attributeNameMax} characters`);
    else if (typeof one === 'object' && one !== null)
      wrong(path, 'type', 'must be a text, a number, true or false');
    else if (typeof one === 'string' && one.includes('\uFFFD'))
      wrong(path, 'format', 'is not written in UTF-8');
    else read[storable(name.trim())] = typeof one === 'string' ? storable(one) : one;
  }
  if (Buffer.byteLength(JSON.stringify(read)) > attributesMaxBytes)
    wrong('attributes', 'length', attributesRule);
  return read;
}

export const attributesRule = `must be at most ${attributesMaxBytes} bytes as JSON`;

const zones = new Map<string, boolean>();

/** An IANA name: Europe/Istanbul. */
export function isTimeZone(zone: string): boolean {
  let is = zones.get(zone);
  if (is === undefined) {
    try {
      is = zone.length <= 60 && new Intl.DateTimeFormat('en', { timeZone: zone }) !== undefined;
    } catch {
      is = false;
    }
    // Whatever callers make up must not stay for ever.
    if (zones.size >= 1_000) zones.clear();
    zones.set(zone, is);
  }
  return is;
}
