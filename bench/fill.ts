/**
 * Years of messages, made by the database itself in seconds: settled, spread over tenants, numbers and days, with bodies and ids as
 * real ones. Secondary indexes are dropped first and made again at the end, which sorts instead of seeking.
 */
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { statusRank } from '../gateway/canonical/status.ts';

export interface Filling {
  /** Path of the SQLite file, or a postgres:// URL. */
  place: string;
  rows: number;
  /** It owns half of the rows; the rest is of `otherTenants` more. */
  tenantId: string;
  numberIds: number[];
}

const otherTenants = 99;
const days = 365;
const batch = 250_000;

/** The size of the database afterwards, in MB. */
export async function fill(filling: Filling): Promise<number> {
  return filling.place.startsWith('postgres') ? fillPostgres(filling) : fillSqlite(filling);
}

/** What differs between the engines: counting up, and sixteen random digits of those a ULID may have. */
interface Words {
  counting: string;
  random: string;
}

/** The ten digits of a ULID that tell its time: ids are ordered by it. */
const ulidTime = (ms: string) =>
  Array.from({ length: 10 }, (_, i) => {
    const digit = `((${ms} >> ${45 - 5 * i}) & 31)`;
    return `substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', cast(1 + ${digit} as integer), 1)`;
  }).join(' || ');

/** `$1` is the first row's number, `$2` one past the last. Half go to the tenant, by odd and even. */
function insertOf({ rows, tenantId, numberIds }: Filling, words: Words): string {
  const now = Date.now();
  const stepMs = (days * 86_400_000) / rows;
  const id = (n: number) => statusRank[n === 0 ? 'failed' : n === 1 ? 'delivered' : 'read'];
  return `
    insert into messages (tenant_id, id, number_id, key_id, dialect, type, recipient_kind, recipient, endpoint, body, priority,
      fake, status, rank, due_at, expires_at, claimed_by, tries, wamid, wa_id, created_at, sending_at, accepted_at, sent_at,
      delivered_at, read_at, ended_at)
    select tenant, id, number, 'key', 'connectly', 'text', 'phone', phone, 'messages',
      '{"messaging_product":"whatsapp","recipient_type":"individual","to":"+' || phone || '","type":"text","text":{"body":"Merhaba, siparişiniz '
        || n || ' yola çıktı ve yarın saat 14:00 ile 18:00 arasında kapınızda."},"biz_opaque_callback_data":"' || id || '"}',
      0, 0, status, rank, at, at + 36000000, null, 1, 'wamid.HBgMOTA1MzIxMTEyMjMzFQIAERgS' || id, phone, at, at + 20, at + 120,
      at + 700, case when rank >= ${id(1)} then at + 1500 end, case when rank = ${id(2)} then at + 60000 end,
      case when rank = ${id(0)} then at + 1500 end
    from (
      select n, at,
        case when n % 2 = 0 then '${tenantId}' else 'other-tenant-' || (n / 2 % ${otherTenants}) end as tenant,
        case when n % 2 = 0 then ${numberIds[0]} + n / 2 % ${numberIds.length} else 1000000 + n / 2 % ${otherTenants} end as number,
        ${ulidTime('at')} || ${words.random} as id,
        '90532' || (1000000 + n * 7919 % 9000000) as phone,
        case n % 20 when 0 then 'failed' when 1 then 'failed' when 2 then 'delivered' when 3 then 'delivered' else 'read' end as status,
        case n % 20 when 0 then ${id(0)} when 1 then ${id(0)} when 2 then ${id(1)} when 3 then ${id(1)} else ${id(2)} end as rank
      from (select n, cast(${now - days * 86_400_000} + n * ${stepMs} as bigint) as at from (${words.counting}) as counted) as timed
    ) as made`;
}

function batches(rows: number): [from: number, to: number][] {
  return Array.from({ length: Math.ceil(rows / batch) }, (_, i) => [
    i * batch,
    Math.min(rows, (i + 1) * batch),
  ]);
}

function fillSqlite(filling: Filling): number {
  const database = new DatabaseSync(filling.place);
  database.exec('pragma synchronous = off; pragma cache_size = -400000; pragma temp_store = file');
  const insert = database.prepare(
    insertOf(filling, {
      counting:
        'with recursive c(n) as (select ?1 union all select n + 1 from c where n + 1 < ?2) select n from c',
      random: 'hex(randomblob(8))',
    }),
  );
  const indexes = database
    .prepare(
      `select name, sql from sqlite_master where type = 'index' and tbl_name = 'messages' and sql is not null`,
    )
    .all() as { name: string; sql: string }[];
  for (const { name } of indexes) database.exec(`drop index ${name}`);
  for (const [from, to] of batches(filling.rows)) insert.run(from, to);
  for (const { sql } of indexes) database.exec(sql);
  database.exec('analyze; pragma wal_checkpoint(truncate)');
  const { size } = database
    .prepare('select page_count * page_size as size from pragma_page_count(), pragma_page_size()')
    .get() as { size: number };
  database.close();
  return Math.round(size / 2 ** 20);
}

async function fillPostgres(filling: Filling): Promise<number> {
  const client = new pg.Client({ connectionString: filling.place });
  await client.connect();
  await client.query(`set maintenance_work_mem = '256MB'; set synchronous_commit = off`);
  const insert = insertOf(filling, {
    counting: 'select n from generate_series($1::bigint, $2::bigint - 1) as n',
    random: 'upper(substr(md5(random()::text), 1, 16))',
  });
  const { rows: indexes } = await client.query<{ indexname: string; indexdef: string }>(
    `select indexname, indexdef from pg_indexes where tablename = 'messages' and indexname not like '%pkey'`,
  );
  for (const { indexname } of indexes) await client.query(`drop index ${indexname}`);
  for (const range of batches(filling.rows)) await client.query(insert, range);
  for (const { indexdef } of indexes) await client.query(indexdef);
  await client.query('vacuum analyze messages');
  const { rows } = await client.query<{ mb: number }>(
    'select round(pg_database_size(current_database()) / 1048576.0)::int as mb',
  );
  await client.end();
  return rows[0]!.mb;
}
