/** What accept has to know of recipients: whether their window is open, and whether they asked for no more marketing. */
import type { Sql, Tx } from '../../platform/database.ts';
import type { Seal } from '../../platform/seal.ts';
import { optOutHash, storedNames } from '../../tenants/opt-outs.ts';
import type { NewMessage } from '../message.ts';

const answerMs = 24 * 3_600_000;
const freeMs = 72 * 3_600_000;

/** One number's window with one person. Times are Unix ms. */
export interface OpenWindow {
  closesAt: number;
  /** Free entry point: nothing to this person costs until then. */
  freeUntil: number | null;
  /** When the person came by an ad, until we have answered: an answer within 24 hours opens the free entry point. */
  referredAt: number | null;
  /** All names the person's windows stand under, when there are several. */
  names: string[];
}

/** A window as the answer to a send tells it. closesAt: Unix ms, null when the recipient never wrote. */
export interface ToldWindow {
  open: boolean;
  closesAt: number | null;
  /** Of content that has a fallback, which is a template, and content that needs a window is none. */
  sentFallback: boolean;
}

/** What there is to tell of each message's window, by id; `windows`: as they were when the messages were judged. */
export function tellWindows(
  messages: Pick<NewMessage, 'id' | 'type' | 'createdAt'>[],
  windows: (OpenWindow | undefined)[],
): Record<string, ToldWindow> {
  return Object.fromEntries(
    messages.map(({ id, type, createdAt }, i) => {
      const closesAt = windows[i]?.closesAt ?? null;
      return [
        id,
        { open: closesAt !== null && closesAt > createdAt, closesAt, sentFallback: type === 'template' },
      ];
    }),
  );
}

export const pairName = (numberId: number, recipient: string) => `${numberId} ${recipient}`;

/** The windows of pairs of one tenant, by `pairName`; those that never were are missing. */
export async function readWindows(
  sql: Sql,
  tenantId: string,
  pairs: { numberId: number; recipient: string }[],
): Promise<Map<string, OpenWindow>> {
  const rows = await sql.all<{
    number_id: number;
    recipient: string;
    closes_at: number;
    free_until: number | null;
    referred_at: number | null;
    names: string | null;
  }>(
    `with s as materialized (
       select cast(value ->> 'number' as bigint) as number_id, value ->> 'recipient' as recipient from json_rows($2))
     select windows.number_id, windows.recipient, closes_at, free_until, referred_at, names from s join windows
       on windows.tenant_id = $1 and windows.recipient = s.recipient and windows.number_id = s.number_id
         and one_of(windows.recipient, select recipient from s)`,
    [tenantId, JSON.stringify(pairs.map(({ numberId, recipient }) => ({ number: numberId, recipient })))],
  );
  return new Map(
    rows.map(({ number_id, recipient, closes_at, free_until, referred_at, names }) => [
      pairName(number_id, recipient),
      {
        closesAt: closes_at,
        freeUntil: free_until,
        referredAt: referred_at,
        // Most windows stand under one name, and this is the hot path.
        names: names === null ? [] : storedNames(names),
      },
    ]),
  );
}

const awaitsAnswer = ({ referredAt }: OpenWindow, now: number) =>
  referredAt !== null && referredAt > now - answerMs;

/** Whether Meta delivers to this person for nothing: a free entry point is open, or this message opens it. */
export function isFree(window: OpenWindow | undefined, now: number): boolean {
  if (window === undefined) return false;
  return (window.freeUntil !== null && window.freeUntil > now) || awaitsAnswer(window, now);
}

/**
 * Our first answers to people who came by an ad: 72 hours from now everything to them is free. `messages`: what was accepted, with
 * the window of each as it was read. Meta's own word corrects it (inbound/windows.ts).
 */
export async function openFreeEntries(
  tx: Tx,
  tenantId: string,
  messages: Pick<NewMessage, 'numberId' | 'recipient' | 'status'>[],
  windows: Map<string, OpenWindow>,
  now: number,
): Promise<void> {
  const rows = messages.flatMap(({ numberId, recipient, status }) => {
    const window = windows.get(pairName(numberId, recipient));
    if (status !== 'queued' || window === undefined || !awaitsAnswer(window, now)) return [];
    return [...new Set([recipient, ...window.names])].map(name => ({ number: numberId, recipient: name }));
  });
  if (rows.length === 0) return;
  await tx.all(
    `with s as materialized (
       select distinct cast(value ->> 'number' as bigint) as number_id, value ->> 'recipient' as recipient from json_rows($2))
     update windows set referred_at = null,
       free_until = case when windows.free_until > cast($3 as bigint) then windows.free_until else cast($3 as bigint) end
     from s where windows.tenant_id = $1 and windows.recipient = s.recipient and windows.number_id = +s.number_id
       and one_of(windows.recipient, select recipient from s) and windows.referred_at is not null`,
    [tenantId, JSON.stringify(rows), now + freeMs],
  );
}

/** Those of the recipients who opted out of this tenant's marketing. Also those who have been erased since. */
export async function readOptOuts(
  sql: Sql,
  tenantId: string,
  recipients: string[],
  seal: Pick<Seal, 'digest'>,
): Promise<Set<string>> {
  const names = new Map(recipients.map(recipient => [recipient, recipient]));
  for (const recipient of recipients) names.set(optOutHash(seal, tenantId, recipient), recipient);
  const rows = await sql.all<{ recipient: string }>(
    `select recipient from opt_outs
     where tenant_id = $1 and state = 'out' and one_of(recipient, select value ->> 'recipient' from json_rows($2))`,
    [tenantId, JSON.stringify([...names.keys()].map(recipient => ({ recipient })))],
  );
  return new Set(rows.map(({ recipient }) => names.get(recipient)!));
}
