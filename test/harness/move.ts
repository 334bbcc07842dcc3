/** `wagate move` as a shell runs it, and a look at both sides. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import type { Place } from './programs.ts';

const root = join(import.meta.dirname, '..', '..');

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** The command as a shell runs it, on the folder of the place. */
export function wagate(place: Place, args: string[], env: Record<string, string> = {}): Promise<Ended> {
  return new Promise(resolve => {
    const child = execFile(
      process.execPath,
      ['wagate.js', ...args],
      { cwd: root, env: { PATH: process.env.PATH, ...place.env, ...env } },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

export async function moved(place: Place, to: string): Promise<Ended> {
  const ended = await wagate(place, ['move', '--to', to]);
  assert.equal(ended.code, 0, ended.stderr);
  return ended;
}

export async function refused(ended: Promise<Ended>, sentence: RegExp, code = 2): Promise<void> {
  const { code: got, stderr, stdout } = await ended;
  assert.match(stderr, sentence);
  assert.equal(got, code, stderr);
  assert.equal(code === 2 ? stdout : '', '');
}

export async function onPostgres<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

export const folderOf = (place: Place) => place.env.WAGATE_DATA!;
export const openFile = (place: Place) => new DatabaseSync(join(folderOf(place), 'wagate.db'));
