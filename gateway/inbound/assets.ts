/**
 * What Meta tells of a tenant's templates, numbers and accounts: kept once, written to what it is about if it is the latest word on
 * it, and told. In a transaction of its own: none of it waits for messages, and no message waits for it.
 */
import type { EventDraft } from '../canonical/event.ts';
import type { JsonObject } from '../canonical/json.ts';
import { type LaneKey, raiseLaneRate, resumeLane, stopLane } from '../messages/pace.ts';
import { perSecondOf } from '../meta/throughput.ts';
import type { Tx } from '../platform/database.ts';
import {
  findNumber,
  listNumbers,
  numberNames,
  type StoredNumber,
  setNumberStatus,
  tellNumber,
} from '../tenants/numbers.ts';
import { findTemplateTold, type Template, tellTemplate } from '../tenants/templates.ts';
import { numberOf } from './drafts.ts';
import type { AccountFact, AssetFact, NumberFact, TemplateFact } from './facts.ts';
import { keepChanges } from './incoming.ts';
import { latestWords } from './latest-words.ts';
import type { Owned, OwnedAssetFact } from './owned.ts';
import { disabledBy } from './read-account.ts';

/** A word as old as this, or older, than the last list of templates is in that list: clocks may differ by so much. */
const clocksDifferMs = 5 * 60_000;

export interface AssetNews {
  drafts: EventDraft[];
  /** Numbers through which the templates of their account are to be pulled. */
  pulls: number[];
}

/** Of one tenant; what was told before changes nothing. */
export async function writeAssets(
  tx: Tx,
  tenantId: string,
  facts: OwnedAssetFact[],
  now: number,
): Promise<AssetNews> {
  const fresh = await keepChanges(tx, tenantId, facts, now);
  const words = fresh.map(fact => ({ fact, subject: subjectOf(fact), at: fact.at }));
  const latest = await latestWords(tx, tenantId, words);
  const news: AssetNews = { drafts: [], pulls: [] };
  // Templates, then numbers with their lanes, as whoever connects a number does.
  for (const word of words.toSorted((a, b) => rank[a.fact.kind] - rank[b.fact.kind])) {
    const { fact } = word;
    const stands = latest.has(word);
    if (fact.kind === 'template') await hearTemplate(tx, fact, stands, now, news);
    else if (fact.kind === 'number') await hearNumber(tx, fact, stands, now, news);
    else await hearAccount(tx, fact, stands, now, news);
  }
  return news;
}

const rank: Record<AssetFact['kind'], number> = { template: 0, number: 1, account: 2 };

function subjectOf(fact: OwnedAssetFact): string {
  const { wabaId, kind, state } = fact;
  if (kind === 'number') return `number ${fact.number?.id ?? `${wabaId} ${fact.displayNumber}`} ${state}`;
  if (kind === 'account') return `account ${wabaId} ${state}`;
  const { metaId, name, language } = fact.template;
  return `template ${wabaId} ${metaId ?? `${name} ${language}`} ${state}`;
}

function draft(fact: OwnedAssetFact, data: JsonObject): EventDraft {
  const numberId = fact.number?.id ?? null;
  return { type: fact.type, at: fact.at, numberId, person: null, messageId: null, data, meta: fact.change };
}

async function hearTemplate(
  tx: Tx,
  fact: Owned<TemplateFact>,
  stands: boolean,
  now: number,
  news: AssetNews,
): Promise<void> {
  const { tenantId, wabaId, told, template: named } = fact;
  const before = await findTemplateTold(tx, tenantId, wabaId, named);
  const counts = before !== undefined && stands && fact.at > before.syncedAt - clocksDifferMs;
  if (counts && Object.keys(told).length > 0) await tellTemplate(tx, tenantId, before.id, told, now);
  if (before === undefined || fact.asksForPull) news.pulls.push(fact.numberId);
  const after: Partial<Template> = counts ? { ...before, ...told } : { ...before };
  news.drafts.push(
    draft(fact, {
      template: {
        id: before?.id ?? null,
        metaId: named.metaId ?? before?.metaId ?? null,
        name: named.name ?? before?.name ?? null,
        language: named.language ?? before?.language ?? null,
        category: after.category ?? named.category,
        status: after.status ?? told.status ?? null,
      },
      ...(told.status === undefined ? {} : { previous: before?.status ?? null, current: told.status }),
      ...fact.data,
    }),
  );
}

async function hearNumber(
  tx: Tx,
  fact: Owned<NumberFact>,
  stands: boolean,
  now: number,
  news: AssetNews,
): Promise<void> {
  const { tenantId, told, displayNumber, raisedTo } = fact;
  const before = fact.number === null ? undefined : await findNumber(tx, tenantId, fact.number.id);
  if (before !== undefined && stands) {
    if (Object.keys(told).length > 0) await tellNumber(tx, tenantId, before.id, told, now);
    // Another rate than Meta's ordinary one was set by the operator.
    if (raisedTo !== null) await raiseLaneRate(tx, laneOf(before), perSecondOf.STANDARD!, raisedTo);
  }
  const { quality, messagingLimit, verifiedName } = told;
  news.drafts.push(
    draft(fact, {
      number: numberOf(fact) ?? { id: null, phoneNumberId: null, displayNumber, wabaId: fact.wabaId },
      ...(quality === undefined ? {} : { quality }),
      ...(messagingLimit === undefined ? {} : { messagingLimit }),
      ...(verifiedName === undefined
        ? {}
        : { previous: before?.verifiedName ?? null, current: verifiedName }),
      ...fact.data,
    }),
  );
}

async function hearAccount(
  tx: Tx,
  fact: Owned<AccountFact>,
  stands: boolean,
  now: number,
  news: AssetNews,
): Promise<void> {
  const { tenantId, wabaId, told, sending } = fact;
  news.drafts.push(draft(fact, { account: { wabaId }, ...told, ...fact.data }));
  if (!stands || (Object.keys(told).length === 0 && sending === null)) return;
  for (const number of await listNumbers(tx, tenantId)) {
    if (number.wabaId !== wabaId) continue;
    if (Object.keys(told).length > 0) await tellNumber(tx, tenantId, number.id, told, now);
    if (sending !== null) await setSending(tx, fact, number, sending, now, news);
  }
}

async function setSending(
  tx: Tx,
  fact: Owned<AccountFact>,
  number: StoredNumber,
  sending: NonNullable<AccountFact['sending']>,
  now: number,
  news: AssetNews,
): Promise<void> {
  const { tenantId, id, status, statusReason } = number;
  if (sending.allowed) {
    // Whatever else a number was disconnected for is still so.
    if (status === 'connected' || !statusReason?.startsWith(disabledBy(fact.wabaId))) return;
    await setNumberStatus(tx, tenantId, id, 'connected', null, now);
    await resumeLane(tx, laneOf(number), now);
    return;
  }
  if (status !== 'connected') return;
  await setNumberStatus(tx, tenantId, id, 'disconnected', sending.reason, now);
  await stopLane(tx, laneOf(number), now);
  news.drafts.push({
    type: 'number.disconnected',
    at: fact.at,
    numberId: id,
    person: null,
    messageId: null,
    data: { number: numberNames(number), reason: sending.reason },
    meta: null,
  });
}

const laneOf = ({ tenantId, id }: StoredNumber): LaneKey => ({ tenantId, numberId: id });
