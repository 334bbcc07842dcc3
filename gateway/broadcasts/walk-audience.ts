/** Who would be in the ledger of a draft, each person once, read slice by slice and written nowhere. */
import { setImmediate as turn } from 'node:timers/promises';
import { phoneNames } from '../canonical/phone-names.ts';
import type { Database, Sql } from '../platform/database.ts';
import { type Contact, contactsByPhone } from '../tenants/contacts.ts';
import { withTags } from '../tenants/tags.ts';
import { walkContacts } from '../tenants/walk-contacts.ts';
import type { Broadcast } from './broadcast.ts';
import { sourcesOf, withoutExcluded } from './freeze.ts';
import { knownPersons, personOf, type Waiting, walkWaiting } from './recipients.ts';
import { variablesIn, variablesOf } from './variables.ts';

export type Someone = Pick<Waiting, 'phone' | 'variables' | 'timeZone'>;

const sliceRows = 1_000;

export async function* walkAudience(database: Database, broadcast: Broadcast): AsyncGenerator<Someone[]> {
  const { tenantId, id, audience } = broadcast;
  const key = { tenantId, broadcastId: id };
  for (let after: string | undefined = ''; after !== undefined; ) {
    const people: Waiting[] = await walkWaiting(database, key, after, sliceRows);
    yield people;
    after = people.length < sliceRows ? undefined : people.at(-1)!.person;
    await turn();
  }
  const names = variablesIn(broadcast.content);
  const twice = new Set<string>();
  for (const [source, filter] of sourcesOf(broadcast).entries()) {
    const earlier = audience.tags.slice(0, source);
    for (let after: string | undefined = ''; after !== undefined; ) {
      const slice = await walkContacts(database, tenantId, filter, after, sliceRows);
      const kept = await withoutExcluded(database, broadcast, slice.contacts);
      const fresh = await withoutEarlier(database, broadcast, earlier, kept);
      const once = await withoutTwins(database, tenantId, fresh, twice);
      yield once.map(contact => ({
        ...{ phone: contact.phone, variables: variablesOf(contact, names), timeZone: contact.timeZone },
      }));
      after = slice.next;
      await turn();
    }
  }
}

/** Without those that stood in an earlier source or were named one by one. */
async function withoutEarlier(
  sql: Sql,
  { tenantId, id: broadcastId }: Broadcast,
  tags: number[],
  contacts: Contact[],
): Promise<Contact[]> {
  const ids = contacts.map(({ id }) => id);
  const carrying = await withTags(sql, tenantId, tags, ids);
  const persons = contacts.map(({ phone }) => personOf(phone));
  const named = await knownPersons(sql, { tenantId, broadcastId }, persons);
  return contacts.filter(({ id }, i) => !carrying.has(id) && !named.has(persons[i]!));
}

/** A person who is kept twice, under two ways to write one phone, counts once. `twice`: such as were met before. */
async function withoutTwins(
  sql: Sql,
  tenantId: string,
  contacts: Contact[],
  twice: Set<string>,
): Promise<Contact[]> {
  const others = contacts.flatMap(({ phone }) => phoneNames(phone).slice(1));
  const found = others.length === 0 ? new Map() : await contactsByPhone(sql, tenantId, others);
  return contacts.filter(({ phone }) => {
    const [, ...written] = phoneNames(phone);
    if (!written.some(name => found.has(name))) return true;
    const person = personOf(phone);
    const isNew = !twice.has(person);
    twice.add(person);
    return isNew;
  });
}
