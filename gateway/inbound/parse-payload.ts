/** The bytes of a webhook, read as JSON. */
import { type Json, parseJson } from '../canonical/json.ts';

/** A whole number, outside of a string or so it seems, that has more digits than a double is sure to hold. */
const longNumber = /[:[,]\s*-?\d{16,}/;

/**
 * undefined: not JSON. Meta's ids of templates are numbers that a double may round to another template's; such numbers become the
 * strings of their digits.
 */
export function parsePayload(body: Buffer): Json | undefined {
  const text = body.toString('utf8');
  if (!longNumber.test(text)) return parseJson(text);
  try {
    return JSON.parse(text, exactly) as Json;
  } catch {
    return undefined;
  }
}

function exactly(_key: string, value: unknown, { source }: { source?: string } = {}): unknown {
  return typeof value === 'number' &&
    source !== undefined &&
    /^-?\d+$/.test(source) &&
    !Number.isSafeInteger(value)
    ? source
    : value;
}
