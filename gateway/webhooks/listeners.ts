/** Listeners (`wagate listen`): endpoints without a URL, each of the process that its client is connected to, and as long as that lives. */
import type { Sql, Tx } from '../platform/database.ts';
import { deleteEndpoint, listSealed, type Subscription } from '../tenants/endpoints.ts';

/** How often a listener's process says that it is still there, and when it is taken to be gone: after a kill nobody removes it. */
export const listenerBeatMs = 15_000;
const listenerGoneMs = 4 * listenerBeatMs;

/** What a listener's `doorData` says. */
export const ofProcess = (processId: string) => ({ process: processId });

/** Of a listener from which nothing was heard for long. By the clock alone, so it only keeps events from it. */
export function isGone({ door, updatedAt }: Subscription, now: number): boolean {
  return door === 'listen' && updatedAt < now - listenerGoneMs;
}

/** Those of them that are listeners of processes which are not among the living (messages/presence.ts). One that was stalled may come back. */
export async function abandoned<S extends Subscription>(sql: Sql, endpoints: S[]): Promise<S[]> {
  const listeners = endpoints.filter(({ door }) => door === 'listen');
  if (listeners.length === 0) return [];
  const living = new Set((await sql.all<{ id: string }>('select id from processes')).map(({ id }) => id));
  return listeners.filter(({ doorData }) => !living.has(String(doorData.process)));
}

/** Removes those that nobody else will: of no living process, and silent. */
export async function removeGone(tx: Tx, tenantId: string, now: number): Promise<void> {
  const all = await listSealed(tx, tenantId);
  for (const one of await abandoned(tx, all))
    if (isGone(one, now)) await deleteEndpoint(tx, tenantId, one.id);
}
