/**
 * Rate limits of API keys: a true sliding window over the last second and the last minute, exact across processes.
 *
 * A key's uses are counted without end and each count is noted with its time; the uses of a window are the count now less the
 * count when it began. One note per key and batch, so a minute has few, and each window costs one seek.
 *
 * Clocks of several machines may differ by less than a minute: uses count at the furthest of them. One that is further behind has been
 * set back, and then counting goes on from there.
 */
import type { KeyLimits, LimitState } from '../../canonical/key-limit.ts';
import { type Tx, together } from '../../platform/database.ts';

/** A window that is full, and how long until it has room. */
export interface Exceeded {
  window: 'sec' | 'min';
  limit: number;
  retryAfterMs: number;
}

const windowMs = { sec: 1_000, min: 60_000 } as const;

/** Uses of a key after which its old notes are removed. */
const forgetEvery = 256;

/** The uses of one key while its row is locked. */
export interface Meter {
  /** Takes one use; or, with a window full, takes none and names the window. */
  use(limits: KeyLimits): 'sec' | 'min' | undefined;
  state(limits: KeyLimits): LimitState;
  /** Uses so far, and the moment they count at: never before an earlier use, whatever the clocks of two machines say. */
  used: number;
  readonly at: number;
  readonly before: number;
  readonly atMinuteStart: number;
}

/** Locks the meters of keys of one tenant, and reads them. Each key once. */
export async function openMeters(
  tx: Tx,
  tenantId: string,
  keyIds: string[],
  nowMs: number,
): Promise<Map<string, Meter>> {
  // Locked in one order by every process, so that no two wait for each other.
  const names = JSON.stringify(keyIds.toSorted().map(key => ({ key })));
  const locked = tx.all(
    `insert into key_meters (tenant_id, key_id, used, last_at)
     select $1, value ->> 'key', 0, 0 from json_rows($2) where true
     on conflict (tenant_id, key_id) do update set used = key_meters.used`,
    [tenantId, names],
  );
  const at = 'case when m.last_at > $3 then m.last_at else $3 end';
  const upto = (ms: number) => `(select u.upto from key_uses u
    where u.tenant_id = $1 and u.key_id = m.key_id and u.at <= (${at}) - ${ms} order by u.at desc limit 1)`;
  const rows = tx.all<{
    key_id: string;
    used: number;
    at: number;
    second: number | null;
    minute: number | null;
  }>(
    `select m.key_id, m.used, ${at} as at, ${upto(windowMs.sec)} as second, ${upto(windowMs.min)} as minute
     from key_meters m where m.tenant_id = $1 and one_of(m.key_id, select value ->> 'key' from json_rows($2))`,
    [tenantId, names, nowMs],
  );
  // Waited for together: one that fails while nobody listens would end the process.
  await together<unknown>([locked, rows]);
  const setBack = (await rows).filter(row => row.at - nowMs > windowMs.min);
  if (setBack.length > 0) await countFrom(tx, tenantId, setBack, nowMs);
  return new Map(
    (await rows).map(row => {
      const { key_id, used, at } = row;
      const minute = row.minute ?? 0;
      // When the uses of the last minute really were nobody can say, so they count as of now.
      const meter = setBack.includes(row)
        ? meterOf(used, nowMs, minute, minute)
        : meterOf(used, at, row.second ?? 0, minute);
      return [key_id, meter];
    }),
  );
}

/** Puts the notes of keys where the clock stands that was set back. */
async function countFrom(
  tx: Tx,
  tenantId: string,
  keys: { key_id: string; used: number; minute: number | null }[],
  nowMs: number,
): Promise<void> {
  const names = JSON.stringify(keys.map(({ key_id }) => ({ key: key_id })));
  const notes = keys.flatMap(({ key_id, used, minute }) => [
    { key: key_id, at: nowMs - windowMs.min, upto: minute ?? 0 },
    { key: key_id, at: nowMs, upto: used },
  ]);
  await tx.all(
    `delete from key_uses where tenant_id = $1 and one_of(key_id, select value ->> 'key' from json_rows($2))`,
    [tenantId, names],
  );
  await tx.all(
    `insert into key_uses (tenant_id, key_id, at, upto)
     select $1, value ->> 'key', cast(value ->> 'at' as bigint), cast(value ->> 'upto' as bigint) from json_rows($2)`,
    [tenantId, JSON.stringify(notes)],
  );
  await tx.all(
    `update key_meters set last_at = $3 where tenant_id = $1 and one_of(key_id, select value ->> 'key' from json_rows($2))`,
    [tenantId, names, nowMs],
  );
}

