/** Meta may tell by a failed status what it otherwise answers: that a number sends too much to people who do not want it. */

import { pauseLane } from '../messages/pace.ts';
import { errorTable } from '../meta/error-table.ts';
import type { Tx } from '../platform/database.ts';
import type { OwnedMessageFact } from './owned.ts';

/**
 * Bulk of these numbers rests, as after the answer, from Meta's time of the status: a replay of long ago pauses nothing. Lanes are
 * locked after wallets and windows, as accept does, and in one order everywhere.
 */
export async function pauseSpamming(tx: Tx, facts: OwnedMessageFact[]): Promise<void> {
  const resting = facts.flatMap(fact => {
    const later = fact.kind === 'status' && fact.code !== null ? errorTable[fact.code]?.later : undefined;
    return fact.kind === 'status' && later?.pause === 'bulk'
      ? [{ lane: { tenantId: fact.tenantId, numberId: fact.numberId }, until: fact.at + later.firstMs }]
      : [];
  });
  resting.sort(
    ({ lane: a }, { lane: b }) =>
      (a.tenantId < b.tenantId ? -1 : Number(a.tenantId > b.tenantId)) || a.numberId - b.numberId,
  );
  for (const { lane, until } of resting) await pauseLane(tx, lane, 'bulk', until);
}
