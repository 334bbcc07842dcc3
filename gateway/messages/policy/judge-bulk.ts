/**
 * What accept decides about the messages of a broadcast, in their order: not about all or none, as with a call, but about each. No rate
 * limit counts them, since nobody asks for them one by one.
 */
import { availableOf, lockWallet, moveMoney } from '../../billing/wallet.ts';
import type { RefusalOf } from '../../canonical/refusal.ts';
import { type Tx, together } from '../../platform/database.ts';
import type { Seal } from '../../platform/seal.ts';
import type { DayCaps } from '../../tenants/key-powers.ts';
import type { NewMessage } from '../message.ts';
import { closeCaps, openCaps } from './caps.ts';
import { reachable } from './judge.ts';
import { type OpenWindow, openFreeEntries, readOptOuts, readWindows } from './people.ts';

export interface BulkMessage {
  message: NewMessage;
  /** It may only go into an open window, and we can know whether it is. */
  needsWindow: boolean;
  /** Not for those who opted out. */
  marketing: boolean;
}

export interface BulkAsked {
  messages: BulkMessage[];
  key: { id: string; caps: DayCaps | null };
  prepaid: boolean;
}

export interface BulkVerdict {
  accepted: NewMessage[];
  refused: { message: NewMessage; refusal: RefusalOf<'window_closed' | 'recipient_opted_out'> }[];
  /** Why those behind them were not looked at; null: all were. */
  shortOf: { what: 'balance' | 'key'; detail: string } | null;
}

/** Writes what the accepted ones use up. Locks in the order of `judge`: the caps, then the wallet; lanes come later. */
export async function judgeBulk(
  tx: Tx,
  tenantId: string,
  { messages, key, prepaid }: BulkAsked,
  nowMs: number,
  seal: Pick<Seal, 'digest'>,
): Promise<BulkVerdict> {
  const windowed = messages.filter(({ needsWindow }) => needsWindow || prepaid).map(one => one.message);
  const marketing = messages.filter(one => one.marketing).map(({ message }) => message.recipient);
  const capsOfKey = openCaps(
    tx,
    tenantId,
    key.caps === null ? [] : [{ keyId: key.id, caps: key.caps }],
    nowMs,
  );
  const locked = prepaid ? lockWallet(tx, tenantId) : null;
  const known = windowed.length === 0 ? new Map<string, OpenWindow>() : readWindows(tx, tenantId, windowed);
  const refusing = marketing.length === 0 ? new Set<string>() : readOptOuts(tx, tenantId, marketing, seal);
  await together<unknown>([capsOfKey, locked, known, refusing].map(part => Promise.resolve<unknown>(part)));
  const caps = await capsOfKey;
  const wallet = await locked;
  const people = { windows: await known, optOuts: await refusing };
  let available = wallet === null ? 0 : availableOf(wallet);
  let held = 0;

  const verdict: BulkVerdict = { accepted: [], refused: [], shortOf: null };
  for (const { message, needsWindow, marketing: isMarketing } of messages) {
    const asked = { messages: [message], needsWindow, fallback: null, marketing: isMarketing };
    const judged = reachable(asked, people, nowMs);
    if ('code' in judged) {
      verdict.refused.push({ message, refusal: judged as BulkVerdict['refused'][number]['refusal'] });
      continue;
    }
    const [said] = judged;
    const cost = said!.cost === null ? 0 : said!.cost.fee + said!.cost.price;
    if (cost > available && prepaid) {
      verdict.shortOf = { what: 'balance', detail: 'The balance does not cover the next message.' };
      break;
    }
    const capped = caps.get(key.id)?.take(1, cost);
    if (capped !== undefined) {
      verdict.shortOf = { what: 'key', detail: `The API key may not send more: ${capped}.` };
      break;
    }
    available -= cost;
    held += cost;
    verdict.accepted.push(said!);
  }
  await closeCaps(tx, tenantId, caps);
  await moveMoney(tx, tenantId, { held, charged: 0 }, nowMs);
  await openFreeEntries(tx, tenantId, verdict.accepted, people.windows, nowMs);
  return verdict;
}
