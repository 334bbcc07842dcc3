/** Whom an AutoKonnect request writes to: `phone_number` and `contact_tag_id` (seeds/004 'Body Parameters'). */
import { phoneDigits, type Recipient } from '../../canonical/content.ts';
import type { Json, JsonObject } from '../../canonical/json.ts';
import type { Issue, Refusal } from '../../canonical/refusal.ts';
import { phoneRule } from '../phone.ts';
import { asCount, asText, given, isBlank } from '../reading.ts';

interface Audience {
  recipients: Recipient[];
  tags: number[];
}

/**
 * Both sources of recipients, each number and each tag once, in the order given. An entry that cannot be a phone
 * number refuses the whole request: the page says how many were queued, never which, so none may be dropped silently.
 */
export function readAudience(body: JsonObject): Audience | Refusal {
  const numbers = entries(body, 'phone_number');
  const tags = entries(body, 'contact_tag_id');
  if (numbers.length === 0 && tags.length === 0) return { code: 'recipient_missing' };

  const issues: Issue[] = [];
  const digits = new Set<string>();
  for (const { value, path } of numbers) {
    const found = phoneDigits(asText(value) ?? '');
    // No country code begins with 0: a national number would be queued here and fail at Meta, unheard.
    if (found === undefined || found.startsWith('0')) issues.push(wrong(path, value, phoneRule));
    else digits.add(found);
  }
  const tagIds = new Set<number>();
  for (const { value, path } of tags) {
    const found = asCount(typeof value === 'string' ? value.trim() : value);
    if (found === undefined) issues.push(wrong(path, value, 'must be the numeric id of a contact tag'));
    else tagIds.add(found);
  }

  const [first, ...others] = issues;
  if (first) return { code: 'field_invalid', issues: [first, ...others] };
  const recipients = [...digits].map((each): Recipient => ({ kind: 'phone', digits: each, to: `+${each}` }));
  return { recipients, tags: [...tagIds] };
}

interface Entry {
  value: Json;
  path: string;
}

/** One value or an array of them; null and blank strings are what a form sends for "none". */
function entries(body: JsonObject, key: string): Entry[] {
  const value = given(body, key);
  if (value === undefined) return [];
  const all = Array.isArray(value)
    ? value.map((each, index) => ({ value: each, path: `${key}[${index}]` }))
    : [{ value, path: key }];
  return all.filter(entry => !isBlank(entry.value));
}

function wrong(path: string, value: Json, demand: string): Issue {
  const shown = typeof value === 'object' ? 'no text' : JSON.stringify(value).slice(0, 60);
  return { path, rule: 'format', message: `${demand}, is ${shown}` };
}
