/** A recipient of a broadcast as the API and its files show it. */
import { csvLine } from '../contacts/csv-cells.ts';
import type { FileFormat } from '../contacts/file-rows.ts';
import { readError } from '../messages/lookup.ts';
import { errorTable } from '../meta/error-table.ts';
import { isoTime } from '../platform/clock.ts';
import { isErased, type LedgerEntry } from './ledger.ts';

export const recipientColumns = [
  ...['phone', 'state', 'reason', 'status', 'code', 'title', 'messageId', 'wamid', 'dueAt'],
  ...['acceptedAt', 'sentAt', 'deliveredAt', 'readAt', 'endedAt', 'contactId', 'variables'],
] as const;

export type ToldRecipient = ReturnType<typeof tellRecipient>;

export function tellRecipient(entry: LedgerEntry) {
  const { person, contactId, variables, state, reason, dueAt, message } = entry;
  const error = readError(message?.error ?? null);
  const code = error?.meta?.code ?? null;
  return {
    phone: isErased(person) ? null : entry.phone,
    ...{ state, reason: reason ?? error?.reason ?? null },
    ...{ status: message?.status ?? null, code },
    title: code === null ? null : (errorTable[code]?.title ?? error?.meta?.title ?? null),
    ...{ messageId: message?.id ?? null, wamid: message?.wamid ?? null },
    dueAt: state === 'waiting' && dueAt > 0 ? isoTime(dueAt) : null,
    ...{ acceptedAt: timeOr(message?.acceptedAt), sentAt: timeOr(message?.sentAt) },
    ...{ deliveredAt: timeOr(message?.deliveredAt), readAt: timeOr(message?.readAt) },
    ...{ endedAt: timeOr(message?.endedAt), contactId, variables },
  };
}

const timeOr = (ms: number | null | undefined) => (ms === null || ms === undefined ? null : isoTime(ms));

/** The line of one in a file. */
export const recipientLine: Record<FileFormat, (entry: LedgerEntry) => string> = {
  csv: entry => {
    const told = tellRecipient(entry);
    return csvLine(recipientColumns.map(name => cellOf(told[name as keyof ToldRecipient])));
  },
  ndjson: entry => `${JSON.stringify(tellRecipient(entry))}\n`,
};

function cellOf(value: ToldRecipient[keyof ToldRecipient]): string {
  if (value === null) return '';
  if (typeof value !== 'object') return String(value);
  return Object.keys(value).length === 0 ? '' : JSON.stringify(value);
}
