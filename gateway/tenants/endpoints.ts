/** Endpoints: where a tenant's events are posted, in which format, signed and addressed how. Secrets and headers are sealed at rest. */
import { isObject, type JsonObject, parseJson } from '../canonical/json.ts';
import { first, type Row, type Sql, type Tx } from '../platform/database.ts';
import type { Seal } from '../platform/seal.ts';

/** The bodies and signatures we speak (webhooks/formats/). */
export const endpointFormats = ['standard', 'meta', 'connectly'] as const;
export type EndpointFormat = (typeof endpointFormats)[number];

export type EndpointDoor = 'native' | 'connectly' | 'connexease' | 'cloud' | 'listen';
export type EndpointStatus = 'active' | 'paused' | 'disabled';

/** A signing secret; `until` is when it stops signing (Unix ms), null for the present one. */
export interface EndpointSecret {
  secret: string;
  until: number | null;
}

/** An endpoint without what is secret: enough to know what it asks for. */
export interface Subscription {
  tenantId: string;
  id: string;
  /** null: of all the tenant's numbers. */
  numberId: number | null;
  /** null: a listener (`wagate listen`), which fetches. */
  url: string | null;
  format: EndpointFormat;
  /** Patterns (canonical/event.ts). */
  events: string[];
  door: EndpointDoor;
  /** What only its door shows: Connectly's topic and configuration, Connexease's subscribedEvents. */
  doorData: JsonObject;
  description: string;
  /** Events of one conversation one after the other. */
  ordered: boolean;
  /** Events in one POST at most. */
  batchMax: number;
  /** Events per second at most; null: as fast as it answers. */
  perSecond: number | null;
  /** app: the app secret of the number, as Meta itself would. */
  signsWith: 'endpoint' | 'app';
  status: EndpointStatus;
  statusReason: string | null;
  statusAt: number;
  createdAt: number;
  updatedAt: number;
}

export interface Endpoint extends Subscription {
  /** Newest first: the first one signs alone in formats with room for one signature. */
  secrets: EndpointSecret[];
  /** Sent with every POST, as the customer gave them. */
  headers: Record<string, string>;
}

/** The same with what is secret as it is stored: another text whenever it was saved anew. */
export interface SealedEndpoint extends Subscription {
  sealed: { secrets: string; headers: string };
}

const columns = `tenant_id, id, number_id, url, format, events, door, door_data, description, ordered, batch_max, per_second,
  signs_with, status, status_reason, status_at, created_at, updated_at, secrets, headers`;

const context = (id: string, what: 'secrets' | 'headers') => `endpoint:${id}:${what}`;

function fromRow(row: Row): SealedEndpoint {
  const text = (name: string) => row[name] as string;
  const number = (name: string) => row[name] as number;
  const doorData = row.door_data === null ? undefined : parseJson(text('door_data'));
  return {
    tenantId: text('tenant_id'),
    id: text('id'),
    numberId: row.number_id as number | null,
    url: row.url as string | null,
    format: text('format') as EndpointFormat,
    events: JSON.parse(text('events')) as string[],
    door: text('door') as EndpointDoor,
    doorData: isObject(doorData) ? doorData : {},
    description: text('description'),
    ordered: number('ordered') === 1,
    batchMax: number('batch_max'),
    perSecond: row.per_second as number | null,
    signsWith: text('signs_with') as Endpoint['signsWith'],
    status: text('status') as EndpointStatus,
    statusReason: row.status_reason as string | null,
    statusAt: number('status_at'),
    createdAt: number('created_at'),
    updatedAt: number('updated_at'),
    sealed: { secrets: text('secrets'), headers: text('headers') },
  };
}

