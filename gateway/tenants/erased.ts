/** People whose erasure was asked for. Their names are gone once it is done; a keyed hash of them stays (retention/erasures.ts). */
import { firstIdAt } from '../canonical/ids.ts';
import { phoneNames } from '../canonical/phone-names.ts';
import type { Sql } from '../platform/database.ts';
import type { Seal } from '../platform/seal.ts';

export function erasureHash(seal: Pick<Seal, 'digest'>, tenantId: string, name: string): string {
  return seal.digest(name, `erasure:${tenantId}`);
}

/** Those of the phones, digits, whose erasure was asked for since (Unix ms), however it was written. */
export async function erasedSince(
  sql: Sql,
  seal: Pick<Seal, 'digest'>,
  tenantId: string,
  phones: string[],
  since: number,
): Promise<Set<string>> {
  const rows = await sql.all<{ recipient_hash: string }>(
    'select recipient_hash from erasures where tenant_id = $1 and id >= $2 and requested_at >= $3',
    [tenantId, firstIdAt(since), since],
  );
  if (rows.length === 0) return new Set();
  const hashes = new Set(rows.map(row => row.recipient_hash));
  return new Set(
    phones.filter(phone => phoneNames(phone).some(name => hashes.has(erasureHash(seal, tenantId, name)))),
  );
}
