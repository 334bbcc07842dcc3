/** Graph's enums: compared without regard to case, told in capitals. */
import type { JsonObject } from '../../canonical/json.ts';
import { invalid, type RefusalOf } from '../../canonical/refusal.ts';
import { asText, given } from '../reading.ts';

/** The member in lower case, or undefined when it is absent. */
export function readWord<Word extends string>(
  body: JsonObject,
  key: string,
  allowed: readonly Word[],
): Word | undefined | RefusalOf<'field_invalid'> {
  const value = given(body, key);
  if (value === undefined) return undefined;
  const text = asText(value);
  const word = allowed.find(known => known === text?.toLowerCase());
  if (word !== undefined) return word;
  const got =
    text === undefined
      ? `a JSON ${Array.isArray(value) ? 'array' : typeof value}`
      : JSON.stringify(text.slice(0, 64));
  return invalid(key, 'enum', `must be one of {${told(allowed)}} - got ${got}`);
}

/** Graph lists them sorted: "(#100) Param recipient_type must be one of {GROUP, INDIVIDUAL} - got …". */
function told(allowed: readonly string[]): string {
  return allowed
    .map(word => word.toUpperCase())
    .sort()
    .join(', ');
}
