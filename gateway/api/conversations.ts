/** What a person wrote to the tenant's numbers, and until when that keeps the 24-hour window open. */
import { Type } from 'typebox';
import { phoneDigits } from '../canonical/content.ts';
import { listIncoming, listWindows } from '../inbound/incoming.ts';
import { isoTime } from '../platform/clock.ts';
import type { ApiDeps } from './api.ts';
import { type Route, tenantRoute } from './route.ts';
import { MetaObject, Time } from './schemas.ts';

const ConversationForm = Type.Object({
  recipient: Type.String(),
  windows: Type.Array(
    Type.Object({ number: Type.Integer(), open: Type.Boolean(), openedAt: Time, closesAt: Time }),
    { description: 'One for each number the person has written to.' },
  ),
  incoming: Type.Array(
    Type.Object({
      wamid: Type.String(),
      number: Type.Integer(),
      type: Type.String(),
      at: Time,
      message: MetaObject,
    }),
    { description: 'The latest hundred messages, newest first, as Meta sent them.' },
  ),
});

export function conversationRoutes({ database, now }: ApiDeps): Route[] {
  return [
    tenantRoute(
      {
        method: 'GET',
        path: '/api/v1/conversations/:recipient',
        operation: 'getConversation',
        summary: 'Windows and incoming messages of one person (phone number or user id)',
        answer: {
          status: 200,
          about: 'The conversation; empty when the person never wrote.',
          schema: ConversationForm,
        },
        refusals: [],
      },
      async ({ params }, { tenantId, numberId }) => {
        const asked = params.recipient!;
        const recipient = /[A-Za-z]/.test(asked) ? asked : (phoneDigits(asked) ?? asked);
        const mine = ({ number }: { number: number }) => numberId === null || number === numberId;
        const windows = (await listWindows(database, tenantId, recipient)).filter(mine);
        const incoming = (await listIncoming(database, tenantId, recipient, 100)).filter(mine);
        return {
          status: 200,
          body: {
            recipient,
            windows: windows.map(({ number, openedAt, closesAt }) => ({
              number,
              open: closesAt > now(),
              openedAt: isoTime(openedAt),
              closesAt: isoTime(closesAt),
            })),
            incoming: incoming.map(({ at, ...message }) => ({ ...message, at: isoTime(at) })),
          },
        };
      },
    ),
  ];
}
