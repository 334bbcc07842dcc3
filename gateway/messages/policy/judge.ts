/**
 * What accept decides about the calls of one tenant, inside its transaction and before anything of them is stored: repeats, rate
 * limits, opt-outs, the window, and whether the balance covers them. What has to be read for all of them is asked for at once.
 */
import { availableOf, lockWallet, moveMoney } from '../../billing/wallet.ts';
import type { KeyLimits, LimitState } from '../../canonical/key-limit.ts';
import { type Refusal, refusals } from '../../canonical/refusal.ts';
import { type Tx, together } from '../../platform/database.ts';
import type { Seal } from '../../platform/seal.ts';
import type { DayCaps } from '../../tenants/key-powers.ts';
import type { NewMessage } from '../message.ts';
import { closeCaps, openCaps } from './caps.ts';
import { giveKeysBack, type Holder, type IdempotencyEntry, noteWindows, takeKeys } from './idempotency.ts';
import { closeMeters, openMeters, roomIn } from './meter.ts';
import {
  isFree,
  type OpenWindow,
  openFreeEntries,
  pairName,
  readOptOuts,
  readWindows,
  type ToldWindow,
  tellWindows,
} from './people.ts';

/** One call: all of its messages or none, but for recipients who may not be written to. */
export interface Asked {
  /** At least one; of one tenant and one number. */
  messages: NewMessage[];
  key: { id: string; limits: KeyLimits; caps: DayCaps | null };
  idempotency: Pick<IdempotencyEntry, 'key' | 'fingerprint'> | null;
  /** The content may only go into an open window, and we can know whether it is. */
  needsWindow: boolean;
  /** The same messages said with a template, in the same order with the same ids, for those whose window is closed. */
  fallback: { messages: NewMessage[]; marketing: boolean } | null;
  /** Not for those who opted out. */
  marketing: boolean;
  /** The tenant pays from its wallet what `cost` of the messages says. */
  prepaid: boolean;
}

export type Verdict = { limit: LimitState } /** windows: of each message, where they had to be read. */ & (
  | { kind: 'accepted'; messages: NewMessage[]; windows: (OpenWindow | undefined)[] }
  /** told: of the windows, in the first answer, by message id. */
  | { kind: 'repeated'; messageIds: string[]; told: Record<string, ToldWindow> }
  | { kind: 'refused'; refusal: Refusal }
);

