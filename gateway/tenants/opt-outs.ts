/**
 * Who asked a tenant for no more marketing. The latest word counts by the time it was said, whatever the order in which it comes;
 * an erased person's word stays under a keyed hash, so that nobody is named and the wish is still kept.
 */
import { parseJson } from '../canonical/json.ts';
import { first, type Sql, storable, type Tx } from '../platform/database.ts';
import type { Seal } from '../platform/seal.ts';

/** message: a stop or start word. meta: the person told WhatsApp. api: the tenant said so. */
export type OptOutSource = 'message' | 'meta' | 'api';

export interface OptOutMark {
  /** All names the person is known by. */
  names: string[];
  state: 'out' | 'in';
  at: number;
  source: OptOutSource;
}

export interface OptOut {
  recipient: string;
  at: number;
  source: OptOutSource;
}

/** What stands in place of an erased person's name; no name holds a colon. */
export const optOutHash = (seal: Pick<Seal, 'digest'>, tenantId: string, name: string): string =>
  `hash:${seal.digest(name, `opt-out:${tenantId}`)}`;

const isLater = (column: (name: string) => string) =>
  `(opt_outs.at < ${column('at')} or (opt_outs.at = ${column('at')} and ${column('state')} = 'out'))`;

/** Writes what people asked for; replays and older words change nothing. */
export async function markOptOuts(
  tx: Tx,
  seal: Pick<Seal, 'digest'>,
  tenantId: string,
  marks: OptOutMark[],
): Promise<void> {
  const latest = new Map<string, OptOutMark>();
  for (const mark of marks) {
    for (const name of mark.names.map(storable)) {
      const known = latest.get(name);
      if (known === undefined || known.at < mark.at || (known.at === mark.at && mark.state === 'out'))
        latest.set(name, mark);
    }
  }
  if (latest.size === 0) return;
  const rows = [...latest]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([recipient, { names, state, at, source }]) => ({
      ...{ recipient, state, at, source },
      names: names.length > 1 ? JSON.stringify(names.map(storable)) : null,
      hash: optOutHash(seal, tenantId, recipient),
    }));
  const values = [tenantId, JSON.stringify(rows)];
  await tx.all(
    `insert into opt_outs (tenant_id, recipient, state, at, source, names)
     select $1, value ->> 'recipient', value ->> 'state', cast(value ->> 'at' as bigint), value ->> 'source', value ->> 'names'
     from json_rows($2) where true
     on conflict (tenant_id, recipient) do update set state = excluded.state, at = excluded.at, source = excluded.source,
       names = coalesce(excluded.names, opt_outs.names)
       where ${isLater(name => `excluded.${name}`)}`,
    values,
  );
  // What is known of them from before an erasure.
  await tx.all(
    `with s as materialized (
       select value ->> 'hash' as hash, value ->> 'state' as state, cast(value ->> 'at' as bigint) as at,
         value ->> 'source' as source from json_rows($2))
     update opt_outs set state = s.state, at = s.at, source = s.source from s
     where opt_outs.tenant_id = $1 and opt_outs.recipient = s.hash and one_of(opt_outs.recipient, select hash from s)
       and ${isLater(name => `s.${name}`)}`,
    values,
  );
}

/** Whether this person is out, also when it has been erased since. */
export async function findOptOut(
  sql: Sql,
  seal: Pick<Seal, 'digest'>,
  tenantId: string,
  recipient: string,
): Promise<OptOut | undefined> {
  const row = await first<{ at: number; source: OptOutSource }>(
    sql,
    `select at, source from opt_outs where tenant_id = $1 and recipient in ($2, $3) and state = 'out' order by at desc limit 1`,
    [tenantId, recipient, optOutHash(seal, tenantId, recipient)],
  );
  return row && { recipient, ...row };
}

/** Which of these names stand for somebody who is out, and since when. Names as they are stored, hashes too. */
export async function optOutsOf(
  sql: Sql,
  tenantId: string,
  names: string[],
): Promise<Map<string, Pick<OptOutMark, 'at' | 'source'>>> {
  const rows = await sql.all<OptOut>(
    `select recipient, at, source from opt_outs
     where tenant_id = $1 and state = 'out' and one_of(recipient, select value ->> 'name' from json_rows($2))`,
    [tenantId, JSON.stringify(names.map(name => ({ name: storable(name) })))],
  );
  return new Map(rows.map(({ recipient, at, source }) => [recipient, { at, source }]));
}

/** By recipient, those after `after`; erased people are not among them. */
export async function listOptOuts(
  sql: Sql,
  tenantId: string,
  after: string,
  limit: number,
): Promise<OptOut[]> {
  return sql.all<OptOut>(
    `select recipient, at, source from opt_outs
     where tenant_id = $1 and recipient > $2 and state = 'out' and recipient not like 'hash:%' order by recipient limit $3`,
    [tenantId, after, limit],
  );
}

/** The other names under which a person's word stands. */
export async function optOutNames(sql: Sql, tenantId: string, recipient: string): Promise<string[]> {
  const row = await first<{ names: string | null }>(
    sql,
    'select names from opt_outs where tenant_id = $1 and recipient = $2',
    [tenantId, recipient],
  );
  return storedNames(row?.names);
}

/** A column that holds names as JSON. */
export function storedNames(text: string | null | undefined): string[] {
  const names = parseJson(text ?? '[]');
  return Array.isArray(names) ? names.filter(name => typeof name === 'string') : [];
}

/** Puts a keyed hash where an erased person's name stood. Returns the other names that stood beside it; undefined if there was none. */
export async function hideOptOut(
  tx: Tx,
  seal: Pick<Seal, 'digest'>,
  tenantId: string,
  name: string,
  until: number,
): Promise<string[] | undefined> {
  const [row] = await tx.all<{ state: 'out' | 'in'; at: number; source: string; names: string | null }>(
    `delete from opt_outs where tenant_id = $1 and recipient = $2 and at <= $3 returning state, at, source, names`,
    [tenantId, name, until],
  );
  if (row === undefined) return undefined;
  if (row.state === 'out') {
    await tx.all(
      `insert into opt_outs (tenant_id, recipient, state, at, source) values ($1, $2, 'out', $3, $4)
       on conflict (tenant_id, recipient) do update set state = excluded.state, at = excluded.at, source = excluded.source
         where ${isLater(column => `excluded.${column}`)}`,
      [tenantId, optOutHash(seal, tenantId, name), row.at, row.source],
    );
  }
  return storedNames(row.names);
}
