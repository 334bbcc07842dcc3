/** "Mark as read" and the typing indicator: passed on to Meta for a message the number did receive. Not a message of its own. */
import { isRefusal, type Refusal } from '../canonical/refusal.ts';
import type { MarkReadCommand, Outcome } from '../dialects/dialect.ts';
import { hasIncoming } from '../inbound/incoming.ts';
import type { Graph } from '../meta/graph.ts';
import { metaError } from '../meta/verdict.ts';
import type { Database } from '../platform/database.ts';
import type { SendingNumber } from '../tenants/number-book.ts';

export async function markRead(
  deps: { database: Database; graph: Graph },
  command: MarkReadCommand,
  number: SendingNumber | Refusal,
): Promise<Outcome | Refusal> {
  if (isRefusal(number)) return number;
  if (!(await hasIncoming(deps.database, number.tenantId, number.id, command.messageId))) {
    return { code: 'object_not_found', kind: 'message', id: command.messageId };
  }
  const answer = await deps.graph.request({
    method: 'POST',
    path: `/${number.phoneNumberId}/messages`,
    accessToken: number.accessToken,
    body: JSON.stringify(command.body),
  });
  if (answer.kind !== 'answer') return { code: 'meta_unreachable', reason: answer.reason };
  if (answer.status === 200 && answer.body !== undefined) return { kind: 'marked_read', meta: answer.body };
  const error = answer.body && metaError(answer.status, answer.body);
  if (error === undefined) return { code: 'meta_unreachable', reason: `HTTP ${answer.status}` };
  return { code: 'meta_rejected', messageId: null, error };
}