/** Judges the calls in the order they came, and writes what the verdicts use up. */
export async function judge(
  tx: Tx,
  tenantId: string,
  calls: Asked[],
  nowMs: number,
  seal: Pick<Seal, 'digest'>,
): Promise<Verdict[]> {
  const known = await read(tx, tenantId, calls, nowMs, seal);
  const { meters, holders } = known;
  let available = known.wallet === null ? 0 : availableOf(known.wallet);
  let held = 0;
  /** Of calls that name the same key of the caller's in one batch, the first one's verdict. */
  const firsts = new Map<string, Verdict>();

  function decide(call: Asked): Verdict {
    const meter = meters.get(call.key.id)!;
    const { limits } = call.key;
    const refused = (refusal: Refusal): Verdict => ({ kind: 'refused', refusal, limit: meter.state(limits) });
    const holder = call.idempotency === null ? undefined : holders.get(call.idempotency.key);
    if (holder !== undefined && holder.fingerprint !== call.idempotency?.fingerprint)
      return refused({ code: 'idempotency_mismatch', key: holder.key });
    if (holder !== undefined && holder.messageIds[0] !== call.messages[0]!.id) {
      const twin = firsts.get(holder.key);
      if (twin?.kind === 'refused') return twin;
      const told =
        twin?.kind === 'accepted' && call.needsWindow
          ? tellWindows(twin.messages, twin.windows)
          : holder.windows;
      return { kind: 'repeated', messageIds: holder.messageIds, told, limit: meter.state(limits) };
    }
    const window = meter.use(limits);
    // When there is room again is asked afterwards, once for all that were refused.
    if (window !== undefined) return refused({ code: 'rate_limited', window, limit: 0, retryAfterMs: 0 });
    const messages = reachable(call, known, nowMs);
    if ('code' in messages) return refused(messages);
    const cost = sumOf(messages);
    const reason = known.caps.get(call.key.id)?.against(countOf(messages), cost);
    if (reason !== undefined) return refused({ code: 'power_missing', reason });
    if (call.prepaid && cost > available)
      return refused({
        code: 'balance_insufficient',
        neededMicros: cost,
        availableMicros: Math.max(0, available),
      });
    // Of a fake message everything is checked and nothing is held.
    const kept = messages.map(message => (message.fake ? { ...message, cost: null } : message));
    known.caps.get(call.key.id)?.take(countOf(kept), sumOf(kept));
    available -= sumOf(kept);
    held += sumOf(kept);
    const windows = kept.map(one => known.windows.get(pairName(one.numberId, one.recipient)));
    return { kind: 'accepted', messages: kept, windows, limit: meter.state(limits) };
  }

  const verdicts = calls.map(call => {
    const verdict = decide(call);
    if (call.idempotency !== null && !firsts.has(call.idempotency.key))
      firsts.set(call.idempotency.key, verdict);
    return verdict;
  });
  await closeMeters(tx, tenantId, meters);
  await closeCaps(tx, tenantId, known.caps);
  await moveMoney(tx, tenantId, { held, charged: 0 }, nowMs);
  const unused = [...firsts].filter(([, { kind }]) => kind === 'refused').map(([key]) => key);
  const mine = unused.filter(key =>
    calls.some(call => call.messages[0]!.id === holders.get(key)?.messageIds[0]),
  );
  if (mine.length > 0) await giveKeysBack(tx, tenantId, mine);
  await noteWindows(
    tx,
    tenantId,
    calls.flatMap((call, i) => noteOf(call, verdicts[i]!)),
  );
  const accepted = verdicts.flatMap(verdict => (verdict.kind === 'accepted' ? verdict.messages : []));
  await openFreeEntries(tx, tenantId, accepted, known.windows, nowMs);
  await sayWhenThereIsRoom(tx, tenantId, calls, verdicts, known);
  return verdicts;
}

function noteOf({ idempotency, needsWindow }: Asked, verdict: Verdict) {
  if (idempotency === null || !needsWindow || verdict.kind !== 'accepted') return [];
  return [{ key: idempotency.key, windows: tellWindows(verdict.messages, verdict.windows) }];
}

type Known = Awaited<ReturnType<typeof read>>;

/** Locks in one order in every process: the callers' keys, the meters, the caps, the wallet; the lanes come later (accept.ts). */
async function read(tx: Tx, tenantId: string, calls: Asked[], nowMs: number, seal: Pick<Seal, 'digest'>) {
  const entries = new Map<string, IdempotencyEntry>();
  for (const { idempotency, messages } of calls) {
    if (idempotency === null || entries.has(idempotency.key)) continue;
    entries.set(idempotency.key, { ...idempotency, messageIds: messages.map(({ id }) => id) });
  }
  const windowed = calls
    .filter(({ needsWindow, prepaid }) => needsWindow || prepaid)
    .flatMap(({ messages }) => messages);
  const marketing = calls
    .filter(call => call.marketing || call.fallback?.marketing === true)
    .flatMap(({ messages }) => messages);
  const holders =
    entries.size === 0 ? new Map<string, Holder>() : takeKeys(tx, tenantId, [...entries.values()], nowMs);
  const meters = openMeters(tx, tenantId, [...new Set(calls.map(({ key }) => key.id))], nowMs);
  const capped = calls.flatMap(({ key }) => (key.caps === null ? [] : [{ keyId: key.id, caps: key.caps }]));
  const caps = openCaps(tx, tenantId, [...new Map(capped.map(key => [key.keyId, key])).values()], nowMs);
  const wallet = calls.some(({ prepaid }) => prepaid) ? lockWallet(tx, tenantId) : null;
  const windows = windowed.length === 0 ? new Map<string, OpenWindow>() : readWindows(tx, tenantId, windowed);
  const optOuts =
    marketing.length === 0
      ? new Set<string>()
      : readOptOuts(
          tx,
          tenantId,
          marketing.map(({ recipient }) => recipient),
          seal,
        );
  await together<unknown>(
    [holders, meters, caps, wallet, windows, optOuts].map(part => Promise.resolve<unknown>(part)),
  );
  return {
    holders: await holders,
    meters: await meters,
    caps: await caps,
    wallet: await wallet,
    windows: await windows,
    optOuts: await optOuts,
  };
}

