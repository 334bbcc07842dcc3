/** What a person wrote to the tenant's numbers, until when that keeps the 24-hour window open, and whether it opted out. */
import { Type } from 'typebox';
import { phoneDigits } from '../canonical/content.ts';
import { seesNumber } from '../http/select-number.ts';
import { listIncoming } from '../inbound/incoming.ts';
import { listWindows } from '../inbound/windows.ts';
import { isoTime } from '../platform/clock.ts';
import { findOptOut } from '../tenants/opt-outs.ts';
import type { ApiDeps } from './api.ts';
import { OptOutForm, tellOptOut } from './opt-outs.ts';
import { type Route, tenantRoute } from './route.ts';
import { MetaObject, nullable, Time } from './schemas.ts';

const ConversationForm = Type.Object({
  recipient: Type.String(),
  windows: Type.Array(
    Type.Object({
      number: Type.Integer(),
      open: Type.Boolean(),
      openedAt: Time,
      closesAt: Time,
      freeUntil: nullable(
        Type.String({
          format: 'date-time',
          description:
            'Everything to the person costs nothing until then: it came by an ad and was answered.',
        }),
      ),
    }),
    { description: 'One for each number the person has written to.' },
  ),
  optOut: nullable(OptOutForm),
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

export function conversationRoutes({ database, seal, now }: ApiDeps): Route[] {
  return [
    tenantRoute(
      {
        method: 'GET',
        path: '/api/v1/conversations/:recipient',
        operation: 'getConversation',
        summary: 'Windows, opt-out and incoming messages of one person (phone number or user id)',
        answer: {
          status: 200,
          about: 'The conversation; empty when the person never wrote.',
          schema: ConversationForm,
        },
        refusals: [],
      },
      async ({ params }, principal) => {
        const { tenantId } = principal;
        const asked = params.recipient!;
        const recipient = /[A-Za-z]/.test(asked) ? asked : (phoneDigits(asked) ?? asked);
        const mine = ({ number }: { number: number }) => seesNumber(principal, number);
        const windows = (await listWindows(database, tenantId, recipient)).filter(mine);
        const optOut = await findOptOut(database, seal, tenantId, recipient);
        const incoming = (await listIncoming(database, tenantId, recipient, 100)).filter(mine);
        return {
          status: 200,
          body: {
            recipient,
            windows: windows.map(({ number, openedAt, closesAt, freeUntil }) => ({
              number,
              open: closesAt > now(),
              openedAt: isoTime(openedAt),
              closesAt: isoTime(closesAt),
              freeUntil: freeUntil === null ? null : isoTime(freeUntil),
            })),
            optOut: optOut === undefined ? null : tellOptOut(optOut),
            incoming: incoming.map(({ at, ...message }) => ({ ...message, at: isoTime(at) })),
          },
        };
      },
    ),
  ];
}
