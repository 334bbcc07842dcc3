/** `Authorization: Bearer <key>`, as Connexease, the Cloud API and our own API take it. */
import type { RefusalOf } from '../canonical/refusal.ts';

/**
 * The key in an Authorization header. The scheme is compared without regard to case (RFC 9110 §11.1).
 * `schemes`: other words that stand for Bearer (Graph also takes `OAuth`).
 */
export function bearer(
  header: string | undefined,
  schemes: readonly string[] = ['bearer'],
): string | RefusalOf<'credential_missing'> | RefusalOf<'credential_malformed'> {
  const given = header?.trim() ?? '';
  if (given === '') return { code: 'credential_missing' };
  const [scheme = '', key, ...rest] = given.split(/\s+/);
  if (key === undefined || rest.length > 0 || !schemes.includes(scheme.toLowerCase())) {
    return { code: 'credential_malformed' };
  }
  return key;
}