function meterOf(used: number, at: number, second: number, minute: number): Meter {
  const meter: Meter = {
    used,
    at,
    before: used,
    atMinuteStart: minute,
    use(limits) {
      if (meter.used - second >= limits.perSecond) return 'sec';
      if (meter.used - minute >= limits.perMinute) return 'min';
      meter.used++;
      return undefined;
    },
    state: limits => ({
      ...limits,
      remainingSecond: Math.max(0, limits.perSecond - (meter.used - second)),
      remainingMinute: Math.max(0, limits.perMinute - (meter.used - minute)),
    }),
  };
  return meter;
}

/** Writes what was used, and forgets notes that no window reaches any more. */
export async function closeMeters(tx: Tx, tenantId: string, meters: Map<string, Meter>): Promise<void> {
  const used = [...meters].filter(([, { used, before }]) => used > before);
  if (used.length === 0) return;
  const rows = JSON.stringify(
    used.map(([key, { used, at, atMinuteStart }]) => ({
      key,
      used,
      at,
      old: at - windowMs.min,
      floor: atMinuteStart,
    })),
  );
  const notes = tx.all(
    `insert into key_uses (tenant_id, key_id, at, upto)
     select $1, value ->> 'key', cast(value ->> 'at' as bigint), cast(value ->> 'used' as bigint) from json_rows($2) where true
     on conflict (tenant_id, key_id, at) do update set upto = excluded.upto`,
    [tenantId, rows],
  );
  const totals = tx.all(
    `with s as materialized (
       select value ->> 'key' as key_id, cast(value ->> 'used' as bigint) as used, cast(value ->> 'at' as bigint) as at from json_rows($2))
     update key_meters set used = s.used, last_at = s.at from s
     where key_meters.tenant_id = $1 and key_meters.key_id = s.key_id and one_of(key_meters.key_id, select key_id from s)`,
    [tenantId, rows],
  );
  await together<unknown>([notes, totals]);
  // Now and then is enough: no window looks at what is too old.
  if (used.some(([, { used, before }]) => Math.floor(used / forgetEvery) > Math.floor(before / forgetEvery)))
    await forgetOld(tx, tenantId, rows);
}

/** The note from which a window that reaches back a minute counts has to stay, so only earlier ones go. */
async function forgetOld(tx: Tx, tenantId: string, rows: string): Promise<void> {
  await tx.all(
    `with s as materialized (
       select value ->> 'key' as key_id, cast(value ->> 'old' as bigint) as old, cast(value ->> 'floor' as bigint) as floor
       from json_rows($2))
     delete from key_uses where tenant_id = $1 and one_of(key_id, select key_id from s)
       and at <= (select old from s where s.key_id = key_uses.key_id)
       and upto < (select floor from s where s.key_id = key_uses.key_id)`,
    [tenantId, rows],
  );
}

/** When the window of a key that is full has room again: when the oldest use that fills it is as old as the window. */
export async function roomIn(
  tx: Tx,
  tenantId: string,
  keyId: string,
  meter: Meter,
  window: 'sec' | 'min',
  { perSecond, perMinute }: KeyLimits,
): Promise<Exceeded> {
  const limit = window === 'sec' ? perSecond : perMinute;
  const [oldest] = await tx.all<{ at: number }>(
    `select at from key_uses where tenant_id = $1 and key_id = $2 and at > $3 and upto > $4 order by at limit 1`,
    [tenantId, keyId, meter.at - windowMs[window], meter.used - limit],
  );
  const at = oldest?.at ?? meter.at;
  return { window, limit, retryAfterMs: Math.max(1, at + windowMs[window] - meter.at) };
}
