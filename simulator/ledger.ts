import type { Endpoint } from './rules/message.ts';
import type { Recipient } from './rules/recipient.ts';
import type { Tally } from './tally.ts';

export type StatusRecord = { status: string; at: number; deliveredWebhookAt: number | null };

export type Accepted = {
  seq: number;
  wamid: string;
  wabaId: string;
  phoneNumberId: string;
  endpoint: Endpoint;
  recipient: Recipient;
  to: string;
  type: string;
  /** The request body as JSON text: the parsed form would take several times the memory. */
  json: string;
  bizOpaque: string | null;
  pricingCategory: string;
  acceptedAt: number;
  statuses: StatusRecord[];
};

export type Ledger = ReturnType<typeof createLedger>;
export type ReceivedQuery = { phoneNumberId?: string; to?: string; after: number; limit: number };

/** What phones got. The oldest are forgotten past `keep`; the counts are of everything since the last reset. */
export function createLedger(keep: number, tally: Tally) {
  let all: Accepted[] = [];
  let seq = 0;
  const byWamid = new Map<string, Accepted>();
  const byPhone = new Map<string, Accepted[]>();
  const byTo = new Map<string, Accepted[]>();

  function forget(): void {
    const gone = all.slice(0, Math.max(1, Math.floor(keep / 10)));
    all = all.slice(gone.length);
    const until = gone.at(-1)?.seq ?? 0;
    for (const message of gone) byWamid.delete(message.wamid);
    for (const [index, key] of [
      [byPhone, (message: Accepted) => message.phoneNumberId],
      [byTo, (message: Accepted) => message.to],
    ] as const) {
      for (const name of new Set(gone.map(key))) {
        const rest = (index.get(name) ?? []).filter(message => message.seq > until);
        if (rest.length > 0) index.set(name, rest);
        else index.delete(name);
      }
    }
    tally.forgotten(gone.length);
  }

  return {
    tally,
    /** `content`: what makes two messages to one recipient the same. */
    accept(message: Omit<Accepted, 'seq' | 'statuses'>, content: string): Accepted {
      seq += 1;
      const accepted: Accepted = { ...message, seq, statuses: [] };
      all.push(accepted);
      byWamid.set(accepted.wamid, accepted);
      push(byPhone, accepted.phoneNumberId, accepted);
      push(byTo, accepted.to, accepted);
      tally.accepted(accepted, content);
      if (all.length > keep) forget();
      return accepted;
    },
    find: (wamid: string) => byWamid.get(wamid),
    list({ phoneNumberId, to, after, limit }: ReceivedQuery): Accepted[] {
      // The smallest list that holds the answer, entered by its sequence number.
      const list = (to ? byTo.get(to) : phoneNumberId ? byPhone.get(phoneNumberId) : all) ?? [];
      const found: Accepted[] = [];
      for (let at = firstAfter(list, after); at < list.length && found.length < limit; at += 1) {
        const message = list[at];
        if (message && (!phoneNumberId || message.phoneNumberId === phoneNumberId)) found.push(message);
      }
      return found;
    },
    clear(): void {
      all = [];
      byWamid.clear();
      byPhone.clear();
      byTo.clear();
      tally.clear();
    },
  };
}

function push(index: Map<string, Accepted[]>, key: string, message: Accepted): void {
  const list = index.get(key);
  if (list) list.push(message);
  else index.set(key, [message]);
}

function firstAfter(list: Accepted[], seq: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle]?.seq ?? 0) > seq) high = middle;
    else low = middle + 1;
  }
  return low;
}
