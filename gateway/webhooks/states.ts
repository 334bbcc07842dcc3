/** How the posting to each endpoint goes, and who does it: one process at a time holds an endpoint (platform/holders.ts). */
import { first, type Row, type Sql, type Tx, together } from '../platform/database.ts';
import { isLiving, isNobodys } from '../platform/holders.ts';
import { type Health, mayWork, restMostMs } from './schedule.ts';

export interface EndpointKey {
  tenantId: string;
  endpointId: string;
}

export interface EndpointState extends Health {
  heldBy: string | null;
  /** Its next free moment in Unix µs, where it has a rate. */
  nextUs: number;
}

function stateFromRow(row: Row): EndpointState {
  return {
    heldBy: row.held_by as string | null,
    failures: row.failures as number,
    failingSince: row.failing_since as number | null,
    restsUntil: row.rests_until as number,
    nextUs: row.next_us as number,
  };
}

const columns = 'held_by, failures, failing_since, rests_until, next_us';

/** undefined when there is no such endpoint. */
export async function endpointState(
  sql: Sql,
  tenantId: string,
  endpointId: string,
): Promise<EndpointState | undefined> {
  const row = await first(
    sql,
    `select ${columns} from endpoint_states where tenant_id = $1 and endpoint_id = $2`,
    [tenantId, endpointId],
  );
  return row && stateFromRow(row);
}

/** Somebody enabled or changed the endpoint: what was before is forgotten. */
export async function resetState(tx: Tx, tenantId: string, endpointId: string): Promise<void> {
  await tx.all(
    `update endpoint_states set failures = 0, failing_since = null, rests_until = 0
     where tenant_id = $1 and endpoint_id = $2`,
    [tenantId, endpointId],
  );
}

export interface Wanted extends EndpointKey {
  /** Whether somebody listens here, to an endpoint without a URL. */
  listens: boolean;
}

export interface Taken extends EndpointKey {
  state: EndpointState;
}

/** Takes those that are active, do not rest and are nobody's, or are this process' already. A process without its row takes nothing. */
export async function takeEndpoints(
  tx: Tx,
  processId: string,
  wanted: Wanted[],
  now: number,
): Promise<Taken[]> {
  const tenants = Map.groupBy(wanted, ({ tenantId }) => tenantId);
  // In one order by every process, so that no two wait for each other.
  const taken = [...tenants]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([tenantId, keys]) => takeOfTenant(tx, processId, tenantId, keys, now));
  return (await together(taken)).flat();
}

async function takeOfTenant(
  tx: Tx,
  processId: string,
  tenantId: string,
  wanted: Wanted[],
  now: number,
): Promise<Taken[]> {
  const rows = await tx.all(
    `with wanted as materialized (
       select value ->> 'id' as endpoint_id, cast(value ->> 'listens' as integer) as listens from json_rows($2))
     update endpoint_states set held_by = $3
     from wanted, endpoints
     where endpoint_states.tenant_id = $1 and endpoint_states.endpoint_id = wanted.endpoint_id
       and one_of(endpoint_states.endpoint_id, select endpoint_id from wanted)
       and endpoints.tenant_id = $1 and endpoints.id = wanted.endpoint_id and endpoints.status = 'active'
       and (endpoints.url is not null or wanted.listens = 1)
       and ${mayWork('endpoint_states.rests_until', '$4', '$5')}
       and (endpoint_states.held_by = $3 or ${isNobodys('endpoint_states.held_by')})
       and ${isLiving('$3')}
     returning endpoint_states.endpoint_id, ${columns}`,
    [
      tenantId,
      JSON.stringify(wanted.map(({ endpointId, listens }) => ({ id: endpointId, listens: listens ? 1 : 0 }))),
      ...[processId, now, now + restMostMs],
    ],
  );
  return rows.map(row => ({ tenantId, endpointId: row.endpoint_id as string, state: stateFromRow(row) }));
}

export interface Released extends EndpointKey {
  nextUs: number;
}

