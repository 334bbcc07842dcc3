/** Connecting a number: Meta is asked first, then everything is stored in one transaction, then the account is looked after. */
import { randomText } from '../canonical/ids.ts';
import { isRefusal, type Refusal } from '../canonical/refusal.ts';
import { problem } from '../dialects/native/problem.ts';
import { metaWebhookPath } from '../http/meta-webhook.ts';
import { createLane, type LaneKey, resumeLane, setLaneRate } from '../messages/pace.ts';
import type { Graph } from '../meta/graph.ts';
import { type Database, storable, type Tx } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import type { Seal } from '../platform/seal.ts';
import { type NumberBook, type SendingNumber, sealSecrets } from '../tenants/number-book.ts';
import {
  directoryByPhoneNumberId,
  findNumber,
  insertNumber,
  nextNumberId,
  type StoredNumber,
  updateNumber,
} from '../tenants/numbers.ts';
import type { TemplateBook } from '../tenants/template-book.ts';
import { findTenant } from '../tenants/tenants.ts';
import { askPhone, checkAccount, type PhoneFacts, subscribe } from './meta-account.ts';

export interface ConnectDeps {
  database: Database;
  graph: Graph;
  numbers: NumberBook;
  templates: TemplateBook;
  seal: Seal;
  log: Log;
  now(): number;
  /** Where Meta reaches this gateway; null leaves the account's webhooks as they are. */
  publicUrl: string | null;
  wakeSender(lane: LaneKey): void;
}

export interface NewNumber {
  /** The demo's is the same on every machine; otherwise the next free one. */
  id?: number;
  tenantId: string;
  phoneNumberId: string;
  wabaId: string;
  accessToken: string;
  appSecret: string;
  /** Made when absent. */
  verifyToken?: string;
  /** Overrides Meta's throughput level (20 with coexistence). */
  perSecond?: number;
  windowPolicy?: StoredNumber['windowPolicy'];
}

export interface Connected {
  number: StoredNumber;
  verifyToken: string;
  templates: number | null;
  /** What did not work out and can be repeated; the number stands all the same. */
  warnings: string[];
}

export async function connectNumber(deps: ConnectDeps, input: NewNumber): Promise<Connected | Refusal> {
  const facts = await askPhone(deps.graph, input.phoneNumberId, input.accessToken);
  if (isRefusal(facts)) return facts;
  const stranger = await checkAccount(deps.graph, input);
  if (stranger !== undefined) return stranger;
  const verifyToken = input.verifyToken ?? randomText(32);
  const id = await insertOnce(deps, { ...input, verifyToken }, facts);
  if (isRefusal(id)) return id;
  deps.log.info(
    { tenant: input.tenantId, number: id, phoneNumberId: input.phoneNumberId },
    'number connected',
  );
  return lookAfter(deps, { ...input, id, verifyToken });
}

/** New credentials, or the old ones tried again: what waited for them goes on at once. */
export async function reconnectNumber(
  deps: ConnectDeps,
  number: SendingNumber,
  change: Partial<
    Pick<NewNumber, 'accessToken' | 'appSecret' | 'verifyToken' | 'perSecond' | 'windowPolicy'>
  >,
): Promise<Connected | Refusal> {
  const { perSecond, ...rest } = change;
  const next = { ...number, ...rest };
  const facts = await askPhone(deps.graph, number.phoneNumberId, next.accessToken);
  if (isRefusal(facts)) return facts;
  const lane = { tenantId: number.tenantId, numberId: number.id };
  const told = storableFacts(facts);
  const sealed = sealSecrets(deps.seal, number.id, next);
  await deps.database.transact(async tx => {
    const change = { ...told, sealed, windowPolicy: next.windowPolicy };
    await updateNumber(tx, number.tenantId, number.id, change, deps.now());
    if (perSecond !== undefined) await setLaneRate(tx, lane, perSecond);
    await resumeLane(tx, lane, deps.now());
  });
  deps.log.info({ tenant: number.tenantId, number: number.id }, 'number connected again');
  const connected = await lookAfter(deps, next);
  deps.wakeSender(lane);
  return connected;
}

/** Two processes may choose the same next id in one moment; the later then takes the one after. */
async function insertOnce(
  deps: ConnectDeps,
  input: Required<Pick<NewNumber, 'verifyToken'>> & NewNumber,
  facts: PhoneFacts,
) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await deps.database.transact(tx => insert(tx, deps, input, facts));
    } catch (error) {
      const isUniqueViolation = (error as { code?: unknown }).code === '23505';
      if (!isUniqueViolation || attempt === 100) throw error;
    }
  }
}

async function insert(
  tx: Tx,
  { seal, now }: ConnectDeps,
  input: Required<Pick<NewNumber, 'verifyToken'>> & NewNumber,
  facts: PhoneFacts,
): Promise<number | Refusal> {
  const { tenantId, phoneNumberId, wabaId } = input;
  if ((await findTenant(tx, tenantId)) === undefined) return { code: 'tenant_not_found', tenant: tenantId };
  if ((await directoryByPhoneNumberId(tx, phoneNumberId)) !== undefined) {
    return {
      code: 'conflict',
      reason: `Phone number ${phoneNumberId} is connected to this gateway already.`,
    };
  }
  const id = input.id ?? (await nextNumberId(tx));
  const at = now();
  await insertNumber(tx, {
    ...{ tenantId, id, phoneNumberId, wabaId, ...storableFacts(facts) },
    ...{ status: 'connected', statusReason: null, createdAt: at, updatedAt: at },
    ...{ windowPolicy: input.windowPolicy ?? 'check', listeningSince: null, messagingLimit: null },
    sealed: sealSecrets(seal, id, input),
  });
  await createLane(tx, { tenantId, numberId: id }, input.perSecond ?? facts.perSecond);
  return id;
}

const storableFacts = ({ displayNumber, verifiedName, quality }: PhoneFacts) => ({
  displayNumber,
  verifiedName: storable(verifiedName),
  quality: quality === null ? null : storable(quality),
});

/** Templates and webhooks of the account: wanted, and no reason to undo anything. */
async function lookAfter(
  deps: ConnectDeps,
  account: Required<Pick<NewNumber, 'id' | 'verifyToken'>> & NewNumber,
): Promise<Connected> {
  // The handshake that follows is answered from the book.
  deps.numbers.forget();
  const warnings: string[] = [];
  const pulled = await deps.templates.pull(account);
  if (isRefusal(pulled)) warnings.push(`The templates could not be pulled: ${inWords(pulled)}`);
  if (deps.publicUrl !== null) {
    const refused = await subscribe(deps.graph, account, `${deps.publicUrl}${metaWebhookPath}`);
    if (refused !== undefined)
      warnings.push(`Meta's webhooks could not be pointed here: ${inWords(refused)}`);
  }
  const number = await findNumber(deps.database, account.tenantId, account.id);
  if (number === undefined) throw new Error(`number ${account.id} vanished while it was connected`);
  return { number, verifyToken: account.verifyToken, templates: isRefusal(pulled) ? null : pulled, warnings };
}

function inWords(refusal: Refusal): string {
  const { body } = problem(refusal);
  return (body as { detail: string }).detail;
}
