/** A message's life as a list of moments, told from its row and its unsuccessful tries. */
import type { StoredMessage, Try } from './lookup.ts';

export interface Moment {
  status: string;
  /** Unix ms. */
  at: number;
  reason?: string;
}

const moments = [
  ['accepted', 'accepted_at'],
  ['sent', 'sent_at'],
  ['delivered', 'delivered_at'],
  ['read', 'read_at'],
  ['played', 'played_at'],
] as const;

/** How each unsuccessful send is told. */
const afterTry: Record<string, string> = { later: 'queued', unknown: 'uncertain', rejected: 'failed' };

export function timeline(message: StoredMessage, tries: Try[]): Moment[] {
  const { times, error } = message;
  // A repeated message has another due time too; its tries may have aged out.
  const repeated = tries.length > 0 || message.tries > 1;
  const list: Moment[] = [
    {
      status: message.dueAt > message.createdAt && !repeated ? 'scheduled' : 'queued',
      at: message.createdAt,
    },
  ];
  for (const { at, verdict, reason } of tries)
    list.push({ status: afterTry[verdict] ?? verdict, at, reason });
  if (times.sending_at !== null && message.status !== 'queued')
    list.push({ status: 'sending', at: times.sending_at });
  for (const [status, column] of moments) {
    const at = times[column];
    if (at !== null) list.push({ status, at });
  }
  const told = tries.some(({ verdict }) => verdict === 'rejected');
  if (times.ended_at !== null && !(told && message.status === 'failed')) {
    list.push({
      status: message.status,
      at: times.ended_at,
      ...(error === null ? {} : { reason: error.reason }),
    });
  }
  return list.sort((a, b) => rankOf(a) - rankOf(b) || a.at - b.at);
}

/**
 * Meta's clock ticks in seconds and may lag behind ours, so that a `sent` can bear an earlier time than our own
 * `accepted`: the order is that of the life, times decide only within a stage.
 */
function rankOf({ status }: Moment): number {
  if (status === 'scheduled') return 0;
  if (status === 'queued' || status === 'sending' || status === 'uncertain') return 1;
  const order = moments.findIndex(([name]) => name === status);
  return order === -1 ? 9 : 2 + order;
}
