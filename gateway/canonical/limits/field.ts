/**
 * A field under examination: where it stands, what it holds, and the list its issues go to. Every rule of `limits.ts` is
 * written with the few words of this file, so that each says only what Meta documents.
 */
import { isObject, type Json, type JsonObject } from '../json.ts';
import type { Issue } from '../refusal.ts';

export interface Field {
  readonly path: string;
  /** undefined when absent; null is told as absent, as Graph does. */
  readonly value: Json | undefined;
  readonly issues: Issue[];
}

type ObjectField = Field & { readonly value: JsonObject };

export function root(content: JsonObject, issues: Issue[]): ObjectField {
  return { path: '', value: content, issues };
}

export function isGiven(field: Field): boolean {
  return field.value !== undefined;
}

export function fault(field: Field, rule: Issue['rule'], message: string): void {
  field.issues.push({ path: field.path, rule, message });
}

/** `parent.key`. A parent that is no object has no members. */
export function member(parent: Field, key: string): Field {
  const value = isObject(parent.value) && Object.hasOwn(parent.value, key) ? parent.value[key] : undefined;
  const path = parent.path === '' ? key : `${parent.path}.${key}`;
  return { path, value: value ?? undefined, issues: parent.issues };
}

/** Says that the field is missing, once; answers whether it is there. */
export function need(field: Field): boolean {
  if (!isGiven(field)) fault(field, 'required', 'is required');
  return isGiven(field);
}

/** The field as an object; otherwise undefined, with an issue when it is required or something else. */
export function object(field: Field, presence: 'required' | 'optional'): ObjectField | undefined {
  if (!isGiven(field)) {
    if (presence === 'required') need(field);
    return undefined;
  }
  if (isObjectField(field)) return field;
  fault(field, 'type', 'must be an object');
  return undefined;
}

function isObjectField(field: Field): field is ObjectField {
  return isObject(field.value);
}

/** `parent.key` as an object. */
export function objectAt(parent: Field, key: string, presence: 'required' | 'optional' = 'required') {
  return object(member(parent, key), presence);
}

interface Count {
  min?: number;
  max?: number;
}

/** The objects of an array. Elements that are none are told of and left out. */
export function objectsAt(
  parent: Field,
  key: string,
  { min = 0, max = Number.POSITIVE_INFINITY }: Count = {},
) {
  const field = member(parent, key);
  if (!isGiven(field)) {
    if (min > 0) need(field);
    return [];
  }
  if (!Array.isArray(field.value)) {
    fault(field, 'type', 'must be an array');
    return [];
  }
  const { length } = field.value;
  if (length < min) fault(field, 'count', `must have at least ${min} ${plural(min)}, has ${length}`);
  if (length > max) fault(field, 'count', `must have at most ${max} ${plural(max)}, has ${length}`);
  return field.value.slice(0, max).flatMap((value, at) => {
    const element = { path: `${field.path}[${at}]`, value: value ?? undefined, issues: field.issues };
    return object(element, 'required') ?? [];
  });
}

function plural(count: number): string {
  return count === 1 ? 'element' : 'elements';
}