/**
 * The messages as they will be stored: with the fallback where the window is closed, free where Meta's price is, and failed where the
 * recipient may not be written to. When that is so for all of them the call is refused instead.
 */
export function reachable(
  call: Pick<Asked, 'messages' | 'needsWindow' | 'fallback' | 'marketing'>,
  { windows, optOuts }: { windows: Map<string, OpenWindow>; optOuts: Set<string> },
  nowMs: number,
): NewMessage[] | Refusal {
  let refusal: Refusal | undefined;
  const messages = call.messages.map((message, i) => {
    const window = windows.get(pairName(message.numberId, message.recipient));
    const isClosed = call.needsWindow && (window === undefined || window.closesAt <= nowMs);
    const fallback = isClosed ? call.fallback : null;
    const said = fallback === null ? message : fallback.messages[i]!;
    const { recipient } = said;
    if (isClosed && fallback === null) {
      refusal ??= { code: 'window_closed', recipient, closedAt: window?.closesAt ?? null };
      return failed(said, 'window_closed');
    }
    const isMarketing = fallback === null ? call.marketing : fallback.marketing;
    if (isMarketing && optOuts.has(recipient)) {
      refusal ??= { code: 'recipient_opted_out', recipient };
      return failed(said, 'recipient_opted_out');
    }
    return said.cost !== null && isFree(window, nowMs) ? { ...said, cost: { ...said.cost, price: 0 } } : said;
  });
  return refusal !== undefined && messages.every(({ status }) => status === 'failed') ? refusal : messages;
}

/** In the words of the refusal that a call to this recipient alone would have got. */
const failed = (message: NewMessage, code: 'window_closed' | 'recipient_opted_out'): NewMessage => ({
  ...message,
  status: 'failed',
  reason: refusals[code].title,
  cost: null,
});

/** Those that go out. */
const countOf = (messages: NewMessage[]) =>
  messages.filter(({ status, fake }) => status !== 'failed' && !fake).length;

const sumOf = (messages: NewMessage[]) =>
  messages.reduce((sum, { cost }) => sum + (cost === null ? 0 : cost.fee + cost.price), 0);

async function sayWhenThereIsRoom(
  tx: Tx,
  tenantId: string,
  calls: Asked[],
  verdicts: Verdict[],
  { meters }: Known,
): Promise<void> {
  const asked = new Map<string, ReturnType<typeof roomIn>>();
  for (const [i, verdict] of verdicts.entries()) {
    if (verdict.kind !== 'refused' || verdict.refusal.code !== 'rate_limited') continue;
    const { id, limits } = calls[i]!.key;
    const { window } = verdict.refusal;
    const name = `${window} ${id} ${limits.perSecond} ${limits.perMinute}`;
    if (!asked.has(name)) asked.set(name, roomIn(tx, tenantId, id, meters.get(id)!, window, limits));
    const { limit, retryAfterMs } = await asked.get(name)!;
    Object.assign(verdict.refusal, { limit, retryAfterMs });
  }
}