/** `before`: the same endpoint as it was opened last. What was not saved anew since is not opened again. */
export function openEndpoint(
  { sealed, ...open }: SealedEndpoint,
  seal: Pick<Seal, 'open'>,
  before?: { sealed: SealedEndpoint['sealed']; endpoint: Endpoint },
): Endpoint {
  const opened = <T>(what: 'secrets' | 'headers', known: T | undefined) =>
    known !== undefined && before?.sealed[what] === sealed[what]
      ? known
      : (JSON.parse(seal.open(sealed[what], context(open.id, what))) as T);
  return {
    ...open,
    secrets: opened('secrets', before?.endpoint.secrets),
    headers: opened('headers', before?.endpoint.headers),
  };
}

/** Writes it whole, new or changed, and sees to it that it has a state. */
export async function saveEndpoint(tx: Tx, seal: Pick<Seal, 'seal'>, endpoint: Endpoint): Promise<void> {
  const { tenantId, id } = endpoint;
  await tx.all(
    `insert into endpoints (${columns})
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
     on conflict (tenant_id, id) do update set number_id = excluded.number_id, url = excluded.url, format = excluded.format,
       events = excluded.events, door_data = excluded.door_data, description = excluded.description, ordered = excluded.ordered,
       batch_max = excluded.batch_max, per_second = excluded.per_second, secrets = excluded.secrets, headers = excluded.headers,
       signs_with = excluded.signs_with, status = excluded.status, status_reason = excluded.status_reason,
       status_at = excluded.status_at, updated_at = excluded.updated_at`,
    [
      ...[tenantId, id, endpoint.numberId, endpoint.url, endpoint.format, JSON.stringify(endpoint.events)],
      ...[endpoint.door, JSON.stringify(endpoint.doorData), endpoint.description, endpoint.ordered ? 1 : 0],
      ...[endpoint.batchMax, endpoint.perSecond],
      ...[endpoint.signsWith, endpoint.status, endpoint.statusReason, endpoint.statusAt],
      ...[endpoint.createdAt, endpoint.updatedAt],
      seal.seal(JSON.stringify(endpoint.secrets), context(id, 'secrets')),
      seal.seal(JSON.stringify(endpoint.headers), context(id, 'headers')),
    ],
  );
  await tx.all(
    `insert into endpoint_states (tenant_id, endpoint_id, held_by, failures, failing_since, rests_until, next_us)
     values ($1, $2, null, 0, null, 0, 0) on conflict (tenant_id, endpoint_id) do nothing`,
    [tenantId, id],
  );
}

export async function findEndpoint(
  sql: Sql,
  seal: Pick<Seal, 'open'>,
  tenantId: string,
  id: string,
): Promise<Endpoint | undefined> {
  const row = await first(sql, `select ${columns} from endpoints where tenant_id = $1 and id = $2`, [
    tenantId,
    id,
  ]);
  return row && openEndpoint(fromRow(row), seal);
}

/** All of a tenant, oldest first. */
export async function listEndpoints(
  sql: Sql,
  seal: Pick<Seal, 'open'>,
  tenantId: string,
): Promise<Endpoint[]> {
  return (await listSealed(sql, tenantId)).map(one => openEndpoint(one, seal));
}

/** The same unopened: most who ask need nothing secret. */
export async function listSealed(sql: Sql, tenantId: string): Promise<SealedEndpoint[]> {
  const rows = await sql.all(`select ${columns} from endpoints where tenant_id = $1 order by id`, [tenantId]);
  return rows.map(fromRow);
}

/** With its state; its attempts go with retention. */
export async function deleteEndpoint(tx: Tx, tenantId: string, id: string): Promise<void> {
  await tx.all('delete from endpoints where tenant_id = $1 and id = $2', [tenantId, id]);
  await tx.all('delete from endpoint_states where tenant_id = $1 and endpoint_id = $2', [tenantId, id]);
}

/** A listener's process is still there. */
export async function touchListener(sql: Sql, tenantId: string, id: string, now: number): Promise<void> {
  await sql.all(`update endpoints set updated_at = $3 where tenant_id = $1 and id = $2 and door = 'listen'`, [
    ...[tenantId, id, now],
  ]);
}
