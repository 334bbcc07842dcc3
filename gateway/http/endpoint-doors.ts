/**
 * The path of one request at a vendor's door about endpoints, the same for every dialect: who asks, what is asked, which place is meant;
 * then the same checks and the same table as at the native API's own endpoints.
 */
import type { Agent } from 'undici';
import { isRefusal, type Refusal } from '../canonical/refusal.ts';
import type { Dialect, WireAnswer, WireRequest } from '../dialects/dialect.ts';
import {
  type EndpointCommand,
  type EndpointDoor,
  type EndpointOutcome,
  keptHeader,
  type WantedEndpoint,
} from '../dialects/endpoint-door.ts';
import type { Database, Tx } from '../platform/database.ts';
import type { TargetRules } from '../platform/outbound.ts';
import type { Seal } from '../platform/seal.ts';
import { deleteEndpoint, type Endpoint, listEndpoints, saveEndpoint } from '../tenants/endpoints.ts';
import type { NumberBook } from '../tenants/number-book.ts';
import { type ChangeEndpoints, newEndpoint, noRoom } from '../webhooks/endpoint-changes.ts';
import { headersProblem, urlProblem } from '../webhooks/endpoint-checks.ts';
import { newSecret } from '../webhooks/formats/secret.ts';
import { shakeHands } from '../webhooks/handshake.ts';
import { resetState } from '../webhooks/states.ts';
import { admit } from './admit.ts';
import type { Authenticator, Principal } from './authenticate.ts';
import { seesEndpoint } from './endpoint-scope.ts';
import { type DoorName, findSpot, type Spot } from './endpoint-spot.ts';
import { trySample } from './try-sample.ts';

export interface EndpointDoorDeps {
  database: Database;
  authenticator: Authenticator;
  numbers: NumberBook;
  seal: Seal;
  changeEndpoints: ChangeEndpoints;
  targets: TargetRules;
  outbound: Agent;
  now(): number;
}

export async function handleEndpointDoor(
  deps: EndpointDoorDeps,
  dialect: Dialect,
  door: EndpointDoor,
  wire: WireRequest,
): Promise<WireAnswer> {
  const outcome = await perform(deps, dialect, door, wire);
  if (!isRefusal(outcome)) return door.answer(outcome, wire);
  return door.refuse === undefined ? dialect.refuse(outcome) : door.refuse(outcome);
}

/** One request on its way: what all commands may use. */
interface Request extends EndpointDoorDeps {
  principal: Principal;
  door: DoorName;
  urlField: string;
}

async function perform(
  deps: EndpointDoorDeps,
  dialect: Dialect,
  door: EndpointDoor,
  wire: WireRequest,
): Promise<EndpointOutcome | Refusal> {
  const admitted = await admit(deps.authenticator, dialect, wire, door.read, ({ kind }) =>
    kind === 'list' ? 'read' : 'manage',
  );
  if (isRefusal(admitted)) return admitted;
  const { principal, command } = admitted;
  const request: Request = { ...deps, principal, door: dialect.name as DoorName, urlField: door.urlField };
  switch (command.kind) {
    case 'list':
      return list(request, command);
    case 'save':
      return save(request, command);
    case 'change':
      return change(request, command);
    case 'remove':
      return remove(request, command);
    case 'try':
      return tryAt(request, command);
  }
}

type Asked<K extends EndpointCommand['kind']> = Extract<EndpointCommand, { kind: K }>;
type Answer = Promise<EndpointOutcome | Refusal>;

function told({ principal }: Request, endpoints: Endpoint[], secret: string | null = null): EndpointOutcome {
  return {
    kind: 'told',
    tenantId: principal.tenantId,
    endpoints: endpoints.map(({ id, url, numberId, headers, doorData }) => ({
      ...{ id, url: url ?? '', numberId, headerNames: Object.keys(headers), doorData, secret },
    })),
  };
}

async function list(request: Request, { place, withAccount }: Asked<'list'>): Answer {
  const { database, seal, numbers, principal, door } = request;
  const all = await listEndpoints(database, seal, principal.tenantId);
  if (place === null)
    return told(
      request,
      all.filter(one => one.door === door && seesEndpoint(principal, one)),
    );
  const spot = await findSpot(numbers, principal, door, place);
  if (isRefusal(spot)) return spot;
  const isOfAccount = (one: Endpoint) => one.door === door && one.doorData.wabaId === spot.wabaId;
  return told(
    request,
    all.filter(one => spot.holds(one) || (withAccount === true && isOfAccount(one))),
  );
}

async function save(request: Request, { place, wanted, verifyToken }: Asked<'save'>): Answer {
  const { numbers, principal, door, targets, outbound, urlField, changeEndpoints } = request;
  const spot = await findSpot(numbers, principal, door, place);
  if (isRefusal(spot)) return spot;
  const { url, headers } = wanted;
  const unfit = headersProblem(headers, 'headers') ?? (await urlProblem(url, urlField, targets));
  if (unfit !== undefined) return unfit;
  const failed = verifyToken === null ? undefined : await shakeHands(outbound, url, verifyToken);
  if (failed !== undefined) return failed;
  return changeEndpoints(principal.tenantId, async (tx, endpoints) => {
    const before = endpoints.find(spot.holds);
    return before === undefined
      ? make(request, tx, spot, wanted, endpoints)
      : put(request, tx, before, {
          ...{ url, events: wanted.events, headers: keptWhereMasked(headers, before.headers) },
          doorData: { ...wanted.doorData, ...spot.doorData },
        });
  });
}

