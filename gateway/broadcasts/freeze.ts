/**
 * The audience of a broadcast is written down: contacts become rows of the ledger, slice by slice, each slice in one transaction with how
 * far the freezing is. So a kill costs nothing, nobody waits longer than for one slice, and what becomes of the contacts later changes
 * nothing.
 */
import { phoneNames } from '../canonical/phone-names.ts';
import type { Sql, Tx } from '../platform/database.ts';
import type { Seal } from '../platform/seal.ts';
import { type Contact, contactsByPhone } from '../tenants/contacts.ts';
import { erasedSince } from '../tenants/erased.ts';
import { withTags } from '../tenants/tags.ts';
import { type ContactFilter, walkContacts } from '../tenants/walk-contacts.ts';
import type { Broadcast, Freezing, FreezingBroadcast } from './broadcast.ts';
import { type FrozenSlice, frozen } from './frozen.ts';
import { insertRecipients, type NewRecipient, personOf } from './recipients.ts';
import { sliceToRetry } from './retry.ts';
import { type Variables, variablesIn, variablesOf } from './variables.ts';

/** One slice of so many rows at most, for who holds the lock of the broadcast. */
export async function freezeStep(
  tx: Tx,
  broadcast: FreezingBroadcast,
  seal: Pick<Seal, 'digest'>,
  rowsMax: number,
  now: number,
): Promise<void> {
  await writeSlice(tx, broadcast, await readSlice(tx, broadcast, rowsMax, now), seal, now);
}

export async function readSlice(
  sql: Sql,
  broadcast: FreezingBroadcast,
  rowsMax: number,
  now: number,
): Promise<FrozenSlice> {
  return broadcast.retryOf === null
    ? sliceOfContacts(sql, broadcast, rowsMax, now)
    : sliceToRetry(sql, broadcast, rowsMax, now);
}

/**
 * Whose erasure was asked for since the launch is left out: it waits for the lock of the broadcast before it looks at the ledger
 * (forget.ts), so that nobody comes back behind it.
 */
export async function writeSlice(
  tx: Tx,
  broadcast: FreezingBroadcast,
  { recipients, next }: FrozenSlice,
  seal: Pick<Seal, 'digest'>,
  now: number,
): Promise<void> {
  const { tenantId, id, launchedAt } = broadcast;
  const phones = recipients.map(({ phone }) => phone);
  const erased = await erasedSince(tx, seal, tenantId, phones, launchedAt ?? 0);
  const kept = erased.size === 0 ? recipients : recipients.filter(({ phone }) => !erased.has(phone));
  const { made, skipped } = await insertRecipients(tx, { tenantId, broadcastId: id }, kept);
  const freezing = freezingAfter(broadcast, next);
  const frozenAt = freezing === null ? now : null;
  await tx.all(
    `update broadcasts set recipients = recipients + $3, skipped = skipped + $4, freezing = $5, frozen_at = $6, updated_at = $7
     where tenant_id = $1 and id = $2`,
    [...[tenantId, id, made, skipped, freezing === null ? null : JSON.stringify(freezing), frozenAt], now],
  );
}

async function sliceOfContacts(
  sql: Sql,
  broadcast: FreezingBroadcast,
  rowsMax: number,
  now: number,
): Promise<FrozenSlice> {
  const { source, after } = broadcast.freezing;
  const filter = sourcesOf(broadcast)[source];
  if (filter === undefined) return { recipients: [], next: undefined };
  const slice = await walkContacts(sql, broadcast.tenantId, filter, after, rowsMax);
  const contacts = await withoutExcluded(sql, broadcast, slice.contacts);
  return { recipients: recipientsOf(broadcast, contacts, now), next: slice.next };
}

/** The sources of contacts, each a walk of its own. */
export function sourcesOf({ audience }: Pick<Broadcast, 'audience'>): ContactFilter[] {
  const tags = audience.tags.map((tag): ContactFilter => ({ tag }));
  return audience.filter === null ? tags : [...tags, audience.filter];
}

function freezingAfter(broadcast: FreezingBroadcast, next: string | undefined): Freezing | null {
  const { source } = broadcast.freezing;
  if (next !== undefined) return { source, after: next };
  return source + 1 < sourcesOf(broadcast).length ? { source: source + 1, after: '' } : null;
}

