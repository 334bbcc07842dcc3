/**
 * The baseline of a database: one connection, plain inserts into a table with a key and nothing else, in batches of one JSON
 * parameter, each committed to the disk. `node bench/insert.ts <path of an SQLite file | postgres://…>`
 */
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { serveParent } from './child.ts';

export interface InsertJob {
  seconds: number;
  batch: number;
}

const [place = ''] = process.argv.slice(2);
const create =
  'create table if not exists plain (id text primary key, body text not null, at bigint not null)';
const insert = (rows: string) =>
  `insert into plain select value ->> 'id', value ->> 'body', cast(value ->> 'at' as bigint) from ${rows}`;
const body = 'x'.repeat(300);
let made = 0;

const commit = place.startsWith('postgres') ? await postgres() : sqlite();

function sqlite(): (rows: string) => void {
  const database = new DatabaseSync(place);
  // As the gateway sets it: a commit has reached the disk.
  database.exec(`pragma journal_mode = wal; pragma synchronous = full; ${create}`);
  const statement = database.prepare(insert('json_each(?1)'));
  return rows => void statement.run(rows);
}

async function postgres(): Promise<(rows: string) => Promise<unknown>> {
  const client = new pg.Client({ connectionString: place });
  await client.connect();
  await client.query(create);
  return rows => client.query(insert('jsonb_array_elements($1::jsonb)'), [rows]);
}

async function run({ seconds, batch }: InsertJob): Promise<{ perSecond: number }> {
  const startedAt = performance.now();
  const first = made;
  while (performance.now() - startedAt < seconds * 1000) {
    const at = Date.now();
    const rows = Array.from({ length: batch }, () => ({
      id: `row-${String(++made).padStart(12, '0')}`,
      body,
      at,
    }));
    await commit(JSON.stringify(rows));
  }
  return { perSecond: ((made - first) * 1000) / (performance.now() - startedAt) };
}

serveParent({}, run);
