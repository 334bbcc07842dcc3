/** Connexease Gateway: one door, Meta's body in and Meta's answer out in an envelope (seeds/000, seeds/001, vendor-apis.md §1). */
import type { JsonObject } from '../../canonical/json.ts';
import { bearer } from '../bearer.ts';
import type { AcceptedMessage, Dialect, Outcome, WireAnswer } from '../dialect.ts';
import { metaAnswer } from '../meta-answer.ts';
import { read } from './read.ts';
import { refuse } from './refuse.ts';
import { webhookDoors } from './webhook.ts';

function answer(outcome: Outcome): WireAnswer {
  const data = outcome.kind === 'sent' ? dataOf(outcome.messages[0]) : outcome.meta;
  return { status: 200, body: { isSuccess: true, data } };
}

/** The sandbox answers without `contacts`: nobody was asked (vendor-apis.md §1.2). */
function dataOf(message: AcceptedMessage): JsonObject {
  if (!message.fake) return metaAnswer(message);
  return { messaging_product: 'whatsapp', messages: [{ id: message.wamid ?? message.id }] };
}

export const connexease: Dialect = {
  name: 'connexease',
  // The panel API has a host of its own at the vendor, and the path of our own API.
  owns: /^\/(v1\/wa|api\/v1\/applications)(\/|$)/,
  doors: [
    {
      method: 'POST',
      path: '/v1/wa/message',
      bodyFirst: false,
      read,
      answer,
      field: path => path,
    },
  ],
  endpointDoors: webhookDoors,
  credential: ({ headers }) => bearer(headers.authorization),
  refuse,
  // Written as the vendor writes them.
  limitHeaders: ({ perSecond, perMinute, remainingSecond, remainingMinute }) => ({
    'X-RateLimit-sec-Limit': String(perSecond),
    'X-RateLimit-sec-Remaining': String(remainingSecond),
    'X-RateLimit-min-Limit': String(perMinute),
    'X-RateLimit-min-Remaining': String(remainingMinute),
  }),
};
