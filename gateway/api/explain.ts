/** Why a message is where it is, in plain words. */
import { Type } from 'typebox';
import { isRefusal } from '../canonical/refusal.ts';
import { seesNumber } from '../http/select-number.ts';
import { listWindows } from '../inbound/windows.ts';
import { findMessage, listTries, messageMoney } from '../messages/lookup.ts';
import { laneState } from '../messages/pace.ts';
import { tellStory } from '../messages/story.ts';
import { findNumber } from '../tenants/numbers.ts';
import { tellingsOf } from '../webhooks/attempts.ts';
import type { ApiDeps } from './api.ts';
import { type Route, tenantRoute } from './route.ts';

const StoryForm = Type.Object({
  id: Type.String(),
  status: Type.String(),
  story: Type.Array(Type.String(), { description: 'What happened, in order, in plain sentences.' }),
  next: Type.String({ description: 'What is expected to happen now.' }),
  todo: Type.Union([Type.String(), Type.Null()], { description: 'What a person can do, if anything.' }),
});

export function explainRoutes({ database, currency, now }: ApiDeps): Route[] {
  return [
    tenantRoute(
      {
        method: 'GET',
        path: '/api/v1/messages/:messageId/explain',
        operation: 'explainMessage',
        summary: 'Why a message is where it is',
        answer: { status: 200, about: 'Its story.', schema: StoryForm },
        refusals: ['object_not_found'],
      },
      async ({ params }, principal) => {
        const id = params.messageId ?? '';
        const { tenantId } = principal;
        const message = /^\w{1,64}$/.test(id) ? await findMessage(database, tenantId, id) : undefined;
        if (message === undefined || isRefusal(message) || !seesNumber(principal, message.numberId))
          return { code: 'object_not_found', kind: 'message', id };
        const { numberId, recipient } = message;
        const [tries, number, lane, money, windows, tellings] = await Promise.all([
          listTries(database, tenantId, id),
          findNumber(database, tenantId, numberId),
          laneState(database, { tenantId, numberId }),
          messageMoney(database, tenantId, id),
          listWindows(database, tenantId, recipient),
          tellingsOf(database, tenantId, { messageId: id, person: recipient }),
        ]);
        const window = windows.find(one => one.number === numberId) ?? null;
        const around = { tries, number: number ?? null, lane, money, window, tellings, currency, now: now() };
        return { status: 200, body: { id, status: message.status, ...tellStory(message, around) } };
      },
    ),
  ];
}
