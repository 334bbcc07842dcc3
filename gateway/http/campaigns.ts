/**
 * The path of one request at a vendor's campaign door. A campaign is the tenant's draft of that name: what it says and from which numbers.
 * The entries of one campaign, version, sender and time become one broadcast, launched together with the others of the request or not at all.
 */
import type { Broadcast } from '../broadcasts/broadcast.ts';
import type { Feeder } from '../broadcasts/feeder.ts';
import { addRecipients, type NamedRecipient } from '../broadcasts/freeze.ts';
import { personOf } from '../broadcasts/recipients.ts';
import { launchBroadcast } from '../broadcasts/states.ts';
import { insertBroadcast, listBroadcasts, lockBroadcast } from '../broadcasts/table.ts';
import { newId } from '../canonical/ids.ts';
import { isRefusal, type Refusal } from '../canonical/refusal.ts';
import type {
  CampaignCommand,
  CampaignDoor,
  CampaignEntry,
  CampaignResult,
} from '../dialects/campaign-door.ts';
import type { Dialect, WireAnswer, WireRequest } from '../dialects/dialect.ts';
import { judgeLaunch } from '../messages/policy/judge-launch.ts';
import type { Database, Tx } from '../platform/database.ts';
import type { NumberBook, SendingNumber } from '../tenants/number-book.ts';
import type { TemplateBook } from '../tenants/template-book.ts';
import { admit } from './admit.ts';
import type { Authenticator, Principal } from './authenticate.ts';
import { readIdempotency } from './idempotency-key.ts';
import { limitsFor } from './key-limits.ts';
import type { LimitMemory } from './limit-memory.ts';
import { mayLaunch } from './may-launch.ts';
import { selectNumber } from './select-number.ts';

export interface CampaignDeps {
  database: Database;
  authenticator: Authenticator;
  numbers: NumberBook;
  templates: TemplateBook;
  limits: LimitMemory;
  feeder: Pick<Feeder, 'wake'>;
  now(): number;
}

export async function handleCampaignDoor(
  deps: CampaignDeps,
  dialect: Dialect,
  door: CampaignDoor,
  wire: WireRequest,
): Promise<WireAnswer> {
  const outcome = await perform(deps, dialect, door, wire);
  if (isRefusal(outcome)) return dialect.refuse(outcome);
  const answer = door.answer(outcome.results);
  return outcome.replayed ? { ...answer, headers: { 'idempotency-replayed': 'true' } } : answer;
}

async function perform(
  deps: CampaignDeps,
  dialect: Dialect,
  door: CampaignDoor,
  wire: WireRequest,
): Promise<{ results: CampaignResult[]; replayed: boolean } | Refusal> {
  const { database, now, feeder } = deps;
  const admitted = await admit(deps.authenticator, dialect, wire, door.read, () => 'send');
  if (isRefusal(admitted)) return admitted;
  const { principal, command } = admitted;
  const { tenantId, keyId } = principal;
  const idempotency = readIdempotency(wire, door, dialect);
  if (isRefusal(idempotency)) return idempotency;
  const groups = groupsOf(command);
  const sendouts: Sendout[] = [];
  for (const group of groups) {
    const sendout = await sendoutOf(deps, principal, group, wire.ip);
    if (isRefusal(sendout)) return sendout;
    sendouts.push(sendout);
  }
  const at = now();
  const key = { id: keyId, limits: limitsFor(principal, dialect.name) };
  const verdict = await database.transact(async tx => {
    const judged = await judgeLaunch(tx, tenantId, sendouts[0]!.id, key, idempotency, at);
    if (judged.kind === 'launched')
      for (const sendout of sendouts)
        await launch(tx, { ...sendout.campaign, tenantId, keyId, dialect: dialect.name }, sendout, at);
    return judged;
  });
  deps.limits.remember(keyId, verdict.limit, at);
  if (verdict.kind === 'refused') return verdict.refusal;
  if (verdict.kind === 'launched') for (const { id } of sendouts) feeder.wake({ tenantId, broadcastId: id });
  return { results: resultsOf(groups), replayed: verdict.kind === 'repeated' };
}

