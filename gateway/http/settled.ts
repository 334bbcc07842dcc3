/** What a caller hears who waited for Meta: Meta's yes, its no, or that the message goes on by itself. And the same, asked again. */
import type { Recipient } from '../canonical/content.ts';
import type { Refusal } from '../canonical/refusal.ts';
import type { AcceptedMessage, Launched, Outcome } from '../dialects/dialect.ts';
import { findMessages, messageStatus, type StoredMessage, settlements } from '../messages/lookup.ts';
import type { Settlement } from '../messages/message.ts';
import type { Verdict } from '../messages/policy/judge.ts';
import type { Waiters } from '../messages/waiters.ts';
import type { Database } from '../platform/database.ts';
import type { SendingNumber } from '../tenants/number-book.ts';
import { launchedBefore } from './launch.ts';

export interface SettledDeps {
  database: Database;
  waiters: Waiters;
  answerTimeoutMs: number;
}

/** `settlement`: undefined when the caller's time is over. */
export async function settled(
  { database }: SettledDeps,
  settlement: Settlement | undefined,
  message: { tenantId: string; id: string; type: string },
  recipient: Recipient,
  number: SendingNumber,
  window?: AcceptedMessage['window'],
): Promise<Outcome | Refusal> {
  if (settlement === undefined) {
    // Whatever keeps us from looking: the message is kept, and a caller who is told otherwise would send it again.
    const status = await messageStatus(database, message.tenantId, message.id).catch(() => undefined);
    return { code: 'answer_pending', messageId: message.id, status: status ?? 'queued' };
  }
  const { status, wamid, answer, error } = settlement;
  if (wamid !== null && status !== 'failed') {
    const seen =
      settlement.waId !== null && recipient.kind === 'phone'
        ? { ...recipient, digits: settlement.waId }
        : recipient;
    // accepted: what the caller waited for, also when Meta's next word was quicker than our answer.
    const told = {
      ...{ id: message.id, type: message.type, status: 'accepted', recipient: seen },
      ...{ wamid, meta: answer ?? null, fake: false },
      ...(window === undefined ? {} : { window }),
    };
    return { kind: 'sent', messages: [told] };
  }
  if (error !== null) {
    // Meta refused our token for the number, not the caller's key.
    if (error.code === 190 || error.code === 0)
      return { code: 'number_disconnected', number: String(number.id) };
    return { code: 'meta_rejected', messageId: message.id, error };
  }
  const ended = status === 'expired' || status === 'canceled' ? status : 'failed';
  return { code: 'message_ended', messageId: message.id, status: ended, reason: settlement.reason ?? ended };
}

/** A send under an Idempotency-Key that was used before: nothing is sent, and the caller hears how the first one stands. */
export async function repeated(
  deps: SettledDeps,
  tenantId: string,
  { messageIds: ids, told }: Pick<Extract<Verdict, { kind: 'repeated' }>, 'messageIds' | 'told'>,
  waits: boolean,
  number: SendingNumber,
): Promise<Outcome | Launched | Refusal> {
  const stored = new Map(
    (await findMessages(deps.database, tenantId, ids)).map(message => [message.id, message]),
  );
  const messages = ids.flatMap(id => stored.get(id) ?? []);
  const [first, ...rest] = messages;
  if (first === undefined)
    return (
      (await launchedBefore(deps.database, tenantId, ids[0]!)) ?? {
        code: 'message_ended',
        messageId: ids[0]!,
        status: 'failed',
        reason: 'the message was removed meanwhile',
      }
    );
  if (!waits)
    return {
      kind: 'sent',
      messages: [tell(first, told[first.id]), ...rest.map(one => tell(one, told[one.id]))],
    };
  const [known] = await settlements(deps.database, tenantId, [first.id]);
  // The first may be under way, here or in another process; what ends between these two lines the next look at the rows finds.
  const settlement = known ?? (await deps.waiters.wait(tenantId, first.id, deps.answerTimeoutMs));
  return settled(deps, settlement, first, recipientOf(first), number, told[first.id]);
}

const tell = (message: StoredMessage, window: AcceptedMessage['window']): AcceptedMessage => ({
  id: message.id,
  type: message.type,
  status: message.status,
  recipient: recipientOf(message),
  wamid: message.wamid,
  meta: null,
  fake: message.fake,
  ...(window === undefined ? {} : { window }),
});

/** As the first call named it: what Meta was given stands in the body. */
function recipientOf({ recipientKind, recipient, body }: StoredMessage): Recipient {
  if (recipientKind !== 'phone') return { kind: recipientKind === 'group' ? 'group' : 'user', id: recipient };
  return { kind: 'phone', digits: recipient, to: typeof body?.to === 'string' ? body.to : recipient };
}
