import type { Account, PhoneNumber } from '../accounts.ts';
import type { StatusRecord } from '../ledger.ts';
import type { Settings } from '../settings.ts';

/** On its way to the callback, as ready-made JSON: it may be sent several times, alone or in company. */
export type Update = { record: StatusRecord | null; bornAt: number } & (Item | Change);

/** One item of the field `messages`; several may share a value. */
type Item = {
  kind: 'statuses' | 'messages';
  phone: PhoneNumber;
  contact: string | null;
  item: string;
};

/** Any field as it is; its entry has a time and nothing else in it. */
type Change = { kind: 'change'; field: string; value: string; time: number | null };

export function metadata(phone: PhoneNumber): string {
  return `{"display_phone_number":${JSON.stringify(phone.digits)},"phone_number_id":${JSON.stringify(phone.id)}}`;
}

function value(updates: Item[]): string {
  const first = updates[0];
  if (!first) return '{}';
  const contacts = [...new Set(updates.flatMap(({ contact }) => contact ?? []))];
  return (
    `{"messaging_product":"whatsapp","metadata":${metadata(first.phone)},` +
    (contacts.length > 0 ? `"contacts":[${contacts.join(',')}],` : '') +
    `"${first.kind}":[${updates.map(({ item }) => item).join(',')}]}`
  );
}

const change = (updates: Item[]) => `{"value":${value(updates)},"field":"messages"}`;

/** The envelope of DOC/webhooks/reference/messages around any number of updates; all three shapes are Meta's. */
export function payload(
  account: Account,
  updates: Update[],
  { batchShape: shape, escape: isEscaped }: Pick<Settings, 'batchShape' | 'escape'>,
): string {
  const entry = (changes: string[], time: number | null = null) =>
    `{"id":${JSON.stringify(account.wabaId)},${time === null ? '' : `"time":${time},`}"changes":[${changes.join(',')}]}`;
  const items = updates.filter(update => update.kind !== 'change');
  const entries = updates.flatMap(update =>
    update.kind === 'change'
      ? entry([`{"value":${update.value},"field":${JSON.stringify(update.field)}}`], update.time)
      : [],
  );
  if (items.length === 1 || (items.length > 0 && shape === 'values'))
    entries.push(entry(byPhoneAndKind(items).map(change)));
  else if (shape === 'entries') entries.push(...items.map(item => entry([change([item])])));
  else if (items.length > 0) entries.push(entry(items.map(item => change([item]))));
  const text = `{"object":"whatsapp_business_account","entry":[${entries.join(',')}]}`;
  return isEscaped ? escaped(text) : text;
}

function byPhoneAndKind(updates: Item[]): Item[][] {
  const groups = new Map<string, Item[]>();
  for (const update of updates) {
    const key = `${update.phone.id} ${update.kind}`;
    const group = groups.get(key);
    if (group) group.push(update);
    else groups.set(key, [update]);
  }
  return [...groups.values()];
}

/**
 * Graph's note on webhooks: the signature is over the escaped form with lowercase hex, and that is what is on the wire.
 * Whoever parses and serializes again before checking must fail here as in production.
 */
function escaped(json: string): string {
  return json.replace(
    /[\u007f-\uffff]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
