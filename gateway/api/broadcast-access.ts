/** Which broadcasts a key sees, and may launch. */
import type { Broadcast } from '../broadcasts/broadcast.ts';
import { findBroadcast } from '../broadcasts/table.ts';
import type { Refusal } from '../canonical/refusal.ts';
import type { Principal } from '../http/authenticate.ts';
import { mayLaunch } from '../http/may-launch.ts';
import { seesNumber } from '../http/select-number.ts';
import type { Database } from '../platform/database.ts';
import type { ApiDeps } from './api.ts';

export const broadcastNotFound = (id: string): Refusal => ({
  code: 'object_not_found',
  kind: 'broadcast',
  id,
});

export const cannot = (reason: string): Refusal => ({ code: 'conflict', reason });

/** A key that is bound to numbers sees the broadcasts of these only. */
export const sees = (principal: Principal, { numberIds }: Broadcast): boolean =>
  numberIds.every(id => seesNumber(principal, id));

export async function seenBroadcast(
  database: Database,
  principal: Principal,
  id: string,
): Promise<Broadcast | Refusal> {
  const broadcast = await findBroadcast(database, principal.tenantId, id);
  return broadcast !== undefined && sees(principal, broadcast) ? broadcast : broadcastNotFound(id);
}

/** What keeps this key from launching a broadcast that stands. */
export async function refusesLaunch(
  deps: Pick<ApiDeps, 'numbers' | 'templates'>,
  principal: Principal,
  broadcast: Broadcast,
  ip: string,
): Promise<Refusal | undefined> {
  const found = await Promise.all(broadcast.numberIds.map(id => deps.numbers.byId(id)));
  return mayLaunch(
    deps,
    principal,
    broadcast,
    found.filter(number => number !== undefined),
    ip,
  );
}
