/** Messages of the tenant: a list by filter, newest first, and one with everything that happened to it. */
import { isRefusal, type Refusal } from '../canonical/refusal.ts';
import type { Principal } from '../http/authenticate.ts';
import { seesNumber } from '../http/select-number.ts';
import type { Change } from '../messages/feed.ts';
import { findMessage, listMessages, listTries, type StoredMessage } from '../messages/lookup.ts';
import { cancelMessage } from '../messages/queue.ts';
import type { ApiDeps } from './api.ts';
import { MessageQuery, readCursor, readFilter, writeCursor } from './message-filter.ts';
import { MessageForm, MessagePage, tellMessage, tellSummary } from './message-form.ts';
import { type Route, tenantRoute } from './route.ts';

const pageSize = 50;

export function messageRoutes({ database, numbers, feed, announce, now }: ApiDeps): Route[] {
  /** The message the path names, if this key may see it. */
  async function findOwn(
    { messageId: id = '' }: Record<string, string>,
    principal: Principal,
  ): Promise<StoredMessage | Refusal> {
    const message = /^\w{1,64}$/.test(id) ? await findMessage(database, principal.tenantId, id) : undefined;
    if (message === undefined || !seesNumber(principal, message.numberId)) {
      return { code: 'object_not_found', kind: 'message', id };
    }
    return message;
  }

  const tell = async (message: StoredMessage) => ({
    status: 200,
    body: tellMessage(message, await listTries(database, message.tenantId, message.id)),
  });

  return [
    tenantRoute(
      {
        method: 'GET',
        path: '/api/v1/messages',
        operation: 'listMessages',
        summary: 'Messages, newest first',
        query: MessageQuery,
        answer: { status: 200, about: 'A page of messages.', schema: MessagePage },
        refusals: ['field_invalid', 'number_not_found'],
      },
      async ({ query }, principal) => {
        const filter = await readFilter(query, principal, numbers);
        if (isRefusal(filter)) return filter;
        const before = query.cursor === undefined ? undefined : readCursor(query.cursor);
        if (isRefusal(before)) return before;
        const limit = query.limit ?? pageSize;
        // One more than asked for tells whether there is a next page.
        const found = await listMessages(database, principal.tenantId, filter, before, limit + 1);
        const page = found.slice(0, limit);
        const next = found.length > limit ? writeCursor(page.at(-1)!.id) : null;
        return { status: 200, body: { data: page.map(tellSummary), next } };
      },
    ),
    tenantRoute(
      {
        method: 'GET',
        path: '/api/v1/messages/:messageId',
        operation: 'getMessage',
        summary: 'One message with its timeline',
        answer: { status: 200, about: 'The message.', schema: MessageForm },
        refusals: ['object_not_found'],
      },
      async ({ params }, principal) => {
        const message = await findOwn(params, principal);
        if (isRefusal(message)) return message;
        return tell(message);
      },
    ),
    tenantRoute(
      {
        method: 'DELETE',
        path: '/api/v1/messages/:messageId',
        operation: 'cancelMessage',
        summary: 'Cancel a message that is still scheduled or queued',
        answer: { status: 200, about: 'The canceled message.', schema: MessageForm },
        refusals: ['object_not_found', 'conflict'],
      },
      async ({ params }, principal) => {
        const message = await findOwn(params, principal);
        if (isRefusal(message)) return message;
        const { tenantId, id } = message;
        const at = now();
        const changes: Change[] = [{ tenantId, id, status: 'canceled', at }];
        const isCanceled = await database.transact(async tx => {
          const done = await cancelMessage(tx, tenantId, id, at);
          if (done) await announce(tx, changes);
          return done;
        });
        if (!isCanceled) {
          return {
            code: 'conflict',
            reason: `Message ${id} is ${message.status}: only a scheduled or queued one can be canceled.`,
          };
        }
        feed.publish(changes);
        const canceled = await findOwn(params, principal);
        return isRefusal(canceled) ? canceled : tell(canceled);
      },
    ),
  ];
}
