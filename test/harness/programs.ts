/** Starts the real programs and speaks to them over HTTP, as a stranger would. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newPostgresDatabase } from './engines.ts';
import { assertPlaceAddsUp } from './prove-money.ts';
import { copySqliteTemplate } from './templates.ts';

const root = join(import.meta.dirname, '..', '..');

export interface Program {
  url: string;
  /** Of the simulator that demo mode started. */
  simulatorUrl: string;
  output(): string;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL: no last words. */
  kill(): Promise<void>;
}

export interface StartedProgram extends Program {
  /** Resolves with the exit code when it has ended, for whatever reason. */
  ended: Promise<number | null>;
}

export type Engine = 'sqlite' | 'postgres';

export interface GatewayOptions {
  env?: Record<string, string>;
  /** Folder of another version of the programs; this tree by default. */
  tree?: string;
}

/** Where a gateway keeps its data, so that it can be started again on the same. */
export interface Place {
  env: Record<string, string>;
  /** When nobody uses it any more; fails when its money does not add up. */
  remove(): Promise<void>;
  /** The same without a look at the money: for rows that were invented. */
  discard(): Promise<void>;
}

/** `migrated`: the schema is there, as after `wagate migrate`; else there is nothing. */
export async function newPlace(engine: Engine, { migrated = true } = {}): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'wagate-place-'));
  const env: Record<string, string> = { WAGATE_DATA: folder };
  if (engine === 'postgres') env.DATABASE_URL = await newPostgresDatabase({ migrated });
  else if (migrated) copySqliteTemplate(join(folder, 'wagate.db'));
  const discard = async () => rmSync(folder, { recursive: true, force: true });
  return {
    env,
    async remove() {
      try {
        await assertPlaceAddsUp(env);
      } finally {
        await discard();
      }
    },
    discard,
  };
}

/** `wagate serve`, ready. Ports are free ones unless `env` names them. */
export function startGateway(
  place: Pick<Place, 'env'>,
  { env = {}, tree = root }: GatewayOptions = {},
): Promise<StartedProgram> {
  return start(join(tree, 'wagate.js'), ['serve'], {
    PORT: '0',
    SIMULATOR_PORT: '0',
    WAGATE_MODE: 'demo',
    ...place.env,
    ...env,
  });
}

export function startSimulator(): Promise<Program> {
  return start(join(root, 'simulator/main.ts'), ['--port', '0', '--quiet'], {});
}

async function start(program: string, args: string[], env: Record<string, string>): Promise<StartedProgram> {
  const child = fork(program, args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-200_000);
    });
  }
  const ended = once(child, 'exit').then(([code]: unknown[]) => code as number | null);
  const ready = await Promise.race([firstMessage(child), once(child, 'exit').then(() => undefined)]);
  if (ready === undefined) throw new Error(`${program} ended with code ${child.exitCode}:\n${output}`);
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
    return child.exitCode;
  };
  return {
    url: ready.url ?? `http://127.0.0.1:${ready.port}`,
    simulatorUrl: ready.simulatorUrl ?? '',
    output: () => output,
    ended,
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
  };
}

interface Ready {
  type: 'ready';
  url?: string;
  port?: number;
  simulatorUrl?: string;
}

async function firstMessage(child: ChildProcess): Promise<Ready> {
  const [message] = (await once(child, 'message')) as [Ready];
  return message;
}

export interface Answer<T = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: T;
  text: string;
}

export interface Call {
  method?: string;
  key?: string;
  headers?: Record<string, string>;
  body?: unknown;
}

/** One HTTP request; a body that is no text travels as JSON. `body` of the answer is its JSON, else its text. */
export async function call<T = Record<string, unknown>>(url: string, options: Call = {}): Promise<Answer<T>> {
  const { key, body } = options;
  const response = await fetch(url, {
    method: options.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined || body instanceof FormData || body instanceof URLSearchParams
        ? {}
        : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(body === undefined
      ? {}
      : {
          body:
            typeof body === 'string' || body instanceof FormData || body instanceof URLSearchParams
              ? body
              : JSON.stringify(body),
        }),
  });
  const text = await response.text();
  let json: unknown = text;
  try {
    json = JSON.parse(text);
  } catch {
    // Not JSON: the text is the body.
  }
  return { status: response.status, headers: response.headers, body: json as T, text };
}
