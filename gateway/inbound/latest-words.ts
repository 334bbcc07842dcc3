/** Words on one state of a thing come late and out of order; the one that Meta dates latest counts (table meta_words). */
import type { Tx } from '../platform/database.ts';

export interface Word {
  /** Of what, and which of its states. */
  subject: string;
  /** Meta's time, Unix ms. */
  at: number;
}

/** Of these words of one tenant, those that are not older than any heard before on the same state. */
export async function latestWords<W extends Word>(tx: Tx, tenantId: string, words: W[]): Promise<Set<W>> {
  const latest = new Map<string, number>();
  for (const { subject, at } of words) latest.set(subject, Math.max(latest.get(subject) ?? 0, at));
  if (latest.size === 0) return new Set();
  // In one order, so that no two processes wait for each other.
  const rows = [...latest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([subject, at]) => ({ subject, at }));
  const stand = await tx.all<{ subject: string }>(
    `insert into meta_words (tenant_id, subject, at)
     select $1, value ->> 'subject', cast(value ->> 'at' as bigint) from json_rows($2) where true
     on conflict (tenant_id, subject) do update set at = excluded.at where meta_words.at <= excluded.at
     returning subject`,
    [tenantId, JSON.stringify(rows)],
  );
  const standing = new Set(stand.map(({ subject }) => subject));
  return new Set(words.filter(({ subject, at }) => standing.has(subject) && at === latest.get(subject)));
}
