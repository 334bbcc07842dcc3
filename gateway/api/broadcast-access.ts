/** Which broadcasts a key sees. */
import type { Broadcast } from '../broadcasts/broadcast.ts';
import { findBroadcast } from '../broadcasts/table.ts';
import type { Refusal } from '../canonical/refusal.ts';
import type { Principal } from '../http/authenticate.ts';
import { seesNumber } from '../http/select-number.ts';
import type { Database } from '../platform/database.ts';

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
