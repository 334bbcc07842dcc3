/** What would stop the start, looked for before anything is opened, so that all problems are told at once. */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, resolve } from 'node:path';
import type { Config } from './platform/config.ts';

/** One sentence for each problem. Takes what could be read of the settings. */
export async function preflight(config: Partial<Config>): Promise<string[]> {
  const problems = [folderProblem(config.dataFolder)];
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
