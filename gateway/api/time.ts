/** Times as callers of the native API write them. */
import { invalid, type RefusalOf } from '../canonical/refusal.ts';

/** RFC 3339: with its offset, because a time without one is another moment on every machine. */
const moment = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:?\d{2})$/;

/** Unix ms of an ISO 8601 time, or of Unix milliseconds written in digits. */
export function readTime(path: string, text: string): number | RefusalOf<'field_invalid'> {
  const ms = moment.test(text)
    ? Date.parse(text.replace(' ', 'T'))
    : /^\d{10,15}$/.test(text)
      ? Number(text)
      : Number.NaN;
  if (Number.isFinite(ms) && ms <= 8.64e15) return ms;
  return invalid(
    path,
    'format',
    'must be an ISO 8601 time with an offset (2026-12-01T09:00:00Z) or Unix milliseconds; write a + in a query as %2B',
  );
}
