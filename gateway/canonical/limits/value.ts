/** Rules for single values: texts, flags, numbers, one of a set, addresses on the web. */
import { type Field, fault, isGiven, member, need } from './field.ts';

interface Length {
  /** Longest, in characters (code points). */
  max?: number;
  /** Default 1: an empty text is an issue. */
  min?: number;
}

/**
 * Graph takes a number where it wants a string (callers send ids, indexes and versions so). Not a whole number past 2^53: its
 * last digits are already lost, and Meta would be given another id.
 */
export function textOf({ value }: Field): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'number' || (Number.isInteger(value) && !Number.isSafeInteger(value)))
    return undefined;
  return String(value);
}

/** Characters as people count them closest to Meta's "characters": code points, an emoji of one code point is one. */
export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** A required text. Answers it when it is one, whatever its length. */
export function textAt(parent: Field, key: string, length: Length = {}): string | undefined {
  const field = member(parent, key);
  return need(field) ? checkedText(field, length) : undefined;
}

/** A text that may be absent or empty. */
export function optionalTextAt(parent: Field, key: string, length: Length = {}): string | undefined {
  const field = member(parent, key);
  return isGiven(field) ? checkedText(field, { min: 0, ...length }) : undefined;
}

export function checkedText(
  field: Field,
  { min = 1, max = Number.POSITIVE_INFINITY }: Length,
): string | undefined {
  const text = textOf(field);
  if (text === undefined) {
    fault(field, 'type', 'must be a string');
    return undefined;
  }
  if (text.length < min) fault(field, 'length', 'must not be empty');
  // A text has never more code points than UTF-16 units, so most are settled without counting.
  const length = text.length > max ? codePoints(text) : 0;
  if (length > max) fault(field, 'length', `must be at most ${max} characters, has ${length}`);
  return text;
}

/** One of a closed set. */
export function enumAt(
  parent: Field,
  key: string,
  allowed: readonly string[],
  presence: 'required' | 'optional' = 'required',
): string | undefined {
  const field = member(parent, key);
  if (!isGiven(field)) {
    if (presence === 'required') need(field);
    return undefined;
  }
  const word = textOf(field);
  if (word !== undefined && allowed.includes(word)) return word;
  if (word === undefined) fault(field, 'type', 'must be a string');
  else fault(field, 'enum', `must be ${oneOf(allowed)}, is ${JSON.stringify(word.slice(0, 64))}`);
  return undefined;
}

function oneOf(allowed: readonly string[]): string {
  const words = allowed.map(word => JSON.stringify(word)).join(', ');
  return allowed.length === 1 ? words : `one of ${words}`;
}

/** true or false, also as Graph takes them from forms: "true", "false", 1, 0. */
export function flagAt(parent: Field, key: string): void {
  const field = member(parent, key);
  if (isGiven(field) && !['true', 'false', '1', '0'].includes(String(field.value))) {
    fault(field, 'type', 'must be a boolean');
  }
}

/** A number, or a string that is one, between two bounds. */
export function numberAt(
  parent: Field,
  key: string,
  {
    min,
    max,
    whole = false,
    optional = false,
  }: { min: number; max: number; whole?: boolean; optional?: boolean },
): number | undefined {
  const field = member(parent, key);
  if (!isGiven(field)) {
    if (!optional) need(field);
    return undefined;
  }
  const number = numberOf(field);
  if (number === undefined || (whole && !Number.isInteger(number))) {
    fault(field, 'type', whole ? 'must be a whole number' : 'must be a number or a string that is one');
    return undefined;
  }
  if (number < min || number > max) fault(field, 'format', `must be between ${min} and ${max}, is ${number}`);
  return number;
}

function numberOf(field: Field): number | undefined {
  if (typeof field.value === 'number') return field.value;
  const text = typeof field.value === 'string' ? field.value.trim() : '';
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : undefined;
}

/** An http or https address: Meta fetches or opens it. */
export function webAddressAt(parent: Field, key: string): void {
  const address = textAt(parent, key);
  if (address === undefined || address === '') return;
  if (!/^https?:\/\/[^\s]+$/i.test(address) || !URL.canParse(address)) {
    fault(member(parent, key), 'format', 'must be an http:// or https:// URL');
  }
}

/** Tells every field whose text an earlier one had. */
export function unique(fields: readonly Field[]): void {
  const first = new Map<string, string>();
  for (const field of fields) {
    const text = textOf(field);
    if (text === undefined) continue;
    const twin = first.get(text);
    if (twin === undefined) first.set(text, field.path);
    else fault(field, 'unique', `must be unique, is the same as ${twin}`);
  }
}