/** Entries that go out together, and those of them that cannot. */
interface Group extends Pick<CampaignEntry, 'campaign' | 'version' | 'sender' | 'scheduledAt'> {
  people: Map<string, NamedRecipient>;
  problems: string[];
}

function groupsOf({ entries }: CampaignCommand): Group[] {
  const groups = new Map<string, Group>();
  for (const { client, variables, ...same } of entries) {
    const name = JSON.stringify([same.campaign, same.version, same.sender, same.scheduledAt]);
    const group: Group = groups.get(name) ?? { ...same, people: new Map(), problems: [] };
    groups.set(name, group);
    if ('problem' in client) group.problems.push(client.problem);
    else if (group.people.has(personOf(client.digits)))
      group.problems.push(`client ${client.digits} stands twice`);
    else group.people.set(personOf(client.digits), { phone: client.digits, variables });
  }
  return [...groups.values()];
}

/** The vendor counts by campaign and version. */
function resultsOf(groups: Group[]): CampaignResult[] {
  return [
    ...Map.groupBy(groups, ({ campaign, version }) => JSON.stringify([campaign, version])).values(),
  ].map(own => ({
    ...{ campaign: own[0]!.campaign, version: own[0]!.version },
    accepted: own.reduce((sum, { people }) => sum + people.size, 0),
    rejected: own.reduce((sum, { problems }) => sum + problems.length, 0),
    error: own.flatMap(({ problems }) => problems)[0] ?? null,
  }));
}

interface Sendout {
  id: string;
  campaign: Pick<Broadcast, 'name' | 'content' | 'endpoint' | 'options'>;
  numberIds: number[];
  group: Group;
}

async function sendoutOf(
  deps: CampaignDeps,
  principal: Principal,
  group: Group,
  ip: string,
): Promise<Sendout | Refusal> {
  const { database, numbers } = deps;
  const { tenantId } = principal;
  const [draft] = await listBroadcasts(
    database,
    tenantId,
    { state: 'draft', name: group.campaign },
    undefined,
    1,
  );
  if (draft === undefined) {
    const [other] = await listBroadcasts(database, tenantId, { name: group.campaign }, undefined, 1);
    return other === undefined
      ? { code: 'object_not_found', kind: 'campaign', id: group.campaign }
      : {
          code: 'conflict',
          reason: `The campaign ${group.campaign} is no draft: entries are sent what a draft says.`,
        };
  }
  const selectors =
    group.sender === null
      ? draft.numberIds.map(id => ({ by: 'id', id: String(id) }) as const)
      : [group.sender];
  const found: SendingNumber[] = [];
  for (const selector of selectors) {
    const number = await selectNumber(numbers, principal, selector);
    if (isRefusal(number)) return number;
    found.push(number);
  }
  const refused = await mayLaunch(deps, principal, draft, found, ip);
  if (refused !== undefined) return refused;
  const { name, content, endpoint, options } = draft;
  return {
    id: newId(),
    campaign: { name, content, endpoint, options },
    numberIds: found.map(({ id }) => id),
    group,
  };
}

async function launch(
  tx: Tx,
  same: Sendout['campaign'] & Pick<Broadcast, 'tenantId' | 'keyId' | 'dialect'>,
  { id, numberIds, group }: Sendout,
  at: number,
): Promise<void> {
  const { tenantId } = same;
  const audience = { tags: [], filter: null, exclude: { phones: [], tags: [] } };
  const startAt = group.scheduledAt;
  await insertBroadcast(tx, { ...same, id, numberIds, audience, startAt, createdAt: at });
  await addRecipients(tx, (await lockBroadcast(tx, tenantId, id))!, [...group.people.values()], at);
  await launchBroadcast(tx, { tenantId, broadcastId: id }, same.keyId, null, at);
}
