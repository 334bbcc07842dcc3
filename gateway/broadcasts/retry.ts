/**
 * Whom a retry of a broadcast that has ended goes to: those whom it left without its message and who may get it now. Read from its
 * ledger, with the variables that were frozen there.
 */
import { checkContent } from '../canonical/limits.ts';
import { statusRank } from '../canonical/status.ts';
import { readError } from '../messages/lookup.ts';
import { errorTable } from '../meta/error-table.ts';
import type { Sql } from '../platform/database.ts';
import type { Broadcast, FreezingBroadcast } from './broadcast.ts';
import { type FrozenSlice, frozen } from './frozen.ts';
import { isErased, type LedgerEntry, type LedgerMessage, readLedger } from './ledger.ts';
import type { NewRecipient } from './recipients.ts';
import { findBroadcast } from './table.ts';
import { fill } from './variables.ts';

/** The next people of the other's ledger. */
export async function sliceToRetry(
  sql: Sql,
  broadcast: FreezingBroadcast,
  rowsMax: number,
  now: number,
): Promise<FrozenSlice> {
  const { tenantId, retryOf, freezing, audience } = broadcast;
  const before = await findBroadcast(sql, tenantId, retryOf!);
  if (before === undefined) return { recipients: [], next: undefined };
  const key = { tenantId, broadcastId: before.id };
  const { entries, next } = await readLedger(sql, key, {}, freezing.after, rowsMax);
  const alsoCanceled = audience.retry?.canceled === true;
  const recipients = entries
    .filter(entry => !isErased(entry.person) && wasLeftOut(before, entry, alsoCanceled))
    .flatMap(entry => recipientOf(broadcast, entry, now) ?? []);
  return { recipients, next };
}

function wasLeftOut(before: Broadcast, { state, message }: LedgerEntry, alsoCanceled: boolean): boolean {
  if (state === 'skipped') return true;
  if (state === 'waiting') return before.state === 'completed' || alsoCanceled;
  return message !== null && hasFailed(message, alsoCanceled);
}

/** Of one that is in doubt, was until it was given up, or has aged out, nobody knows whether the recipient got it. */
function hasFailed({ status, rank, error }: LedgerMessage, alsoCanceled: boolean): boolean {
  if (status === 'failed')
    return rank === statusRank.failed && errorTable[codeOf(error) ?? -1]?.hopeless !== true;
  return status === 'expired' || (status === 'canceled' && alsoCanceled);
}

const codeOf = (error: string | null) => readError(error)?.meta?.code;

/** undefined where nothing has changed that would make it work: something is missing or wrong in what is said to this one. */
function recipientOf(broadcast: Broadcast, entry: LedgerEntry, now: number): NewRecipient | undefined {
  const { phone, contactId, variables, timeZone, message } = entry;
  const filled = fill(broadcast.content, variables);
  if ('missing' in filled || checkContent(filled.content).length > 0) return undefined;
  const { restMs = 0 } = errorTable[codeOf(message?.error ?? null) ?? -1] ?? {};
  const dueAt = message === null ? entry.dueAt : (message.endedAt ?? now) + restMs;
  return {
    ...{ phone, contactId },
    ...frozen(broadcast, variables, timeZone, now),
    dueAt: dueAt <= now ? 0 : dueAt,
  };
}
