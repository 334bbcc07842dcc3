/** The watcher sees what every process of a run executes, also one that is killed, or started with an environment of its own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { readSeen } from './seen.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'wagate-watch-'));
});
after(() => rmSync(folder, { recursive: true }));

/** Runs a program under a watcher of its own; resolves with how it ended. */
async function run(program: string, env: NodeJS.ProcessEnv = {}): Promise<number | string> {
  const watch = pathToFileURL(join(import.meta.dirname, 'watch.ts'));
  watch.searchParams.set('folder', folder);
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: import.meta.dirname,
    env: { PATH: process.env.PATH, NODE_OPTIONS: `--import ${watch.href}`, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return code ?? signal ?? '';
}

test('a child with an empty environment, killed as soon as it has asked', async () => {
  const child = `
    const { DatabaseSync } = await import('node:sqlite');
    const database = new DatabaseSync(':memory:');
    database.exec('select 1 as executed');
    database.prepare('select ?1 as prepared').all('x');
    process.kill(process.pid, 'SIGKILL');`;
  const parent = `
    import { spawn } from 'node:child_process';
    const child = spawn(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(child)}], { env: {} });
    child.once('exit', (code, signal) => process.exit(signal === 'SIGKILL' ? 0 : 1));`;
  assert.equal(await run(parent), 0);
  assert.deepEqual([...(readSeen(folder).get('sqlite') ?? [])].sort(), [
    'select $1 as prepared',
    'select 1 as executed',
  ]);
});

const url = process.env.WAGATE_TEST_POSTGRES;
test('every form in which pg takes a query', {
  skip: url === undefined && 'no PostgreSQL server program found',
}, async () => {
  const program = `
    import pg from 'pg';
    const pool = new pg.Pool({ connectionString: process.env.URL });
    await pool.query('select 1 as plain');
    const client = await pool.connect();
    await client.query('select $1 as listed', ['x']);
    await client.query({ text: 'select $1 as object', values: ['x'] });
    await client.query({ name: 'n', text: 'select $1 as named', values: ['x'] });
    await Promise.all([client.query('select 1 as ahead'), client.query('select 2 as behind')]);
    await new Promise((resolve, reject) => client.query(new pg.Query('select 1 as own', (error) => error ? reject(error) : resolve())));
    client.release();
    await pool.end();`;
  assert.equal(await run(program, { URL: url }), 0);
  assert.deepEqual([...(readSeen(folder).get('postgres') ?? [])].sort(), [
    'select $1 as listed',
    'select $1 as named',
    'select $1 as object',
    'select 1 as ahead',
    'select 1 as own',
    'select 1 as plain',
    'select 2 as behind',
  ]);
});