export async function releaseEndpoints(tx: Tx, processId: string, released: Released[]): Promise<void> {
  const tenants = Map.groupBy(released, ({ tenantId }) => tenantId);
  const sorted = [...tenants].toSorted(([a], [b]) => (a < b ? -1 : 1));
  await together(
    sorted.map(([tenantId, of]) =>
      tx.all(
        `with s as materialized (
           select value ->> 'id' as endpoint_id, cast(value ->> 'next' as bigint) as next_us from json_rows($2))
         update endpoint_states set held_by = null, next_us = s.next_us from s
         where endpoint_states.tenant_id = $1 and endpoint_states.endpoint_id = s.endpoint_id
           and one_of(endpoint_states.endpoint_id, select endpoint_id from s) and held_by = $3`,
        [
          tenantId,
          JSON.stringify(of.map(({ endpointId, nextUs }) => ({ id: endpointId, next: nextUs }))),
          processId,
        ],
      ),
    ),
  );
}

/** Writes how it goes, unless another process has the endpoint by now. */
export async function saveHealth(
  tx: Tx,
  processId: string,
  tenantId: string,
  endpointId: string,
  { failures, failingSince, restsUntil }: Health,
): Promise<void> {
  await tx.all(
    `update endpoint_states set failures = $4, failing_since = $5, rests_until = $6
     where tenant_id = $1 and endpoint_id = $2 and held_by = $3`,
    [tenantId, endpointId, processId, failures, failingSince, restsUntil],
  );
}

/** All that the process holds; none once it has no row, for then its holds do not count. */
export async function heldEndpoints(sql: Sql, processId: string): Promise<EndpointKey[]> {
  const rows = await sql.all<{ tenant_id: string; endpoint_id: string }>(
    `select tenant_id, endpoint_id from endpoint_states
     where held_by = $1 and ${isLiving('$1')}`,
    [processId],
  );
  return rows.map(row => ({ tenantId: row.tenant_id, endpointId: row.endpoint_id }));
}

const pageSize = 1_000;
export const beforeAll: EndpointKey = { tenantId: '', endpointId: '' };

/**
 * Looks at the next page of endpoints after `after`, whoever owns them: which of them are nobody's and have something to be posted now.
 * One seek of attempts_pending each. `end` is where the next page begins; null: it was the last.
 */
export async function dueEndpoints(
  sql: Sql,
  after: EndpointKey,
  now: number,
): Promise<{ due: EndpointKey[]; end: EndpointKey | null }> {
  const last = await first<{ tenant_id: string; endpoint_id: string }>(
    sql,
    `select tenant_id, endpoint_id from endpoint_states where (tenant_id, endpoint_id) > ($1, $2)
     order by tenant_id, endpoint_id limit 1 offset ${pageSize - 1}`,
    [after.tenantId, after.endpointId],
  );
  const end = last === undefined ? null : { tenantId: last.tenant_id, endpointId: last.endpoint_id };
  const rows = await sql.all<{ tenant_id: string; endpoint_id: string }>(
    `select s.tenant_id, s.endpoint_id from endpoint_states s
     join endpoints e on e.tenant_id = s.tenant_id and e.id = s.endpoint_id
     where (s.tenant_id, s.endpoint_id) > ($1, $2) and (s.tenant_id, s.endpoint_id) <= ($3, $4)
       and e.status = 'active' and e.url is not null and ${mayWork('s.rests_until', '$5', '$6')} and ${isNobodys('s.held_by')}
       and exists (select 1 from attempts a where a.tenant_id = s.tenant_id and a.endpoint_id = s.endpoint_id
         and a.state = 'pending' and a.due_at <= $5)`,
    [
      ...[after.tenantId, after.endpointId, end?.tenantId ?? '\u{10ffff}', end?.endpointId ?? '\u{10ffff}'],
      ...[now, now + restMostMs],
    ],
  );
  return { due: rows.map(row => ({ tenantId: row.tenant_id, endpointId: row.endpoint_id })), end };
}

export async function disableEndpoint(
  tx: Tx,
  tenantId: string,
  endpointId: string,
  reason: string,
  now: number,
): Promise<{ url: string | null } | undefined> {
  return first<{ url: string | null }>(
    tx,
    `update endpoints set status = 'disabled', status_reason = $3, status_at = $4, updated_at = $4
     where tenant_id = $1 and id = $2 and status = 'active' returning url`,
    [tenantId, endpointId, reason, now],
  );
}
