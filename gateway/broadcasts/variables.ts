/**
 * Variables in the content of a broadcast: `{{city}}`, or `{{city|your city}}` with what stands there for those who have none. They are
 * filled in wherever a text stands in the content. Frozen are only those that the content names.
 */
import type { Content } from '../canonical/content.ts';
import type { Json } from '../canonical/json.ts';
import type { Contact } from '../tenants/contacts.ts';

/** Of one recipient; what is missing has no member. */
export type Variables = Record<string, string>;

const pattern = /\{\{([^{}|]+)(?:\|([^{}]*))?\}\}/g;

/** Of contents that were looked at: a step asks of the same one for each of its recipients. */
const known = new WeakMap<Content, string[]>();

/** The variables that a content names, each once, in the order they stand. */
export function variablesIn(content: Content): readonly string[] {
  let names = known.get(content);
  if (names === undefined) {
    const found = new Set<string>();
    eachText(content, text => {
      for (const [, name] of text.matchAll(pattern)) found.add(name!.trim());
      return text;
    });
    names = [...found];
    known.set(content, names);
  }
  return names;
}

/** The content as this recipient gets it; or the names of the variables that it has no value for. */
export function fill(content: Content, variables: Variables): { content: Content } | { missing: string[] } {
  if (variablesIn(content).length === 0) return { content };
  const missing = new Set<string>();
  const filled = eachText(content, text =>
    text.replace(pattern, (_, name: string, otherwise: string | undefined) => {
      const value = saidOf(variables, name.trim()) ?? otherwise?.trim();
      if (value === undefined) missing.add(name.trim());
      return value ?? '';
    }),
  );
  return missing.size > 0 ? { missing: [...missing] } : { content: filled as Content };
}

/** Nothing said is no value: an empty cell of a file leaves a variable to its default. */
function saidOf(variables: Variables, name: string): string | undefined {
  const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
  return value === '' ? undefined : value;
}

/** Of what the content names, what is known of a contact: phone, name and language, else an attribute of that name. */
export function variablesOf(contact: Contact, names: readonly string[]): Variables {
  const known: Record<string, string | null> = {
    ...{ phone: `+${contact.phone}`, name: contact.name, language: contact.language },
  };
  const variables: Variables = {};
  for (const name of names) {
    const own = Object.hasOwn(contact.attributes, name) ? contact.attributes[name] : known[name];
    if (own !== undefined && own !== null && own !== '') variables[name] = String(own);
  }
  return variables;
}

/** A copy in which every text is what `change` makes of it; names of members are no texts. */
function eachText(value: Json, change: (text: string) => string): Json {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map(one => eachText(one, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, eachText(one, change)]));
}
