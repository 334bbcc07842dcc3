/** wagate simulate: Meta, played by us, as a program of its own. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { Command } from 'commander';
import { failed } from './failure.ts';

const program = join(import.meta.dirname, '..', '..', 'simulator', 'main.ts');

export function addSimulate(commands: Command): void {
  commands
    .command('simulate')
    .description('start the simulator of Meta alone')
    .option('--port <port>', 'port to listen on (SIMULATOR_PORT; default 4000)')
    .option('--host <host>', 'address to listen on (SIMULATOR_HOST; default 127.0.0.1)')
    .option('--quiet', 'do not say where it listens')
    .addHelpText(
      'after',
      '\nA gateway is pointed at it with META_GRAPH_URL.\n\nExample:\n  $ wagate simulate --port 4001',
    )
    .action(async ({ port, host, quiet }: { port?: string; host?: string; quiet?: boolean }) => {
      const flags = [
        ...(port === undefined ? [] : ['--port', port]),
        ...(host === undefined ? [] : ['--host', host]),
        ...(quiet === true ? ['--quiet'] : []),
      ];
      // A channel, so that it never outlives this process; in a group of its own, so that Ctrl-C reaches it once.
      const child = fork(program, flags, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], detached: true });
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
        process.on(signal, () => child.kill('SIGTERM'));
      const code = await new Promise<number>(resolve => child.once('exit', status => resolve(status ?? 1)));
      if (code !== 0) throw failed('The simulator ended.');
    });
}