/** Without those whom the audience leaves out, by phone or by tag. */
export async function withoutExcluded(
  sql: Sql,
  { tenantId, audience }: Pick<Broadcast, 'tenantId' | 'audience'>,
  contacts: Contact[],
): Promise<Contact[]> {
  const { phones, tags } = audience.exclude;
  if (contacts.length === 0 || phones.length + tags.length === 0) return contacts;
  const persons = new Set(phones.map(personOf));
  const tagged = await withTags(
    sql,
    tenantId,
    tags,
    contacts.map(({ id }) => id),
  );
  return contacts.filter(({ id, phone }) => !tagged.has(id) && !persons.has(personOf(phone)));
}

/** What is frozen of contacts. */
function recipientsOf(broadcast: Broadcast, contacts: Contact[], now: number): NewRecipient[] {
  const names = variablesIn(broadcast.content);
  return contacts.map(contact => ({
    phone: contact.phone,
    contactId: contact.id,
    ...frozen(broadcast, variablesOf(contact, names), contact.timeZone, now),
  }));
}

/** Somebody named one by one, in a request or a file, with what is said to this one alone. */
export interface NamedRecipient {
  phone: string;
  variables: Variables;
}

/** `skipped`: of those made, who get no message. `excluded`: whom the audience leaves out. The others were there already. */
export interface Added {
  made: number;
  skipped: number;
  excluded: number;
}

/** People of one statement. */
const addedAtOnce = 1_000;

/**
 * Adds people to a draft, however many. Of one who is a contact, what was not said is filled in from there. For who holds the lock of the
 * draft.
 */
export async function addRecipients(
  tx: Tx,
  broadcast: Broadcast,
  named: NamedRecipient[],
  now: number,
): Promise<Added> {
  const added = { made: 0, skipped: 0, excluded: 0 };
  for (let n = 0; n < named.length; n += addedAtOnce) {
    const some = await addSome(tx, broadcast, named.slice(n, n + addedAtOnce), now);
    added.made += some.made;
    added.skipped += some.skipped;
    added.excluded += some.excluded;
  }
  return added;
}

async function addSome(tx: Tx, broadcast: Broadcast, named: NamedRecipient[], now: number): Promise<Added> {
  const { tenantId, id, content, audience } = broadcast;
  const contactOf = await contactsNamed(tx, tenantId, named);
  const names = variablesIn(content);
  const excluded = new Set(audience.exclude.phones.map(personOf));
  const contacts = new Set(named.flatMap(({ phone }) => contactOf(phone) ?? []));
  const kept = new Set((await withoutExcluded(tx, broadcast, [...contacts])).map(contact => contact.id));
  const recipients = named
    .filter(({ phone }) => {
      const contact = contactOf(phone);
      return !excluded.has(personOf(phone)) && (contact === undefined || kept.has(contact.id));
    })
    .map(({ phone, variables }): NewRecipient => {
      const contact = contactOf(phone);
      const known = contact === undefined ? { phone: `+${phone}` } : variablesOf(contact, names);
      const said = { ...pick(known, names), ...pick(variables, names) };
      return {
        ...{ phone, contactId: contact?.id ?? null },
        ...frozen(broadcast, said, contact?.timeZone ?? null, now),
      };
    });
  const { made, skipped } = await insertRecipients(tx, { tenantId, broadcastId: id }, recipients);
  if (made > 0)
    await tx.all(
      `update broadcasts set recipients = recipients + $3, skipped = skipped + $4, updated_at = $5
       where tenant_id = $1 and id = $2`,
      [tenantId, id, made, skipped, now],
    );
  return { made, skipped, excluded: named.length - recipients.length };
}

/** Which contact a phone is of, however it is written. */
async function contactsNamed(
  sql: Sql,
  tenantId: string,
  named: NamedRecipient[],
): Promise<(phone: string) => Contact | undefined> {
  const found = await contactsByPhone(
    sql,
    tenantId,
    named.flatMap(({ phone }) => phoneNames(phone)),
  );
  return phone => {
    const name = phoneNames(phone).find(one => found.has(one));
    return name === undefined ? undefined : found.get(name);
  };
}

const pick = (variables: Variables, names: readonly string[]): Variables =>
  Object.fromEntries(
    names.flatMap(name =>
      Object.hasOwn(variables, name) && variables[name] !== '' ? [[name, variables[name]!]] : [],
    ),
  );
