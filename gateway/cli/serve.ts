/** wagate serve: the gateway, until it is told to stop. */
import type { Command } from 'commander';
import { demoBanner } from '../demo/banner.ts';
import { watchLive } from '../demo/live-lines.ts';
import { systemClock } from '../platform/clock.ts';
import { readConfig, readEnvironment } from '../platform/config.ts';
import { type Setting, settings } from '../platform/settings.ts';
import { StartProblem } from '../platform/start-problem.ts';
import { version } from '../platform/version.ts';
import { printLine, printNote, tableLines } from './print.ts';
import type { RunningGateway, Server } from './server.ts';

/** npm passes a Ctrl-C on that the terminal has delivered already: only a later signal means "now". */
const sameSignalMs = 300;

export function addServe(program: Command, server: Server): void {
  program
    .command('serve')
    .description('start the gateway (what `npm start` does)')
    .addHelpText(
      'after',
      () => `
Without Meta credentials it starts in demo mode, with a simulator of Meta beside it. All settings are environment variables:

${settingLines().join('\n')}

Examples:
  $ wagate serve
  $ PORT=8080 WAGATE_DATA=/var/lib/wagate WAGATE_MODE=live wagate serve`,
    )
    .action(() => serve(server));
}

async function serve(server: Server): Promise<void> {
  const read = readConfig(readEnvironment());
  if ('problems' in read)
    throw new StartProblem([...read.problems, ...(await server.preflight(read.partial))]);
  const stopping = stopSignal();
  const gateway = await server.createGateway(read.config);
  // To a program that started this one over a channel: where to find it.
  process.send?.({ type: 'ready', url: gateway.url, simulatorUrl: gateway.simulatorUrl });
  const unwatch = gateway.mode === 'demo' ? showDemo(gateway) : undefined;
  await stopping;
  if (gateway.mode === 'demo') printNote('Stopping: what is in flight is finished.');
  await gateway.close();
  unwatch?.();
}

function showDemo({ url, simulatorUrl, feed, database }: RunningGateway): () => void {
  // Counted from the start of the process: it is what a person waits for.
  printLine(
    demoBanner({ url, simulatorUrl: simulatorUrl ?? '', version, startedInMs: process.uptime() * 1000 }),
  );
  return watchLive(feed, database, printLine);
}

/** Resolves at the first signal; a second one ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise(resolve => {
    let first: number | undefined;
    const stop = () => {
      first ??= systemClock.now();
      if (systemClock.now() - first > sameSignalMs) process.exit(130);
      resolve();
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
