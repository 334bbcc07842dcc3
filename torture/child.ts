/** Real programs as children, by pid. What a child writes goes to a file, for whoever asks why. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const root = join(import.meta.dirname, '..');

export interface Child {
  pid: number;
  /** Resolves when it says where it listens; rejects when it ends before that. */
  ready: Promise<string>;
  /** How it ended: an exit code or a signal. */
  ended: Promise<string>;
  signal(signal: NodeJS.Signals): void;
}

export function startChild(
  program: string,
  args: string[],
  env: Record<string, string>,
  logFile: string,
): Child {
  const log = openSync(logFile, 'a');
  const child = fork(join(root, program), args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const ended = once(child, 'exit').then(([code, signal]) => String(signal ?? `code ${code}`));
  const ready = Promise.race([
    firstMessage(child),
    ended.then(how => Promise.reject(new Error(`${program} ended before it was ready: ${how}`))),
  ]);
  // Whoever kills a child before it is ready does not wait for it.
  ready.catch(() => undefined);
  return { pid: child.pid!, ready, ended, signal: signal => void child.kill(signal) };
}

async function firstMessage(child: ChildProcess): Promise<string> {
  const [message] = (await once(child, 'message')) as [{ url?: string; port?: number }];
  return message.url ?? `http://127.0.0.1:${message.port}`;
}

/** Whether `wagate doctor` finds that the money adds up. Its other checks may fail: the clock, for one, was set on purpose. */
export async function provesMoney(env: Record<string, string>): Promise<boolean> {
  const child = spawn(process.execPath, [join(root, 'wagate.js'), 'doctor', '--json'], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [out] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  const findings = JSON.parse(out) as { check: string; state: string }[];
  return (
    findings.some(({ check }) => check === 'money') &&
    findings.every(({ check, state }) => check !== 'money' || state === 'ok')
  );
}

/** The end of a log: what a child said last. */
export function lastWords(logFile: string, length = 2_000): string {
  return readFileSync(logFile, 'utf8').slice(-length);
}
