/** The 24-hour windows of people, opened and extended by what they write, under every name they are known by. */
import { phoneNames } from '../canonical/phone-names.ts';
import { type Sql, storable, type Tx } from '../platform/database.ts';
import { optOutNames, storedNames } from '../tenants/opt-outs.ts';

const windowMs = 24 * 3_600_000;

export interface Opening {
  numberId: number;
  /** Of the person who wrote. */
  names: string[];
  /** Meta's time of the message. */
  at: number;
  /** The person came by an ad. */
  referred: boolean;
}

interface Row {
  number: number;
  recipient: string;
  at: number;
  referred: number | null;
  names: string | null;
}

/** All the names of one person that messages to it may be sent to. */
export const allNames = (names: string[]): string[] => [
  ...new Set(names.flatMap(name => phoneNames(storable(name)))),
];

/** Opens or extends windows of one tenant by Meta's time of the latest message; a late replay never shortens one. */
export async function openWindows(tx: Tx, tenantId: string, openings: Opening[]): Promise<void> {
  const latest = new Map<string, Row>();
  for (const { numberId, names, at, referred } of openings) {
    const all = allNames(names);
    const told = all.length > 1 ? JSON.stringify(all) : null;
    for (const recipient of all) {
      const key = `${recipient} ${numberId}`;
      const known = latest.get(key) ?? { number: numberId, recipient, at, referred: null, names: told };
      latest.set(key, {
        ...known,
        at: Math.max(known.at, at),
        referred: referred ? Math.max(known.referred ?? at, at) : known.referred,
        names: told ?? known.names,
      });
    }
  }
  if (latest.size === 0) return;
  // In one order, so that no two processes wait for each other.
  const rows = [...latest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  const later = (column: string) =>
    `case when windows.opened_at < excluded.opened_at then excluded.${column} else windows.${column} end`;
  await tx.all(
    `insert into windows (tenant_id, number_id, recipient, opened_at, closes_at, referred_at, names)
     select $1, cast(value ->> 'number' as bigint), value ->> 'recipient', cast(value ->> 'at' as bigint),
       cast(value ->> 'at' as bigint) + ${windowMs}, cast(value ->> 'referred' as bigint), value ->> 'names'
     from json_rows($2) where true
     on conflict (tenant_id, recipient, number_id) do update set
       opened_at = ${later('opened_at')}, closes_at = ${later('closes_at')},
       referred_at = case when windows.referred_at is null or windows.referred_at < excluded.referred_at
         then excluded.referred_at else windows.referred_at end,
       names = coalesce(excluded.names, windows.names)
       where windows.opened_at < excluded.opened_at or excluded.referred_at is not null
         or (windows.names is null and excluded.names is not null)`,
    [tenantId, JSON.stringify(rows)],
  );
}

/**
 * Meta's word on until when everything to a person is free. What is more than a day before what we have is of an earlier ad: ours is
 * too late by less than the day in which somebody else may have answered first.
 */
export async function setFreeUntil(
  tx: Tx,
  tenantId: string,
  words: { numberId: number; names: string[]; until: number }[],
): Promise<void> {
  const latest = new Map<string, { number: number; recipient: string; until: number }>();
  for (const { numberId, names, until } of words) {
    for (const recipient of allNames(names)) {
      const key = `${recipient} ${numberId}`;
      if ((latest.get(key)?.until ?? 0) < until) latest.set(key, { number: numberId, recipient, until });
    }
  }
  if (latest.size === 0) return;
  await tx.all(
    `with s as materialized (
       select cast(value ->> 'number' as bigint) as number_id, value ->> 'recipient' as recipient,
         cast(value ->> 'until' as bigint) as until from json_rows($2))
     update windows set free_until = s.until, referred_at = null from s
     where windows.tenant_id = $1 and windows.recipient = s.recipient and windows.number_id = +s.number_id
       and one_of(windows.recipient, select recipient from s)
       and (windows.free_until is null or (windows.free_until <> s.until and windows.free_until - ${windowMs} < s.until))`,
    [tenantId, JSON.stringify([...latest.values()])],
  );
}

export interface Window {
  number: number;
  openedAt: number;
  closesAt: number;
  /** Until when everything to the person is free; null when it did not come by an ad. */
  freeUntil: number | null;
}

/** The windows of one person, one per number that was written to. */
export async function listWindows(sql: Sql, tenantId: string, recipient: string): Promise<Window[]> {
  const rows = await sql.all<{
    number_id: number;
    opened_at: number;
    closes_at: number;
    free_until: number | null;
  }>(
    `select number_id, opened_at, closes_at, free_until from windows where tenant_id = $1 and recipient = $2
     order by number_id`,
    [tenantId, recipient],
  );
  return rows.map(row => ({
    number: row.number_id,
    openedAt: row.opened_at,
    closesAt: row.closes_at,
    freeUntil: row.free_until,
  }));
}

/** All names by which a tenant knows the person of one name. */
export async function knownNames(sql: Sql, tenantId: string, name: string): Promise<string[]> {
  const windows = await sql.all<{ names: string | null }>(
    'select names from windows where tenant_id = $1 and recipient = $2',
    [tenantId, name],
  );
  const others = windows.flatMap(({ names }) => storedNames(names));
  return allNames([name, ...others, ...(await optOutNames(sql, tenantId, name))]);
}
