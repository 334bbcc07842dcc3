/** Two contacts that are one person. */
import type { Refusal } from '../canonical/refusal.ts';
import type { Tx } from '../platform/database.ts';
import { findContact, findContacts, removeContacts, type WholeContact } from './contacts.ts';
import { lockCounter } from './counters.ts';
import { attributesMaxBytes, fits, updateContacts } from './save-contacts.ts';
import { tagContacts } from './tags.ts';

/**
 * `from` becomes part of `into`, which gains its tags and what it did not know itself: name, language, time zone, attributes. Its phones
 * become former phones, by which `into` is found from then on. Refused when one of
 * them is not there or both have more attributes than fit.
 */
export async function mergeContacts(
  tx: Tx,
  tenantId: string,
  into: number,
  from: number,
  now: number,
): Promise<WholeContact | Refusal> {
  await lockCounter(tx, tenantId, 'contacts');
  const both = await findContacts(tx, tenantId, [into, from]);
  const stays = both.find(({ id }) => id === into);
  const goes = both.find(({ id }) => id === from);
  const missing = stays === undefined ? into : from;
  if (stays === undefined || goes === undefined)
    return { code: 'object_not_found', kind: 'contact', id: String(missing) };
  const attributes = { ...goes.attributes, ...stays.attributes };
  if (!fits(attributes))
    return {
      code: 'conflict',
      reason: `Together they have more than ${attributesMaxBytes} bytes of attributes.`,
    };
  await removeContacts(tx, tenantId, [from]);
  const merged = {
    ...stays,
    name: stays.name === '' ? goes.name : stays.name,
    language: stays.language ?? goes.language,
    timeZone: stays.timeZone ?? goes.timeZone,
    attributes,
    updatedAt: now,
  };
  await updateContacts(tx, tenantId, [merged]);
  await tagContacts(
    tx,
    tenantId,
    goes.tags.map(tag => ({ contact: into, tag })),
  );
  await tx.all(
    `insert into former_phones (tenant_id, phone, contact_id)
     select $1, value ->> 'phone', cast($2 as bigint) from json_rows($3)`,
    [tenantId, into, JSON.stringify([goes.phone, ...goes.formerPhones].map(phone => ({ phone })))],
  );
  return (await findContact(tx, tenantId, into))!;
}
