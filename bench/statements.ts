/** What PostgreSQL spent on each statement, by its own count (pg_stat_statements): for a profile of the database beside that of the gateway. */
import pg from 'pg';

/** Settings of a server that counts. */
export const countingStatements = [
  'shared_preload_libraries=pg_stat_statements',
  'pg_stat_statements.track_planning=on',
  'pg_stat_statements.track_utility=on',
];

const shown = 25;

interface Counted {
  query: string;
  calls: number;
  plan_ms: number;
  exec_ms: number;
  rows: number;
  pages: number;
}

export const resetStatements = (url: string): Promise<unknown> =>
  ask(url, 'create extension if not exists pg_stat_statements; select pg_stat_statements_reset()');

/** A table of the dearest ones, in all databases of the server since the last reset. */
export async function topStatements(url: string): Promise<string> {
  const counted = (await ask(
    url,
    `select query, sum(calls)::float8 as calls, sum(total_plan_time) as plan_ms, sum(total_exec_time) as exec_ms,
       sum(rows)::float8 as rows, sum(shared_blks_hit + shared_blks_read)::float8 as pages
     from pg_stat_statements group by query order by sum(total_plan_time + total_exec_time) desc limit ${shown}`,
  )) as Counted[];
  const lines = counted.map(one =>
    [one.calls, one.plan_ms, one.exec_ms, one.rows, one.pages]
      .map(value => String(Math.round(value)).padStart(9))
      .concat(` ${one.query.replace(/\s+/g, ' ').slice(0, 110)}`)
      .join(''),
  );
  return ['    calls  plan ms  exec ms     rows    pages', ...lines].join('\n');
}

async function ask(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows as unknown[];
  } finally {
    await client.end();
  }
}
