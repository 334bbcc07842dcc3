import type { Account, PhoneNumber } from '../accounts.ts';
import type { StatusRecord } from '../ledger.ts';
import type { Settings } from '../settings.ts';

/** One update on its way to the callback, as ready-made JSON: it may be sent several times, alone or in company. */
export type Update = {
  kind: 'statuses' | 'messages';
  phone: PhoneNumber;
  contact: string | null;
  item: string;
  record: StatusRecord | null;
  bornAt: number;
};

function metadata(phone: PhoneNumber): string {
  return `{"display_phone_number":${JSON.stringify(phone.digits)},"phone_number_id":${JSON.stringify(phone.id)}}`;
}

function value(updates: Update[]): string {
  const first = updates[0];
  if (!first) return '{}';
  const contacts = [...new Set(updates.flatMap(({ contact }) => contact ?? []))];
  return (
    `{"messaging_product":"whatsapp","metadata":${metadata(first.phone)},` +
    (contacts.length > 0 ? `"contacts":[${contacts.join(',')}],` : '') +
    `"${first.kind}":[${updates.map(({ item }) => item).join(',')}]}`
  );
}

const change = (updates: Update[]) => `{"value":${value(updates)},"field":"messages"}`;

/** The envelope of DOC/webhooks/reference/messages around any number of updates; all three shapes are Meta's. */
export function payload(
  account: Account,
  updates: Update[],
  { batchShape: shape, escape: isEscaped }: Pick<Settings, 'batchShape' | 'escape'>,
): string {
  const entry = (changes: string[]) =>
    `{"id":${JSON.stringify(account.wabaId)},"changes":[${changes.join(',')}]}`;
  let entries: string[];
  if (updates.length === 1) entries = [entry([change(updates)])];
  else if (shape === 'entries') entries = updates.map(update => entry([change([update])]));
  else if (shape === 'changes') entries = [entry(updates.map(update => change([update])))];
  else entries = [entry(byPhoneAndKind(updates).map(change))];
  const text = `{"object":"whatsapp_business_account","entry":[${entries.join(',')}]}`;
  return isEscaped ? escaped(text) : text;
}

function byPhoneAndKind(updates: Update[]): Update[][] {
  const groups = new Map<string, Update[]>();
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
