/** Programs of the bench as processes of their own, spoken to over a channel; each ends with the channel, however that ends. */
import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const root = join(import.meta.dirname, '..');
const answerTimeoutMs = 180_000;

export interface Ready {
  type: 'ready';
  url?: string;
}

export interface Child {
  pid: number;
  url: string;
  /** One question at a time: the next message is its answer. */
  ask<T>(question: object): Promise<T>;
  stop(): Promise<void>;
}

/** `program` is a path below the repository's root. Resolves when the program says that it is ready. */
export async function startChild(
  program: string,
  args: string[] = [],
  options: Pick<ForkOptions, 'env' | 'execArgv'> = {},
): Promise<Child> {
  const child = fork(join(root, program), args, {
    // Settings of the shell that starts the bench must not reach what is measured.
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    ...options,
  });
  let complaints = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-10_000);
  });
  const answer = () => nextMessage(child, () => `${program}: ${complaints}`);
  const ready = (await answer()) as Ready;
  return {
    pid: child.pid!,
    url: ready.url ?? '',
    async ask<T>(question: object) {
      const answered = answer();
      child.send(question);
      return (await answered) as T;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const left = sleep(20_000, 'late', { ref: false });
      if ((await Promise.race([exited, left])) !== 'late') return;
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function nextMessage(child: ChildProcess, story: () => string): Promise<unknown> {
  const done = new AbortController();
  const { signal } = done;
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([message]: unknown[]) => message),
      once(child, 'exit', { signal }).then(([code]) => {
        throw new Error(`ended with code ${String(code)}. ${story()}`);
      }),
      sleep(answerTimeoutMs, undefined, { signal, ref: false }).then(() => {
        throw new Error(`no answer in ${answerTimeoutMs} ms. ${story()}`);
      }),
    ]);
  } finally {
    done.abort();
  }
}

/** The other end: answers questions until the channel ends. */
export function serveParent(ready: Omit<Ready, 'type'>, answer: (question: never) => unknown): void {
  process.on('message', question => {
    void Promise.resolve(answer(question as never)).then(
      result => process.send?.(result ?? {}),
      error => {
        console.error(error);
        process.exit(1);
      },
    );
  });
  process.once('disconnect', () => process.exit(0));
  process.send?.({ type: 'ready', ...ready });
}

/** A clock that all processes of the machine have in common, finer than Date's. */
export const sharedMs = () => performance.timeOrigin + performance.now();

/** Processor time a process has used, in microseconds; undefined where the system does not tell (no Linux). */
export function cpuUs(pid: number): number | undefined {
  const ticksUs = 10_000;
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * ticksUs;
}

export function rssMb(pid: number): number | undefined {
  const kb = /^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1];
  return kb === undefined ? undefined : Math.round(Number(kb) / 1024);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
