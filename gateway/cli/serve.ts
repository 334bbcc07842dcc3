/** wagate serve: the gateway, until it is told to stop. */
import type { Command } from 'commander';
import { demoBanner } from '../demo/banner.ts';
import { watchLive } from '../demo/live-lines.ts';
import { systemClock } from '../platform/clock.ts';
import { type Config, readConfig, readEnvironment } from '../platform/config.ts';
import { type Setting, settings } from '../platform/settings.ts';
import { StartProblem } from '../platform/start-problem.ts';
import { version } from '../platform/version.ts';
import { printLine, printNote, tableLines } from './print.ts';
import type { Server } from './server.ts';
import { wholeNumber } from './whole-number.ts';
import { startWorkers, type Workers } from './workers.ts';

/** npm passes a Ctrl-C on that the terminal has delivered already: only a later signal means "now". */
const sameSignalMs = 300;

export function addServe(program: Command, server: Server): void {
  program
    .command('serve')
    .description('start the gateway (what `npm start` does)')
    .option('--workers <n>', 'processes to start, one for each core it may use (WAGATE_WORKERS)', wholeNumber)
    .addHelpText(
      'after',
      () => `
Without Meta credentials it starts in demo mode, with a simulator of Meta beside it. All settings are environment variables:

${settingLines().join('\n')}

Examples:
  $ wagate serve
  $ PORT=8080 WAGATE_DATA=/var/lib/wagate WAGATE_MODE=live wagate serve
  $ DATABASE_URL=postgres://wagate@db/wagate wagate serve --workers 4`,
    )
    .action(({ workers }: { workers?: number }) => serve(server, workers));
}

async function serve(server: Server, workers: number | undefined): Promise<void> {
  const flags = workers === undefined ? {} : { WAGATE_WORKERS: String(workers) };
  const read = readConfig({ ...readEnvironment(), ...flags });
  if ('problems' in read)
    throw new StartProblem([...read.problems, ...(await server.preflight(read.partial))]);
  const stopping = stopSignal();
  const serving = read.config.workers === 1 ? alone(server, read.config) : startWorkers(server, read.config);
  const { url, mode, simulatorUrl, failed, close } = await serving;
  // To a program that started this one over a channel: where to find it.
  process.send?.({ type: 'ready', url, simulatorUrl });
  // The time is counted from the start of the process: it is what a person waits for.
  const startedInMs = process.uptime() * 1000;
  if (mode === 'demo') printLine(demoBanner({ url, simulatorUrl: simulatorUrl ?? '', version, startedInMs }));
  const problem = await Promise.race([stopping, failed]);
  if (mode === 'demo') printNote('Stopping: what is in flight is finished.');
  await close();
  if (problem !== undefined) throw problem;
}

async function alone(server: Server, config: Config): Promise<Workers> {
  const gateway = await server.createGateway(config);
  const { mode, feed, database } = gateway;
  const unwatch = mode === 'demo' ? watchLive(feed, 'anyone', database, printLine) : undefined;
  return {
    ...gateway,
    failed: new Promise(() => undefined),
    async close() {
      await gateway.close();
      unwatch?.();
    },
  };
}

/** Resolves at the first signal; a second one ends the process at once. */
function stopSignal(): Promise<undefined> {
  return new Promise(resolve => {
    let first: number | undefined;
    const stop = () => {
      first ??= systemClock.now();
      if (systemClock.now() - first > sameSignalMs) process.exit(130);
      resolve(undefined);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
    // Started by an older Node over a channel (wagate.js): does not outlive it.
    process.once('disconnect', stop);
    // The channel alone is no reason to stay.
    process.channel?.unref();
  });
}

function settingLines(): string[] {
  const rows = Object.values<Setting>(settings).map(({ env, default: value, about }) => [
    `  ${env}`,
    value === null ? '' : `[${value}]`,
    about,
  ]);
  return tableLines(rows);
}
