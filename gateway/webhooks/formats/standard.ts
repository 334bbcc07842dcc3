/**
 * Our events, signed per the Standard Webhooks specification (github.com/standard-webhooks/standard-webhooks): `{type, timestamp, data}`,
 * with one signature for each live secret, so that secrets can be rotated without a gap.
 */
import { Webhook } from 'standardwebhooks';
import type { Format } from './format.ts';
import { mergeHeaders } from './headers.ts';

export const standard: Format = {
  hasWords: () => true,
  wants: () => true,
  batches: false,
  post([event], endpoint, { secrets, nowMs }) {
    const { id, type, at, data } = event!;
    const body = JSON.stringify({ type, timestamp: isoTime(at), data });
    const signatures = secrets.map(secret => new Webhook(secret).sign(id, new Date(nowMs), body));
    const proof = {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(nowMs / 1000)),
      ...(signatures.length === 0 ? {} : { 'webhook-signature': signatures.join(' ') }),
    };
    return {
      headers: mergeHeaders({ 'content-type': 'application/json' }, endpoint.headers, proof),
      body,
    };
  },
};

const lastMs = 8_640_000_000_000_000;

/** Meta's moments are taken as they come, and a Date ends in the year 275760. */
function isoTime(ms: number): string {
  return new Date(Math.min(Math.max(ms, 0), lastMs)).toISOString();
}
