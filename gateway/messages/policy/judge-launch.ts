/** What is decided about a call that becomes a broadcast: its key and its rate limit. What it sends is judged as it goes (judge-bulk.ts). */
import type { KeyLimits, LimitState } from '../../canonical/key-limit.ts';
import type { Refusal } from '../../canonical/refusal.ts';
import type { Tx } from '../../platform/database.ts';
import { giveKeysBack, type IdempotencyEntry, takeKeys } from './idempotency.ts';
import { closeMeters, openMeters, roomIn } from './meter.ts';

export type LaunchVerdict = { limit: LimitState } & (
  | { kind: 'launched' }
  /** messageIds: of the messages, or the one broadcast, that the first call under this key made. */
  | { kind: 'repeated'; messageIds: string[] }
  | { kind: 'refused'; refusal: Refusal }
);

/** Locks in the order of `judge`: the callers' keys, then the meters. */
export async function judgeLaunch(
  tx: Tx,
  tenantId: string,
  broadcastId: string,
  key: { id: string; limits: KeyLimits },
  idempotency: Pick<IdempotencyEntry, 'key' | 'fingerprint'> | null,
  nowMs: number,
): Promise<LaunchVerdict> {
  const entries = idempotency === null ? [] : [{ ...idempotency, messageIds: [broadcastId] }];
  const holders = entries.length === 0 ? undefined : await takeKeys(tx, tenantId, entries, nowMs);
  const meters = await openMeters(tx, tenantId, [key.id], nowMs);
  const meter = meters.get(key.id)!;
  const limit = () => meter.state(key.limits);
  const holder = idempotency === null ? undefined : holders!.get(idempotency.key);
  if (holder !== undefined && holder.fingerprint !== idempotency!.fingerprint)
    return { kind: 'refused', refusal: { code: 'idempotency_mismatch', key: holder.key }, limit: limit() };
  if (holder !== undefined && holder.messageIds[0] !== broadcastId)
    return { kind: 'repeated', messageIds: holder.messageIds, limit: limit() };
  const window = meter.use(key.limits);
  if (window === undefined) {
    await closeMeters(tx, tenantId, meters);
    return { kind: 'launched', limit: limit() };
  }
  if (idempotency !== null) await giveKeysBack(tx, tenantId, [idempotency.key]);
  const room = await roomIn(tx, tenantId, key.id, meter, window, key.limits);
  const refusal: Refusal = {
    code: 'rate_limited',
    window,
    limit: room.limit,
    retryAfterMs: room.retryAfterMs,
  };
  return { kind: 'refused', refusal, limit: limit() };
}
