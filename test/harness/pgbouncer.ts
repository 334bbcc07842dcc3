/**
 * A pgbouncer of our own in transaction mode, in front of a test database. Without the program the tests that need it are skipped
 * visibly, or fail when WAGATE_TEST_REQUIRE says so.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from './postgres.ts';

export interface Pooler {
  /** The database, through the pooler. */
  url: string;
  stop(): Promise<void>;
}

export function findPgbouncer(): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/opt/homebrew/bin'];
  const program = folders.map(folder => join(folder, 'pgbouncer')).find(path => existsSync(path));
  if (program === undefined && process.env.WAGATE_TEST_REQUIRE?.includes('pgbouncer'))
    throw new Error('pgbouncer is required (WAGATE_TEST_REQUIRE), but the program was not found.');
  return program;
}

/** `poolSize`: connections to the server that all clients share. */
export async function startPgbouncer(
  program: string,
  databaseUrl: string,
  poolSize: number,
): Promise<Pooler> {
  const { hostname, port: serverPort, username, pathname } = new URL(databaseUrl);
  const folder = mkdtempSync(join(tmpdir(), 'wagate-pooler-'));
  chmodSync(folder, 0o755);
  const port = await freePort();
  const users = join(folder, 'users.txt');
  const config = join(folder, 'pgbouncer.ini');
  writeFileSync(users, `"${username}" ""\n`);
  writeFileSync(
    config,
    `[databases]
* = host=${hostname} port=${serverPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 500
`,
  );
  const child = spawn(program, ['--quiet', config], {
    // It refuses to run as root.
    ...(process.getuid?.() === 0 ? userIds('postgres') : {}),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-10_000)));
  const exited = once(child, 'exit');
  const url = `postgres://${username}@127.0.0.1:${port}${pathname}`;
  while (!(await answers(url))) {
    if (child.exitCode !== null) throw new Error(`pgbouncer did not start: ${output}`);
    await sleep(20);
  }
  return {
    url,
    async stop() {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(late);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

function userIds(name: string): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
