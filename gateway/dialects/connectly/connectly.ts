/** Connectly's message API, two doors, and its webhook registration (seeds/002, vendor-apis.md §2, docs/dialects/connectly.md). */

import type { Refusal } from '../../canonical/refusal.ts';
import type { Command, Dialect, Door, Outcome, WireAnswer, WireRequest } from '../dialect.ts';
import { ietfLimitHeaders } from '../limit-headers.ts';
import { isBlank } from '../reading.ts';
import { campaignDoor } from './campaigns.ts';
import { field } from './field.ts';
import { refuse } from './refuse.ts';
import { readSession } from './session.ts';
import { readTemplated } from './templated.ts';
import { webhookDoors } from './webhooks.ts';

export const connectly: Dialect = {
  name: 'connectly',
  owns: /^\/v1\/businesses\//,
  doors: [door('messages', readSession), door('whatsapp_templated_messages', readTemplated)],
  endpointDoors: webhookDoors,
  campaignDoors: [campaignDoor],
  credential({ headers }) {
    const key = headers['x-api-key'];
    return key === undefined || isBlank(key) ? { code: 'credential_missing' } : key.trim();
  },
  refuse,
  // None of the vendor's are known; these are the general ones (docs/dialects/connectly.md).
  limitHeaders: ietfLimitHeaders,
};

function door(name: string, read: (wire: WireRequest) => Command | Refusal): Door {
  return {
    method: 'POST',
    path: `/v1/businesses/:businessId/send/${name}`,
    bodyFirst: false,
    read,
    answer,
    field,
  };
}

/** Of the two statuses the page declares, 200 is the one a gRPC gateway gives when nobody asks for another. */
function answer(outcome: Outcome): WireAnswer {
  return { status: 200, body: outcome.kind === 'sent' ? { id: outcome.messages[0].id } : {} };
}