async function make(
  request: Request,
  tx: Tx,
  { numberId, doorData }: Spot,
  wanted: WantedEndpoint,
  endpoints: Endpoint[],
): Answer {
  const { seal, principal, door, now } = request;
  const full = noRoom(endpoints, door);
  if (full !== undefined) return full;
  // Connectly has one secret per business: its receivers know no more.
  const sibling = endpoints.find(one => one.door === door && one.numberId === numberId);
  const shared = door === 'connectly' ? sibling?.secrets : undefined;
  const secret = wanted.signsWith === 'app' || shared !== undefined ? null : newSecret(wanted.format);
  const { url, format, events, headers, signsWith } = wanted;
  const endpoint = newEndpoint(
    {
      ...{ tenantId: principal.tenantId, numberId, door, url, format, events, signsWith },
      headers: keptWhereMasked(headers, {}),
      doorData: { ...wanted.doorData, ...doorData },
      secrets: shared ?? (secret === null ? [] : [{ secret, until: null }]),
    },
    now(),
  );
  await saveEndpoint(tx, seal, endpoint);
  return told(request, [endpoint], secret);
}

/** Vendors know no other way than registering again to have a disabled endpoint posted to. */
async function put(
  request: Request,
  tx: Tx,
  before: Endpoint,
  change: Partial<Endpoint>,
): Promise<EndpointOutcome> {
  const { seal, now } = request;
  const at = now();
  const wakes = before.status === 'disabled';
  const next: Endpoint = {
    ...{ ...before, ...change, updatedAt: at },
    ...(wakes ? { status: 'active', statusReason: null, statusAt: at } : {}),
  };
  await saveEndpoint(tx, seal, next);
  if (wakes) await resetState(tx, next.tenantId, next.id);
  return told(request, [next]);
}

async function change(request: Request, { id, url, doorData }: Asked<'change'>): Answer {
  const { principal, door, targets, urlField, changeEndpoints } = request;
  const unfit = url === undefined ? undefined : await urlProblem(url, urlField, targets);
  if (unfit !== undefined) return unfit;
  return changeEndpoints(principal.tenantId, async (tx, endpoints) => {
    const before = endpoints.find(one => one.id === id && one.door === door && seesEndpoint(principal, one));
    if (before === undefined) return { code: 'object_not_found', kind: 'webhook', id };
    return put(request, tx, before, {
      ...(url === undefined ? {} : { url }),
      doorData: { ...before.doorData, ...doorData },
    });
  });
}

/** Where nothing stood it answers with none. */
async function remove(request: Request, { what }: Asked<'remove'>): Answer {
  const { numbers, principal, door, changeEndpoints } = request;
  const { tenantId } = principal;
  const spot = 'of' in what ? await findSpot(numbers, principal, door, what) : undefined;
  if (isRefusal(spot)) return spot;
  return changeEndpoints(tenantId, async (tx, endpoints) => {
    const found = endpoints.filter(one =>
      'id' in what
        ? one.id === what.id && one.door === door && seesEndpoint(principal, one)
        : spot?.holds(one) === true,
    );
    for (const { id } of found) await deleteEndpoint(tx, tenantId, id);
    return 'id' in what && found.length === 0
      ? { code: 'object_not_found', kind: 'webhook', id: what.id }
      : told(request, found);
  });
}

async function tryAt(request: Request, { place, wanted }: Asked<'try'>): Answer {
  const { database, seal, numbers, principal, door, targets, urlField } = request;
  const spot = await findSpot(numbers, principal, door, place);
  if (isRefusal(spot)) return spot;
  const saved = (await listEndpoints(database, seal, principal.tenantId)).find(spot.holds);
  const url = wanted?.url ?? saved?.url ?? undefined;
  if (url === undefined) return { code: 'object_not_found', kind: 'webhook', id: String(spot.numberId) };
  const headers =
    wanted === null ? (saved?.headers ?? {}) : keptWhereMasked(wanted.headers, saved?.headers ?? {});
  const unfit = headersProblem(headers, 'headers') ?? (await urlProblem(url, urlField, targets));
  if (unfit !== undefined) return unfit;
  const { tenantId } = principal;
  const { numberId } = spot;
  const endpoint = newEndpoint(
    { ...{ tenantId, numberId, door, format: 'meta', events: [] }, ...saved, url, headers },
    request.now(),
  );
  // Only whoever is saved there has a secret to know it by.
  return {
    kind: 'tried',
    tried: await trySample(request, saved === undefined ? { ...endpoint, secrets: [] } : endpoint),
  };
}

/** Answers hold masks in place of values: whoever sends one back means the value that is stored, and of none there is none. */
function keptWhereMasked(
  headers: Record<string, string>,
  stored: Record<string, string>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .map(([name, value]): [string, string | undefined] => [
        name,
        value === keptHeader ? stored[name] : value,
      ])
      .filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
