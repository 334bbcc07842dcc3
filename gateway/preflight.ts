/** What would stop the start, looked for before anything is opened, so that all problems are told at once. */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, resolve } from 'node:path';
import type { Config } from './platform/config.ts';

/** One sentence for each problem. Takes what could be read of the settings. */
export async function preflight(config: Partial<Config>): Promise<string[]> {
  const problems = [folderProblem(config.dataFolder), workersProblem(config)];
  const { port, host, simulatorPort } = config;
  if (port !== undefined) problems.push(await portProblem('PORT', port, host ?? '127.0.0.1'));
  if (simulatorPort !== undefined && config.mode === 'demo') {
    problems.push(await portProblem('SIMULATOR_PORT', simulatorPort, '127.0.0.1'));
  }
  if (config.mode === 'demo' && host !== undefined && !isLoopback(host)) {
    problems.push(
      `HOST is ${host}, but demo mode has published keys and listens on loopback only: unset HOST or WAGATE_MODE.`,
    );
  }
  return problems.filter(problem => problem !== undefined);
}

const workersMax = 128;

function workersProblem({ workers = 1, databaseUrl }: Partial<Config>): string | undefined {
  if (workers > workersMax)
    return `WAGATE_WORKERS is ${workers}, and ${workersMax} is the most: one for each core is enough.`;
  if (workers === 1 || databaseUrl !== null) return undefined;
  return `${workers} workers are wanted, and the embedded database is for one process: set DATABASE_URL to a PostgreSQL database, or start with one worker.`;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

function folderProblem(folder: string | undefined): string | undefined {
  if (folder === undefined) return undefined;
  try {
    makeFolder(resolve(folder));
    accessSync(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code;
    return `WAGATE_DATA folder ${folder} cannot be written (${reason}): make it writable or name another folder.`;
  }
}

/** Node's own recursive mkdir never returns below /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  // It will hold messages and secrets.
  mkdirSync(folder, { mode: 0o700 });
}

/** Port 0 stands for any free one; several processes have to agree on which. */
export function agreedPort(port: number, host: string): Promise<number> {
  if (port !== 0) return Promise.resolve(port);
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, host, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

export function portProblem(setting: string, port: number, host: string): Promise<string | undefined> {
  return new Promise(resolve => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      resolve(
        error.code === 'EADDRINUSE'
          ? `${setting} ${port} is in use on ${host}: stop the program that listens there or set ${setting} to a free port.`
          : `${setting} ${port} cannot be listened on at ${host} (${error.code}).`,
      );
    });
    probe.listen(port, host, () => probe.close(() => resolve(undefined)));
  });
}
