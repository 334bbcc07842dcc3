/** The options of a native send, each read with its own rule. */
import type { Content, MetaEndpoint } from '../../canonical/content.ts';
import { isObject, type Json, type JsonObject } from '../../canonical/json.ts';
import { codePoints } from '../../canonical/limits/value.ts';
import { checkContent } from '../../canonical/limits.ts';
import { invalid, type Refusal, required, under } from '../../canonical/refusal.ts';
import type { NumberSelector } from '../dialect.ts';
import { asCount, asText, given } from '../reading.ts';

export function readNumber(body: JsonObject): NumberSelector | Refusal {
  const value = given(body, 'number');
  if (value === undefined) return { by: 'only' };
  const id = asText(value);
  return id === undefined || id === ''
    ? invalid('number', 'type', 'must be the id of a number')
    : { by: 'id', id };
}

/** marketing_messages takes templates only (cloud-api.md §3). */
export function readEndpoint(body: JsonObject): MetaEndpoint | Refusal {
  const value = given(body, 'endpoint') ?? 'messages';
  if (value !== 'messages' && value !== 'marketing_messages') {
    return invalid('endpoint', 'enum', 'must be messages or marketing_messages');
  }
  if (value === 'marketing_messages' && given(body, 'type') !== 'template') {
    return invalid('type', 'conflict', 'must be template when endpoint is marketing_messages');
  }
  return value;
}

/** The caller's own words about the message: any text up to a length. */
export function readLabel(body: JsonObject, key: string, max: number): string | null | Refusal {
  const value = given(body, key);
  if (value === undefined) return null;
  const text = asText(value);
  if (text === undefined) return invalid(key, 'type', 'must be a string');
  const length = codePoints(text);
  return length <= max ? text : invalid(key, 'length', `must be at most ${max} characters, has ${length}`);
}

/** ISO 8601 with its offset, as RFC 3339 profiles it: a time without one would mean another moment on every machine. */
const moment = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:?\d{2})$/;

export function readSendAt(body: JsonObject): number | null | Refusal {
  const value = given(body, 'sendAt');
  if (value === undefined) return null;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  const ms =
    typeof value === 'string' && moment.test(value) ? Date.parse(value.replace(' ', 'T')) : Number.NaN;
  if (Number.isFinite(ms)) return ms;
  const message = 'must be an ISO 8601 time with an offset (2026-12-01T09:00:00+03:00) or Unix milliseconds';
  return invalid('sendAt', 'format', message);
}

/** Meta's own longest time to live (cloud-api.md §1.4). */
const ttlSecondsMax = 30 * 24 * 3600;

export function readTtl(body: JsonObject): number | null | Refusal {
  const value = given(body, 'ttlSeconds');
  if (value === undefined) return null;
  const seconds = asCount(value);
  if (seconds !== undefined && seconds >= 1 && seconds <= ttlSecondsMax) return seconds * 1000;
  return invalid('ttlSeconds', 'format', `must be a whole number of seconds from 1 to ${ttlSecondsMax}`);
}

/** `window.fallback.template`: what is sent where the 24-hour window is closed. */
export function readFallback(body: JsonObject): Content | null | Refusal {
  const window = given(body, 'window');
  if (window === undefined) return null;
  const outer = onlyMember(window, 'window', 'fallback');
  if (outer !== undefined) return outer;
  const { fallback } = window as JsonObject;
  const inner = onlyMember(fallback, 'window.fallback', 'template');
  if (inner !== undefined) return inner;
  if (given(body, 'type') === 'template')
    return invalid(
      'window.fallback',
      'conflict',
      'does not go with type template, which needs no open window',
    );
  if (given(body, 'sendAt') !== undefined)
    return invalid(
      'window.fallback',
      'conflict',
      'does not go with sendAt: nobody knows the window of that time',
    );
  const content: Content = { type: 'template', template: (fallback as JsonObject).template! };
  const [first, ...more] = checkContent(content);
  return first === undefined
    ? content
    : under('window.fallback.', { code: 'field_invalid', issues: [first, ...more] });
}

/** What is wrong with an object that must have this member and no other. */
function onlyMember(value: Json | undefined, path: string, member: string): Refusal | undefined {
  if (!isObject(value)) return invalid(path, 'type', 'must be an object');
  const stranger = Object.keys(value).find(key => key !== member);
  if (stranger !== undefined)
    return invalid(`${path}.${stranger}`, 'conflict', 'is not a member of this request');
  return given(value, member) === undefined ? required(`${path}.${member}`) : undefined;
}
