/** The Idempotency-Key of a send, in every dialect (draft-ietf-httpapi-idempotency-key-header). */
import { hash } from 'node:crypto';
import { invalid, type Refusal } from '../canonical/refusal.ts';
import type { Dialect, Door, WireRequest } from '../dialects/dialect.ts';

const lengthMax = 255;

/** The key and a fingerprint of all that the caller said; null without the header. The draft writes the key in quotes, most do not. */
export function readIdempotency(
  { headers, params, query, body }: WireRequest,
  door: Pick<Door, 'path'>,
  dialect: Dialect,
): { key: string; fingerprint: string } | null | Refusal {
  const header = headers['idempotency-key'];
  if (header === undefined) return null;
  const key = /^"(.*)"$/.exec(header.trim())?.[1] ?? header.trim();
  if (key === '' || key.length > lengthMax || /[^\x20-\x7e]/.test(key)) {
    return invalid('Idempotency-Key', 'format', `must be 1 to ${lengthMax} printable ASCII characters`);
  }
  const said = JSON.stringify([dialect.name, door.path, params, query, body ?? null]);
  return { key, fingerprint: hash('sha256', said, 'hex') };
}
