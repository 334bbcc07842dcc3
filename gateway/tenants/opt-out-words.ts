/** A tenant's own words for ending and taking up marketing, and how the receive path has them at hand for two seconds. */
import { isObject, parseJson } from '../canonical/json.ts';
import { defaultWords, type OptOutWords, type ReadWish, wishReader } from '../canonical/opt-out-words.ts';
import { type Database, first, type Sql, type Tx } from '../platform/database.ts';
import type { Notices } from '../platform/notices.ts';

/** undefined: the tenant uses the default ones. */
export async function findWords(sql: Sql, tenantId: string): Promise<OptOutWords | undefined> {
  const row = await first<{ words: string }>(sql, 'select words from opt_out_words where tenant_id = $1', [
    tenantId,
  ]);
  const words = row && parseJson(row.words);
  return isObject(words) ? (words as unknown as OptOutWords) : undefined;
}

/** undefined brings back the default ones. */
export async function saveWords(
  tx: Tx,
  tenantId: string,
  words: OptOutWords | undefined,
  now: number,
): Promise<void> {
  if (words === undefined) {
    await tx.all('delete from opt_out_words where tenant_id = $1', [tenantId]);
    return;
  }
  await tx.all(
    `insert into opt_out_words (tenant_id, words, updated_at) values ($1, $2, $3)
     on conflict (tenant_id) do update set words = excluded.words, updated_at = excluded.updated_at`,
    [tenantId, JSON.stringify(words), now],
  );
}

export interface WordBook {
  of(tenantId: string): Promise<ReadWish>;
  /** Words were changed, and that is committed. */
  forget(): void;
}

const keptMs = 2_000;
const keptMax = 10_000;
const readDefault = wishReader(defaultWords);

export function createWordBook(deps: { database: Database; notices: Notices; now(): number }): WordBook {
  const { database, notices, now } = deps;
  const kept = new Map<string, { read: ReadWish; until: number }>();
  let timesForgotten = 0;

  function clear(): void {
    timesForgotten++;
    kept.clear();
  }
  notices.hear('opt-out-words', clear);

  return {
    async of(tenantId) {
      const entry = kept.get(tenantId);
      // Not further ahead than it can be: the clock may have been set back.
      if (entry !== undefined && entry.until > now() && entry.until <= now() + keptMs) return entry.read;
      const before = timesForgotten;
      const words = await findWords(database, tenantId);
      const read = words === undefined ? readDefault : wishReader(words);
      if (timesForgotten !== before) return read;
      if (kept.size >= keptMax) kept.clear();
      kept.set(tenantId, { read, until: now() + keptMs });
      return read;
    },
    forget() {
      clear();
      notices.tell('opt-out-words', null);
    },
  };
}
