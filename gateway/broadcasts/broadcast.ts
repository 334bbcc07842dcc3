/** What a broadcast is, as its row says it. */
import type { Content, MetaEndpoint } from '../canonical/content.ts';
import type { DialectName } from '../dialects/dialect.ts';
import type { Hours } from './schedule.ts';

export type BroadcastState = 'draft' | 'scheduled' | 'running' | 'paused' | 'completed' | 'canceled';

/**
 * Why it is paused: somebody asked (asked), it has taken as many recipients as it was launched for (limit), the balance or a cap of its
 * key is used up (balance, key), Meta limits what the numbers may send unasked (spam), none of them is connected (number), or Meta refuses
 * for a reason that holds for everyone (refused). Why it ended before its time: its time to live is over (expired).
 */
export type Reason = 'asked' | 'limit' | 'balance' | 'key' | 'spam' | 'number' | 'refused' | 'expired';

/** Whom it goes to, beside those who were named one by one; each person once. */
export interface Audience {
  tags: number[];
  /** Contacts of which all of this is true; null: none beside those of the tags. */
  filter: { tag?: number; name?: string; phone?: string; attributes?: Record<string, string> } | null;
  exclude: { phones: string[]; tags: number[] };
  /** Of a retry, which goes to nobody else: also those whom the end of the other left without a message because it was canceled. */
  retry?: { canceled: boolean };
}

export interface BroadcastOptions {
  /** At most so many messages a second, beside the pace of the numbers. */
  perSecond: number | null;
  /** From the launch, or from the start where that is later. */
  ttlMs: number | null;
  /** IANA name; of recipients of whom no other is known. */
  timeZone: string;
  /** The start is a time of the clock on the wall, `2026-12-01T10:00`, which comes to each recipient in its own time zone. */
  localStart: string | null;
  /** In the recipient's time zone; nothing is sent between them. */
  quietHours: Hours | null;
  callbackData: string | null;
  /** How many recipients its caller was told, where a dialect tells that before the audience is written; null: nobody was. */
  told: number | null;
}

export interface Broadcast {
  tenantId: string;
  id: string;
  name: string;
  /** Of who launched it: its powers and caps hold for what is sent. */
  keyId: string;
  dialect: DialectName;
  content: Content;
  endpoint: MetaEndpoint;
  /** Several share the recipients; at least one. */
  numberIds: number[];
  audience: Audience;
  /** The broadcast whose failed it goes to again. */
  retryOf: string | null;
  options: BroadcastOptions;
  state: BroadcastState;
  reason: Reason | null;
  /** A sentence about the reason. */
  detail: string | null;
  /** Rows of recipients; of these, those with a message, and those that get none. */
  recipients: number;
  taken: number;
  skipped: number;
  /** It pauses when so many are taken. */
  takeMost: number | null;
  /** How far the audience is written; null before the launch and when all of it is. */
  freezing: Freezing | null;
  /** Its next free moment in Unix µs, where it has a rate. */
  nextUs: number;
  /** Unix ms. */
  startAt: number | null;
  endsAt: number | null;
  createdAt: number;
  updatedAt: number;
  launchedAt: number | null;
  /** When its first step towards a message was made. */
  startedAt: number | null;
  frozenAt: number | null;
  endedAt: number | null;
}

/** Sources are the tags in their order, then the filter; `after`: behind this contact of the source. Of a retry: the other's ledger. */
export interface Freezing {
  source: number;
  after: string;
}

/** Whose audience is being written down. */
export type FreezingBroadcast = Broadcast & { freezing: Freezing };

export interface BroadcastKey {
  tenantId: string;
  broadcastId: string;
}
