/**
 * A PostgreSQL server of our own for the tests: in a temporary folder, on a Unix socket and a free loopback port, ended with the tests.
 * TEST programs are looked for where Debian and Homebrew put them; without any, tests that need it are skipped visibly,
 * or fail when WAGATE_TEST_REQUIRE says so.
 */
import { execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

export interface PostgresServer {
  /** A new empty database; its URL. */
  createDatabase(name: string): Promise<string>;
  stop(): Promise<void>;
}

export function findPostgres(): string | undefined {
  const folders = [
    ...versions('/usr/lib/postgresql').map(version => `/usr/lib/postgresql/${version}/bin`),
    ...versions('/opt/homebrew/opt')
      .filter(name => name.startsWith('postgresql'))
      .map(name => `/opt/homebrew/opt/${name}/bin`),
    ...(process.env.PATH ?? '').split(':'),
  ];
  return folders.find(folder => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

const versions = (folder: string) => (existsSync(folder) ? readdirSync(folder).sort().reverse() : []);

/** `settings`: further ones, as `name=value`. */
export async function startPostgres(programs: string, settings: string[] = []): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'wagate-pg-'));
  const data = join(folder, 'data');
  // PostgreSQL refuses to run as root; Debian's package brings its own user.
  const owner: { uid?: number; gid?: number } = process.getuid?.() === 0 ? userIds('postgres') : {};
  if (owner.uid !== undefined) execFileSync('chown', [`${owner.uid}:${owner.gid}`, folder]);
  chmodSync(folder, 0o755);
  execFileSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'wagate', '--auth=trust', '-E', 'UTF8', '--no-locale', '-N'],
    {
      ...owner,
      stdio: 'pipe',
    },
  );
  const port = await freePort();
  const child = spawn(
    join(programs, 'postgres'),
    [
      '-D',
      data,
      '-p',
      String(port),
      '-k',
      folder,
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'max_connections=200',
      ...settings.flatMap(setting => ['-c', setting]),
    ],
    { ...owner, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    let output = '';
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('ready to accept connections')) resolve();
    });
    void exited.then(() => reject(new Error(`PostgreSQL did not start: ${output}`)));
  });
  const url = (name: string) => `postgres://wagate@127.0.0.1:${port}/${name}`;
  return {
    async createDatabase(name) {
      const client = new pg.Client({ connectionString: url('postgres') });
      await client.connect();
      await client.query(`create database ${pg.escapeIdentifier(name)}`);
      await client.end();
      return url(name);
    },
    async stop() {
      child.kill('SIGQUIT');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function userIds(name: string): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/**
 * A port that nobody listens on. Below those the system gives to outgoing connections (from 32768 on Linux): between here and the
 * program that is to listen, a connection of another test could take one of them.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer().once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
