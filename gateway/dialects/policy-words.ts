/** Our own sentences about limits, money, keys and powers, for the dialects whose vendor has none. */

import { tellAmount } from '../canonical/money.ts';
import type { RefusalOf } from '../canonical/refusal.ts';
import { wholeSeconds } from './limit-headers.ts';

type Policy = RefusalOf<
  | 'rate_limited'
  | 'balance_insufficient'
  | 'window_closed'
  | 'recipient_opted_out'
  | 'idempotency_mismatch'
  | 'power_missing'
>;

const windowWord = { sec: 'second', min: 'minute' } as const;

/** What happened and what to do next, in full sentences. */
export function policySentence(refusal: Policy): string {
  switch (refusal.code) {
    case 'rate_limited':
      return `This API key may make ${refusal.limit} requests a ${windowWord[refusal.window]}; try again in ${wholeSeconds(refusal.retryAfterMs)} s.`;
    case 'balance_insufficient':
      return `The balance does not cover this: ${tellAmount(refusal.neededMicros)} is needed, ${tellAmount(refusal.availableMicros)} is available. Top up, then send again.`;
    case 'window_closed':
      return refusal.closedAt === null
        ? `${refusal.recipient} has not written to this number; send an approved template.`
        : `${refusal.recipient} has not written within 24 hours; send an approved template.`;
    case 'recipient_opted_out':
      return `${refusal.recipient} asked for no more marketing; send none until they ask for it again.`;
    case 'idempotency_mismatch':
      return `Idempotency-Key ${refusal.key} was used for another request within 24 hours; use a new key for a new request.`;
    case 'power_missing':
      return `This API key may not do this: ${refusal.reason.replace(/\.$/, '')}.`;
  }
}
