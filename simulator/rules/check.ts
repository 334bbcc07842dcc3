import { graphError } from '../graph/graph-error.ts';

export type Json = Record<string, unknown>;

export const missing = (details: string) => graphError(131008, { details });
export const invalid = (details: string) => graphError(131009, { details });
/** Graph's own parameter check, before WhatsApp sees the message: the text is in `message`. */
export const malformed = (title: string) => graphError(100, { title });

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isAbsent = (value: unknown) => value === undefined || value === null;

export function optionalObject(parent: Json, key: string, path: string): Json | undefined {
  const value = parent[key];
  if (isAbsent(value)) return undefined;
  if (!isObject(value)) throw malformed(`Param ${path} must be a JSON object.`);
  return value;
}

export function objectAt(parent: Json, key: string, path: string): Json {
  const value = optionalObject(parent, key, path);
  if (!value) throw missing(`${path} is required.`);
  return value;
}

export function asObject(value: unknown, path: string): Json {
  if (!isObject(value)) throw malformed(`Param ${path} must be a JSON object.`);
  return value;
}

export function optionalArray(parent: Json, key: string, path: string): unknown[] | undefined {
  const value = parent[key];
  if (isAbsent(value)) return undefined;
  if (!Array.isArray(value)) throw malformed(`Param ${path} must be an array.`);
  return value;
}

export function arrayAt(
  parent: Json,
  key: string,
  path: string,
  bounds: { min?: number; max?: number } = {},
): unknown[] {
  const { min = 1, max = Number.POSITIVE_INFINITY } = bounds;
  const value = optionalArray(parent, key, path);
  if (!value) throw missing(`${path} is required.`);
  if (value.length < min || value.length > max) {
    throw invalid(`${path} count invalid. Min: ${min}, Max: ${max}, given: ${value.length}.`);
  }
  return value;
}

/** Graph takes numbers and booleans where it wants a string. */
export function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return undefined;
}

function longerThan(value: string, max: number): boolean {
  // Code points, the lenient reading: Meta does not say what a character is.
  return value.length > max && [...value].length > max;
}

export function optionalText(
  parent: Json,
  key: string,
  path: string,
  max = Number.POSITIVE_INFINITY,
): string | undefined {
  if (isAbsent(parent[key])) return undefined;
  const value = scalarText(parent[key]);
  if (value === undefined) throw malformed(`Param ${path} must be a string.`);
  if (longerThan(value, max)) throw invalid(`${path} length invalid. Max length: ${max}.`);
  return value;
}

export function textAt(parent: Json, key: string, path: string, max?: number): string {
  const value = optionalText(parent, key, path, max);
  if (value === undefined) throw missing(`${path} is required.`);
  if (value === '') throw invalid(`${path} length invalid. Min length: 1.`);
  return value;
}

/** For parameters Graph itself checks: error 100 with the words Graph uses. */
export function graphText(parent: Json, key: string, path: string, max: number): string | undefined {
  if (isAbsent(parent[key])) return undefined;
  const value = scalarText(parent[key]);
  if (value === undefined) throw malformed(`Param ${path} must be a string.`);
  if (longerThan(value, max)) throw malformed(`Param ${path} must be at most ${max} characters long.`);
  return value;
}

export function oneOf(parent: Json, key: string, path: string, allowed: readonly string[]): string {
  const value = textAt(parent, key, path);
  if (!allowed.includes(value)) throw invalid(`${path} must be one of {${allowed.join(', ')}}.`);
  return value;
}

export function numberAt(parent: Json, key: string, path: string, min: number, max: number): number {
  const given = parent[key];
  if (isAbsent(given) || given === '') throw missing(`${path} is required.`);
  const value = typeof given === 'string' ? Number(given) : given;
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw malformed(`Param ${path} must be a number.`);
  if (value < min || value > max) throw invalid(`${path} must be between ${min} and ${max}.`);
  return value;
}

export function optionalBoolean(parent: Json, key: string, path: string): boolean | undefined {
  const value = parent[key];
  if (isAbsent(value)) return undefined;
  if (value === true || value === 'true' || value === 1 || value === '1') return true;
  if (value === false || value === 'false' || value === 0 || value === '0') return false;
  throw malformed(`Param ${path} must be a boolean.`);
}

export function webAddress(value: string, path: string): string {
  if (!/^https?:\/\//i.test(value) || !URL.canParse(value)) throw invalid(`${path} is not a valid URI.`);
  return value;
}

export function noneTwice(values: string[], path: string): void {
  if (new Set(values).size !== values.length) throw invalid(`${path} must be unique.`);
}
