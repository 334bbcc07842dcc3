/** The signing secrets of an endpoint while they change. */
import type { EndpointSecret } from '../tenants/endpoints.ts';

/** A signature of each travels with every post. */
export const liveSecretsMax = 10;

export function liveSecrets(secrets: EndpointSecret[], now: number): EndpointSecret[] {
  return secrets.filter(({ until }) => until === null || until > now);
}

/** The new one first; those before it sign on for `overlapMs`, or until their own end. undefined: there would be too many. */
export function rotated(
  secrets: EndpointSecret[],
  secret: string,
  overlapMs: number,
  now: number,
): EndpointSecret[] | undefined {
  const end = now + overlapMs;
  const before = overlapMs === 0 ? [] : liveSecrets(secrets, now);
  const kept = before.map(one => ({ ...one, until: Math.min(one.until ?? end, end) }));
  return kept.length < liveSecretsMax ? [{ secret, until: null }, ...kept] : undefined;
}
