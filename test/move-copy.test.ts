/** What wagate move copies, compares and refuses, table by table. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { afterEach, beforeEach, describe, test } from 'node:test';
import pg from 'pg';
import { newPostgresDatabase } from './harness/engines.ts';
import { folderOf, moved, onPostgres, openFile, refused, wagate } from './harness/move.ts';
import { freePort } from './harness/postgres.ts';
import { newPlace, type Place, startGateway } from './harness/programs.ts';
import { until } from './harness/tenant.ts';

const root = join(import.meta.dirname, '..');
const skip = process.env.WAGATE_TEST_POSTGRES === undefined && 'no PostgreSQL server program found';

/** Every table of the schema with rows of every kind of text and number that it takes. */
const nasty = [
  'plain',
  'quote " backslash \\ slash / tab \t line \n return \r bell \u0007 delete \u007f',
  '{"body":"NUL as JSON writes it: \\u0000"}',
  'ünïcode ışĞ 漢字 👩‍👩‍👧 \u2028 \u2029 \ufeff \uffff',
  '',
  'NUL \0 itself',
];
const storedNasty = nasty.map(text => text.replaceAll('\0', '\uFFFD'));

interface TableInfo {
  name: string;
  columns: { name: string; type: string; notnull: number; pk: number }[];
}

function tablesOf(file: DatabaseSync): TableInfo[] {
  const names = file.prepare(`select name from sqlite_schema where type = 'table' order by name`).all() as {
    name: string;
  }[];
  return names.map(({ name }) => ({
    name,
    columns: file
      .prepare('select name, lower(type) as type, "notnull", pk from pragma_table_info(?)')
      .all(name) as unknown as TableInfo['columns'],
  }));
}

/** Six rows per table from the catalogue alone, each of another tenant. */
function fillTables(file: DatabaseSync): void {
  for (const { name, columns } of tablesOf(file)) {
    if (stays.has(name)) continue;
    const insert = file.prepare(
      `insert into "${name}" (${columns.map(column => `"${column.name}"`).join()}) values (${columns.map((_, c) => `?${c + 1}`).join()})`,
    );
    for (const [i, text] of nasty.entries()) {
      insert.run(
        ...columns.map((column, c): SQLInputValue => {
          if (column.name === 'tenant_id') return tenantIds[i]!;
          if (i === 2 && column.notnull === 0 && column.pk === 0) return null;
          if (column.type !== 'text')
            return column.type === 'bigint' ? Number.MAX_SAFE_INTEGER - 7 * i - c : i - 3;
          return column.pk > 0 ? `${text} ${i}` : `${name} ${c} ${text} ${i}`;
        }),
      );
    }
  }
}

const stays = new Set(['schema_versions', 'processes']);
const tenantIds = nasty.map((text, i) => `${text.replaceAll('\0', '')} ${i}`);

