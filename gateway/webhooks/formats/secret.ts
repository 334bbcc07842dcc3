/** Signing secrets, in the form each format's verifiers expect. */
import { randomBytes } from 'node:crypto';
import { randomText } from '../../canonical/ids.ts';
import type { EndpointFormat } from '../../tenants/endpoints.ts';

/** standard: `whsec_` and base64 of 32 bytes. meta, connectly: 40 characters that need no quoting anywhere. */
export function newSecret(format: EndpointFormat): string {
  return format === 'standard' ? `whsec_${randomBytes(32).toString('base64')}` : randomText(40);
}

/** Why a secret that a customer chose cannot be used with this format, as a sentence; undefined: it can. */
export function secretProblem(format: EndpointFormat, secret: string): string | undefined {
  if (format !== 'standard') {
    // It also travels in a header, as a bearer token.
    return /^[\x21-\x7e]{16,200}$/.test(secret)
      ? undefined
      : 'must be 16 to 200 printable ASCII characters without spaces';
  }
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret)?.[1] ?? '';
  const bytes = Buffer.from(base64, 'base64');
  return bytes.toString('base64') === base64 && bytes.length >= 24 && bytes.length <= 64
    ? undefined
    : 'must be whsec_ and base64 of 24 to 64 bytes';
}
