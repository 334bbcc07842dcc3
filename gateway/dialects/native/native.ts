/** Our own API's send door, `POST /api/v1/messages`. The rest of the native API is in `gateway/api`. */
import type { JsonObject } from '../../canonical/json.ts';
import { refusals } from '../../canonical/refusal.ts';
import { bearer } from '../bearer.ts';
import type { AcceptedMessage, Dialect, Outcome, WireAnswer, WireRequest } from '../dialect.ts';
import { ietfLimitHeaders } from '../limit-headers.ts';
import { problem } from './problem.ts';
import { isAsynchronous, prefersAsync, read } from './read.ts';
import { writeRecipient } from './recipient.ts';

/** 200 with Meta's id once Meta took it, or 202 at commit and a place to follow it. */
function answer(outcome: Outcome, wire: WireRequest): WireAnswer {
  if (outcome.kind === 'marked_read') return { status: 200, body: outcome.meta };
  const [message] = outcome.messages;
  if (!isAsynchronous(wire)) return { status: 200, body: { ...told(message), wamid: message.wamid } };
  const headers = {
    location: `/api/v1/messages/${message.id}`,
    ...(prefersAsync(wire) ? { 'preference-applied': 'respond-async' } : {}),
  };
  return { status: 202, body: told(message), headers };
}

function told({ id, status, recipient, window }: AcceptedMessage): JsonObject {
  return {
    ...{ id, status, to: writeRecipient(recipient) },
    ...(window === undefined ? {} : { window: tellWindow(window) }),
  };
}

/** Which of the two was sent, why, and until when the window is, or was, open. */
function tellWindow({ open, closesAt, sentFallback }: NonNullable<AcceptedMessage['window']>): JsonObject {
  return {
    ...{ open, closesAt: closesAt === null ? null : new Date(closesAt).toISOString() },
    ...(sentFallback
      ? { sent: 'fallback', reason: `${refusals.window_closed.title.split(';')[0]}.` }
      : { sent: 'content' }),
  };
}

export const native: Dialect = {
  name: 'native',
  owns: /^\/api(\/|$)/,
  doors: [
    {
      method: 'POST',
      path: '/api/v1/messages',
      bodyFirst: true,
      read,
      answer,
      field: path => path,
    },
    {
      method: 'POST',
      path: '/api/v1/messages/preview',
      bodyFirst: true,
      previews: true,
      read,
      answer,
      field: path => path,
    },
  ],
  credential: ({ headers }) => bearer(headers.authorization),
  refuse: problem,
  limitHeaders: ietfLimitHeaders,
};