describe('the copy', { skip }, () => {
  let place: Place;
  let url: string;

  beforeEach(async () => {
    place = await newPlace('sqlite');
    url = await newPostgresDatabase();
  });
  // Rows of any content are no honest balances, and the end of the run proves all that is left on the server.
  afterEach(() =>
    onPostgres(url, client => client.query('drop schema public cascade; create schema public')),
  );

  /** Rows of both sides as text, each read by its own driver. */
  async function bothSides({ name, columns }: TableInfo): Promise<[string[], string[]]> {
    const ofTenant = columns.some(column => column.name === 'tenant_id');
    const query = `select ${columns.map(column => `"${column.name}"`).join()} from "${name}"${ofTenant ? ' where tenant_id = $1' : ''}`;
    const values = ofTenant ? tenantIds.map(id => [id]) : [[]];
    const file = openFile(place);
    const here = values.flatMap(value => file.prepare(query.replace('$1', '?1')).all(...value));
    file.close();
    const there = await onPostgres(url, async client => {
      const rows: unknown[] = [];
      for (const value of values) rows.push(...(await client.query(query, value)).rows);
      return rows;
    });
    const text = (row: unknown) =>
      JSON.stringify(
        columns.map(column =>
          String((row as Record<string, unknown>)[column.name]).replaceAll('\0', '\uFFFD'),
        ),
      );
    return [here.map(text).sort(), there.map(text).sort()];
  }

  test('no table and no character is forgotten', async () => {
    let file = openFile(place);
    fillTables(file);
    const tables = tablesOf(file);
    file.close();
    const { stdout } = await moved(place, url);
    for (const table of tables) {
      if (stays.has(table.name)) continue;
      const [here, there] = await bothSides(table);
      assert.equal(here.length, nasty.length, table.name);
      assert.deepEqual(there, here, table.name);
      assert.match(stdout, new RegExp(`^${table.name} +6 +6 +([0-9a-f]{16}) +\\1 +equal$`, 'm'));
    }
    const names = await onPostgres(url, client => client.query('select name from tenants'));
    for (const text of storedNasty)
      assert.ok(
        names.rows.some(({ name }: { name: string }) => name.includes(text)),
        JSON.stringify(text),
      );
    file = openFile(place);
    assert.equal((file.prepare('select count(*) as n from tenants').get() as { n: number }).n, nasty.length);
    file.close();
    await place.discard();
  });

  test('a change on one side is found by --verify, and it alone', async () => {
    const file = openFile(place);
    fillTables(file);
    file.close();
    await moved(place, url);
    assert.equal((await wagate(place, ['move', '--verify', '--to', url])).code, 0);
    await onPostgres(url, client =>
      client.query(
        `update windows set closes_at = closes_at + 1 where closes_at = (select max(closes_at) from windows)`,
      ),
    );
    await onPostgres(url, client => client.query(`delete from tries where n = 1`));
    const verified = await wagate(place, ['move', '--verify', '--to', url]);
    assert.equal(verified.code, 1);
    assert.match(verified.stderr, /^The two sides differ in tries, windows\./m);
    assert.match(verified.stdout, /^tries +6 +5 .* DIFFERENT$/m);
    assert.equal(verified.stdout.match(/DIFFERENT/g)!.length, 2);
    await refused(wagate(place, ['move', '--undo', '--to', url]), /other rows in tries, windows/);
    await place.discard();
  });

  test('a copy that is not equal is told, not used, and undone', async () => {
    const file = openFile(place);
    fillTables(file);
    file.close();
    assert.equal((await wagate(place, ['migrate'], { DATABASE_URL: url })).code, 0);
    await onPostgres(url, async client => {
      await client.query(
        `create function spoil() returns trigger language plpgsql as $$ begin new.name = new.name || '!'; return new; end $$`,
      );
      await client.query(
        'create trigger spoil before insert on contacts for each row execute function spoil()',
      );
    });
    const { code, stdout, stderr } = await wagate(place, ['move', '--to', url]);
    assert.equal(code, 1);
    assert.match(stderr, /^The two sides differ in contacts\. Do not use it: /m);
    assert.match(stdout, /^contacts +6 +6 .* DIFFERENT$/m);
    await refused(wagate(place, ['serve']), /is being moved to/);
    await refused(wagate(place, ['serve'], { DATABASE_URL: url, PORT: '0' }), /has not finished/);
    const undone = await wagate(place, ['move', '--undo', '--to', url]);
    assert.equal(undone.code, 0, undone.stderr);
    assert.equal((await wagate(place, ['migrate'])).code, 0);
    await refused(wagate(place, ['serve'], { DATABASE_URL: url, PORT: '0' }), /that was undone/);
    await place.discard();
  });

  test('killed midway: neither side starts, a repeat goes on and ends equal', async () => {
    const rows = 60_000;
    const file = openFile(place);
    file.exec(
      `with recursive c(i) as (select 1 union all select i + 1 from c where i < 60000)
       insert into messages (tenant_id, id, number_id, key_id, dialect, type, recipient_kind, recipient, endpoint, body, priority,
         fake, status, rank, due_at, expires_at, tries, created_at)
       select 't' || i % 3, printf('%026d', i), 1, 'k', 'native', 'text', 'phone', '90' || i, 'messages',
         '{"text":{"body":"' || hex(randomblob(100)) || '"}}', 0, 0, 'read', 60, i, i, 1, i from c`,
    );
    file.close();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const copied = async () => {
      const { rows: found } = await client
        .query<{ n: string }>(`select row_count as n from move_tables where name = 'messages'`)
        .catch(() => ({ rows: [] }));
      return Number(found[0]?.n ?? 0);
    };
    const child = spawn(process.execPath, ['gateway/main.ts', 'move', '--to', url], {
      cwd: root,
      env: { PATH: process.env.PATH, ...place.env },
      stdio: 'ignore',
    });
    const exited = once(child, 'exit');
    await until(async () => (await copied()) > 0);
    child.kill('SIGKILL');
    await exited;
    const before = await copied();
    assert.ok(before > 0 && before < rows, `${before} rows were copied before the kill`);
    await refused(
      wagate(place, ['serve']),
      /is being moved to postgres:\/\/.* since 20.*: finish it with wagate move --to/,
    );
    await refused(
      wagate(place, ['serve'], { DATABASE_URL: url, PORT: '0' }),
      /PostgreSQL at DATABASE_URL cannot be used: a move into it from .* has not finished; repeat wagate move there/,
    );
    await refused(
      wagate(place, ['move', '--to', await newPostgresDatabase()]),
      /is being moved to .*: name that one/,
    );
    const other = await newPlace('sqlite');
    await refused(wagate(other, ['move', '--to', url]), /holds a move of another database \(from /);
    await other.remove();
    const { stdout, stderr } = await moved(place, url);
    const already = /^messages: ([\d,]+) of 60,000 rows are there already$/m.exec(stderr);
    assert.equal(Number(already?.[1]?.replaceAll(',', '')), before);
    assert.match(stdout, /^messages +60,000 +60,000 +([0-9a-f]{16}) +\1 +equal$/m);
    await client.end();
    const again = await moved(place, url);
    assert.match(again.stderr, /It was moved there already/);
    await place.remove();
  });

  test('undone while nothing happened there: the embedded database is back, the other one is barred', async () => {
    await moved(place, url);
    const hidden = url.replace('wagate@', 'wagate:pass-word@');
    const elsewhere = await newPostgresDatabase();
    await refused(wagate(place, ['move', '--undo']), /^Give --to <URL of postgres:\/\//m);
    await refused(
      wagate(place, ['move', '--undo', '--to', elsewhere]),
      /knows of no move.*--force goes back without looking/,
    );
    const { stderr, code } = await wagate(place, ['move', '--undo', '--to', hidden]);
    assert.equal(code, 0, stderr);
    const gateway = await startGateway(place);
    await gateway.stop();
    await refused(
      wagate(place, ['serve'], { DATABASE_URL: url, PORT: '0' }),
      /a move from .* that was undone/,
    );
    await refused(wagate(place, ['move', '--to', url]), /holds a move that was undone/);
    const { stderr: told } = await moved(place, elsewhere);
    assert.ok(!existsSync(join(folderOf(place), 'move.json.new')));
    assert.ok(!told.includes('pass-word'));
    assert.equal((await wagate(place, ['move', '--undo', '--force'])).code, 0);
    assert.ok(!existsSync(join(folderOf(place), 'move.json')));
    await place.remove();
  });

  test('what cannot be moved, or not there, is refused and changes nothing', async () => {
    const moveTo = (to: string) => wagate(place, ['move', '--to', to]);
    await refused(moveTo('mysql://db/wagate'), /^--to must be a URL like postgres:\/\//m);
    await refused(wagate(place, ['move']), /^Give --to postgres:\/\/.*, or set DATABASE_URL\.$/m);
    await refused(wagate(place, ['move', '--to', url, '--force']), /--force goes with --undo only/);
    await refused(
      moveTo(`postgres://wagate:secret@127.0.0.1:${await freePort()}/wagate`),
      /^postgres:\/\/wagate@127\.0\.0\.1:\d+\/wagate cannot be used: .*ECONNREFUSED/m,
    );
    await refused(wagate(place, ['move', '--undo']), /there is nothing to undo/);

    await onPostgres(url, client => client.query('create table invoices (id bigint)'));
    await refused(
      moveTo(url),
      /is not empty: it has tables of something else \(invoices\)\. Name an empty database/,
    );
    const used = await newPostgresDatabase();
    assert.equal((await wagate(place, ['operator', 'create'], { DATABASE_URL: used })).code, 0);
    await refused(moveTo(used), /is not empty: it has rows already \(table operator_keys\)/);
    const migrated = await newPostgresDatabase();
    const elsewhere = await newPlace('sqlite');
    const running = await startGateway(elsewhere, {
      env: { DATABASE_URL: migrated, WAGATE_MODE: 'live' },
    });
    await refused(moveTo(migrated), /is not empty: a gateway runs on it/);
    await running.stop();
    await elsewhere.remove();

    const gateway = await startGateway(place);
    await refused(moveTo(migrated), /^A gateway runs on .*: stop it \(Ctrl-C or SIGTERM\), then repeat/m);
    await gateway.stop();
    assert.ok(!existsSync(join(folderOf(place), 'move.json')));
    const empty = join(folderOf(place), 'empty');
    mkdirSync(empty);
    await refused(
      wagate(place, ['move', '--to', migrated], { WAGATE_DATA: empty }),
      /^There is no database in /m,
    );
    // Only migrated, or a gateway was there and left: nothing of its own.
    await moved(place, migrated);
    await place.remove();
  });
});
