/** Writes what came of POSTs to many endpoints in one transaction: the attempts, those that follow, and how it goes with each endpoint. */
import type { EventDraft } from '../canonical/event.ts';
import { type Tx, together } from '../platform/database.ts';
import { bringForward, type Settled, settleAttempts } from './attempts.ts';
import type { Health } from './schedule.ts';
import { disableEndpoint, type EndpointKey, saveHealth } from './states.ts';

/** Of one POST. */
export interface Settlement {
  key: EndpointKey;
  settled: Settled[];
  /** How it goes now; null: as before. */
  health: Health | null;
  /** The endpoint failed for long and works again. */
  recovered: boolean;
  /** Why nothing may be posted to it any more; null: nothing of the kind. */
  disable: string | null;
}

export interface SettleDeps {
  processId: string;
  now(): number;
  announce(tx: Tx, tenantId: string, drafts: EventDraft[]): Promise<void>;
}

/** Returns the endpoints that were disabled. */
export async function settle(tx: Tx, batch: Settlement[], deps: SettleDeps): Promise<EndpointKey[]> {
  const tenants = [...Map.groupBy(batch, ({ key }) => key.tenantId)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const disabled = await together(tenants.map(([tenantId, of]) => settleTenant(tx, tenantId, of, deps)));
  return disabled.flat();
}

async function settleTenant(
  tx: Tx,
  tenantId: string,
  batch: Settlement[],
  deps: SettleDeps,
): Promise<EndpointKey[]> {
  await settleAttempts(
    tx,
    tenantId,
    batch.flatMap(({ settled }) => settled),
  );
  const disabled: EndpointKey[] = [];
  for (const [endpointId, of] of Map.groupBy(batch, ({ key }) => key.endpointId)) {
    const health = of.findLast(one => one.health !== null)?.health ?? null;
    if (health !== null) await saveHealth(tx, deps.processId, tenantId, endpointId, health);
    if (of.some(({ recovered }) => recovered)) await bringForward(tx, tenantId, endpointId, deps.now());
    const reason = of.find(({ disable }) => disable !== null)?.disable;
    if (reason != null && (await disable(tx, tenantId, endpointId, reason, deps)))
      disabled.push({ tenantId, endpointId });
  }
  return disabled;
}

async function disable(
  tx: Tx,
  tenantId: string,
  endpointId: string,
  reason: string,
  { now, announce }: SettleDeps,
): Promise<boolean> {
  const at = now();
  const row = await disableEndpoint(tx, tenantId, endpointId, reason, at);
  if (row === undefined) return false;
  await announce(tx, tenantId, [
    {
      ...{ type: 'endpoint.disabled', at, numberId: null, person: null, messageId: null, meta: null },
      data: { endpoint: { id: endpointId, url: row.url, reason } },
    },
  ]);
  return true;
}
