/** A PostgreSQL server that can crash and come back: the same folder and port each time. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { findPostgres, freePort } from '../test/harness/postgres.ts';

export interface MortalPostgres {
  url: string;
  /** SIGQUIT is a crash (nothing is flushed, the log is replayed), SIGINT an orderly stop that cuts every connection. */
  stop(signal: 'SIGQUIT' | 'SIGINT'): Promise<void>;
  start(): Promise<void>;
}

export async function createMortalPostgres(folder: string): Promise<MortalPostgres> {
  const programs = findPostgres();
  if (programs === undefined)
    throw new Error('no PostgreSQL server program found (Debian: apt-get install postgresql)');
  const data = join(folder, 'data');
  mkdirSync(folder, { recursive: true });
  const owner = postgresUser();
  if (owner.uid !== undefined) execFileSync('chown', [`${owner.uid}:${owner.gid}`, folder]);
  chmodSync(folder, 0o755);
  const setup = ['-D', data, '-U', 'wagate', '--auth=trust', '-E', 'UTF8', '--no-locale', '-N'];
  execFileSync(join(programs, 'initdb'), setup, { ...owner, stdio: 'pipe' });
  const port = await freePort();
  const url = `postgres://wagate@127.0.0.1:${port}/postgres`;
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    if (child !== undefined) return;
    const settings = [
      'listen_addresses=127.0.0.1',
      'max_connections=100',
      'deadlock_timeout=200ms',
      'max_wal_size=64MB',
    ];
    child = spawn(
      join(programs!, 'postgres'),
      ['-D', data, '-p', String(port), '-k', folder, ...settings.flatMap(setting => ['-c', setting])],
      { ...owner, stdio: 'ignore' },
    );
    const started = child;
    // Without room for its log it ends by itself.
    started.once('exit', () => {
      if (child === started) child = undefined;
    });
    for (const until = Date.now() + 15_000; !(await answers(url)); await sleep(30))
      if (Date.now() > until) throw new Error('PostgreSQL did not come up');
  }

  await start();
  return {
    url,
    start,
    async stop(signal) {
      const stopped = child;
      child = undefined;
      if (stopped === undefined || stopped.exitCode !== null) return;
      const exited = once(stopped, 'exit');
      stopped.kill(signal);
      await exited;
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

/** PostgreSQL refuses to run as root; Debian's package brings a user of its own. */
function postgresUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
