/** AutoKonnect's WhatsApp messaging API: one door (seeds/004, vendor-apis.md §3, docs/dialects/autokonnect.md). */
import { isObject } from '../../canonical/json.ts';
import { invalid, isRefusal, type Refusal, required } from '../../canonical/refusal.ts';
import { bearer } from '../bearer.ts';
import type { Command, Dialect, Launched, Outcome, WireAnswer, WireRequest } from '../dialect.ts';
import { ietfLimitHeaders } from '../limit-headers.ts';
import { given, isBlank } from '../reading.ts';
import { readAudience } from './audience.ts';
import { readContent } from './content.ts';
import { field } from './field.ts';
import { refuse } from './refuse.ts';

/** The checks stand in the order of the page's table of errors: type, recipients, then what the type needs. */
function read(wire: WireRequest): Command | Refusal {
  const body = wire.body ?? {};
  if (!isObject(body)) return invalid('body', 'type', 'must be a JSON object');
  if (isBlank(given(body, 'type'))) return required('type');
  const audience = readAudience(body);
  if (isRefusal(audience)) return audience;
  return {
    kind: 'send',
    number: { by: 'id', id: wire.params.id ?? '' },
    ...audience,
    content: readContent(body),
    endpoint: 'messages',
    fake: false,
    wait: 'commit',
    callbackData: null,
    campaign: null,
    sendAt: null,
    ttlMs: null,
    fallback: null,
  };
}

/** The page gives no status for success; 200 is what its plain sentence and an unadorned Express route mean. */
function queued(count: number): WireAnswer {
  return { status: 200, body: { message: 'Message queued for sending', recipients_count: count } };
}

const answer = (outcome: Outcome) => queued(outcome.kind === 'sent' ? outcome.messages.length : 0);
const answerMany = ({ recipients }: Launched) => queued(recipients);

export const autokonnect: Dialect = {
  name: 'autokonnect',
  owns: /^\/api\/v1\/whatsapp\//,
  doors: [
    {
      ...{ method: 'POST', path: '/api/v1/whatsapp/:id/messages', bodyFirst: true },
      ...{ read, answer, answerMany, field },
    },
  ],
  credential: wire => bearer(wire.headers.authorization),
  refuse,
  limitHeaders: ietfLimitHeaders,
};
