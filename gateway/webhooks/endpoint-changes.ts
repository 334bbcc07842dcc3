/** Every change of a tenant's endpoints, through whichever door: one at a time, with all of them in sight. */
import { newId } from '../canonical/ids.ts';
import type { Refusal } from '../canonical/refusal.ts';
import type { Database, Tx } from '../platform/database.ts';
import type { Seal } from '../platform/seal.ts';
import type { EndpointBook } from '../tenants/endpoint-book.ts';
import { type Endpoint, listEndpoints } from '../tenants/endpoints.ts';
import { newSecret } from './formats/secret.ts';

/** Every event of the tenant is held against each of them, in the transaction that tells of it. */
const endpointsMax = 50;
/** Of `wagate listen`: one for each person who is developing, not for programs. */
const listenersMax = 10;

/** Runs `work` with the tenant's endpoints, oldest first, while nobody else changes any; what it saved counts at once. */
export type ChangeEndpoints = <T>(
  tenantId: string,
  work: (tx: Tx, endpoints: Endpoint[]) => Promise<T>,
) => Promise<T>;

export function createEndpointChanges({
  database,
  seal,
  book,
}: {
  database: Database;
  seal: Pick<Seal, 'open'>;
  book: Pick<EndpointBook, 'forget'>;
}): ChangeEndpoints {
  return (tenantId, work) =>
    database.transact(async tx => {
      tx.afterCommit(book.forget);
      // The tenant stands for those that are not there yet, its rows for what the notifier changes.
      await tx.all('select id from tenants where id = $1 for update', [tenantId]);
      await tx.all('select id from endpoints where tenant_id = $1 order by id for update', [tenantId]);
      return work(tx, await listEndpoints(tx, seal, tenantId));
    });
}

/** What a door has to say of an endpoint; the rest has defaults. */
export type NewEndpoint = Pick<Endpoint, 'tenantId' | 'numberId' | 'url' | 'format' | 'events' | 'door'> &
  Partial<Omit<Endpoint, 'id' | 'status' | 'statusReason'>>;

/** In order unless it says otherwise: whoever reads "read" before "delivered" has to think. */
export function newEndpoint(wanted: NewEndpoint, now: number): Endpoint {
  return {
    ...{ id: newId(), doorData: {}, description: '', ordered: true, batchMax: 1, perSecond: null },
    ...{ headers: {}, signsWith: 'endpoint', status: 'active', statusReason: null },
    ...{ statusAt: now, createdAt: now, updatedAt: now },
    secrets: [{ secret: newSecret(wanted.format), until: null }],
    ...wanted,
  };
}

/** Why the tenant may have no more of this kind. */
export function noRoom(endpoints: Endpoint[], door: Endpoint['door']): Refusal | undefined {
  const isListener = door === 'listen';
  const count = endpoints.filter(endpoint => (endpoint.door === 'listen') === isListener).length;
  const most = isListener ? listenersMax : endpointsMax;
  if (count < most) return undefined;
  return {
    code: 'conflict',
    reason: isListener
      ? `${most} are listening already, which is the most.`
      : `There are ${most} endpoints, which is the most: remove one first.`,
  };
}
