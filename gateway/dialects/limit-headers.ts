/** What an answer says of limits in its headers. */
import type { LimitState } from '../canonical/key-limit.ts';

/**
 * `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers, structured fields). `t` is the window's length: nothing
 * more need be known to be let through, for the whole quota is back that long after the last request.
 */
export function ietfLimitHeaders(limit: LimitState): Record<string, string> {
  const { perSecond, perMinute, remainingSecond, remainingMinute } = limit;
  return {
    'ratelimit-policy': `"sec";q=${perSecond};w=1, "min";q=${perMinute};w=60`,
    ratelimit: `"sec";r=${remainingSecond};t=1, "min";r=${remainingMinute};t=60`,
  };
}

/** Whole seconds, rounded up: who comes back then finds room. */
export function wholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}

/** `Retry-After` (RFC 9110 §10.2.3). */
export function retryAfter(seconds: number): Record<string, string> {
  return { 'retry-after': String(seconds) };
}
