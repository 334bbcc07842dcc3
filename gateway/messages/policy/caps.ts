/**
 * Caps of API keys for one day of UTC: how many messages, and how much money. Counted where messages are accepted, so exact across
 * processes; only keys that have a cap cost anything. What was accepted stays counted, whatever becomes of it later.
 */
import { tellAmount } from '../../canonical/money.ts';
import { isoTime } from '../../platform/clock.ts';
import { first, type Sql, type Tx } from '../../platform/database.ts';
import type { DayCaps } from '../../tenants/key-powers.ts';

/** What one key has used up of its day while its row is locked. */
export interface Cap {
  /** Why so much is too much, as the end of "This API key may not do this: …"; undefined when it fits. Takes nothing. */
  against(messages: number, micros: number): string | undefined;
  /** Takes it; or, when it is too much, takes nothing and says why. */
  take(messages: number, micros: number): string | undefined;
  readonly used: { messages: number; micros: number };
  readonly before: { messages: number; micros: number };
  readonly day: string;
}

/** Days that are kept for whoever asks how much a key has used. */
const keptDays = 35;
const dayMs = 86_400_000;

const dayOf = (ms: number) => isoTime(ms).slice(0, 10);

/** Locks the day's rows of keys with caps, each key once, and reads them. */
export async function openCaps(
  tx: Tx,
  tenantId: string,
  keys: { keyId: string; caps: DayCaps }[],
  nowMs: number,
): Promise<Map<string, Cap>> {
  if (keys.length === 0) return new Map();
  const day = dayOf(nowMs);
  // Locked in one order by every process, so that no two wait for each other.
  const names = keys.map(({ keyId }) => ({ key: keyId })).sort((a, b) => (a.key < b.key ? -1 : 1));
  const rows = await tx.all<{ key_id: string; messages: number; micros: number }>(
    `insert into key_days (tenant_id, key_id, day, messages, micros)
     select $1, value ->> 'key', cast($3 as text), 0, 0 from json_rows($2) where true
     on conflict (tenant_id, key_id, day) do update set messages = key_days.messages
     returning key_id, messages, micros`,
    [tenantId, JSON.stringify(names), day],
  );
  const capsOf = new Map(keys.map(({ keyId, caps }) => [keyId, caps]));
  return new Map(
    rows.map(({ key_id, messages, micros }) => [
      key_id,
      capOf(capsOf.get(key_id)!, day, { messages, micros }),
    ]),
  );
}

function capOf(caps: DayCaps, day: string, used: { messages: number; micros: number }): Cap {
  const cap: Cap = {
    used,
    before: { ...used },
    day,
    against(messages, micros) {
      const { messages: messagesMax, micros: microsMax } = caps;
      if (messagesMax !== null && used.messages + messages > messagesMax)
        return `it may send ${messagesMax} messages a day (UTC); ${Math.max(0, messagesMax - used.messages)} are left today, and this is ${messages}`;
      // What costs nothing is let through when nothing is left.
      if (microsMax !== null && micros > 0 && used.micros + micros > microsMax)
        return `it may spend ${tellAmount(microsMax)} a day (UTC); ${tellAmount(Math.max(0, microsMax - used.micros))} is left today, and this costs up to ${tellAmount(micros)}`;
      return undefined;
    },
    take(messages, micros) {
      const reason = cap.against(messages, micros);
      if (reason !== undefined) return reason;
      used.messages += messages;
      used.micros += micros;
      return undefined;
    },
  };
  return cap;
}

/** Writes what was taken; at a key's first use of a day its old days go. */
export async function closeCaps(tx: Tx, tenantId: string, caps: Map<string, Cap>): Promise<void> {
  const taken = [...caps].filter(
    ([, { used, before }]) => used.messages !== before.messages || used.micros !== before.micros,
  );
  if (taken.length === 0) return;
  const rows = taken.map(([key, { used, day }]) => ({ key, ...used, day }));
  await tx.all(
    `with s as materialized (
       select value ->> 'key' as key_id, value ->> 'day' as day, cast(value ->> 'messages' as bigint) as messages,
         cast(value ->> 'micros' as bigint) as micros
       from json_rows($2))
     update key_days set messages = s.messages, micros = s.micros from s
     where key_days.tenant_id = $1 and key_days.key_id = s.key_id and key_days.day = s.day
       and one_of(key_days.key_id, select key_id from s)`,
    [tenantId, JSON.stringify(rows)],
  );
  const fresh = taken.filter(([, { before }]) => before.messages === 0 && before.micros === 0);
  if (fresh.length === 0) return;
  const oldest = dayOf(Date.parse(fresh[0]![1].day) - keptDays * dayMs);
  await tx.all(
    `delete from key_days where tenant_id = $1 and day < $3
       and one_of(key_id, select value ->> 'key' from json_rows($2))`,
    [tenantId, JSON.stringify(fresh.map(([key]) => ({ key }))), oldest],
  );
}

/** What a key with caps has used up today. */
export async function readKeyDay(
  sql: Sql,
  tenantId: string,
  keyId: string,
  nowMs: number,
): Promise<{ messages: number; micros: number }> {
  const row = await first<{ messages: number; micros: number }>(
    sql,
    'select messages, micros from key_days where tenant_id = $1 and key_id = $2 and day = $3',
    [tenantId, keyId, dayOf(nowMs)],
  );
  return { messages: row?.messages ?? 0, micros: row?.micros ?? 0 };
}
