/**
 * `X-Hub-Signature-256: sha256=<hex HMAC-SHA256(app secret, raw body)>`: over the bytes as they came, since Meta escapes
 * non-ASCII before signing (cloud-api.md §7.1).
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export function isSignedBy(appSecret: string, body: Buffer, signature: string | undefined): boolean {
  const hex = /^sha256=([0-9a-f]{64})$/i.exec(signature ?? '')?.[1];
  if (hex === undefined) return false;
  return timingSafeEqual(createHmac('sha256', appSecret).update(body).digest(), Buffer.from(hex, 'hex'));
}
