/** wagate worker: one of the processes of `wagate serve --workers N`, which starts it. Not for people. */
import cluster from 'node:cluster';
import type { Command } from 'commander';
import { watchLive } from '../demo/live-lines.ts';
import type { Config } from '../platform/config.ts';
import { StartProblem } from '../platform/start-problem.ts';
import type { FromWorker, ToWorker } from '../platform/supervise.ts';
import { failed } from './failure.ts';
import { printLine } from './print.ts';
import type { RunningGateway, Server } from './server.ts';

export interface WorkerTask {
  config: Config;
  asWorker: Parameters<Server['createGateway']>[1];
}

export function addWorker(program: Command, server: Server): void {
  program
    .command('worker', { hidden: true })
    .description('one of the processes of `wagate serve --workers N`, which starts it')
    .action(() => work(server));
}

async function work(server: Server): Promise<void> {
  if (cluster.worker === undefined)
    throw failed('A worker is started by the gateway itself: use `wagate serve --workers N`.');
  // When its supervisor is gone Node would end it at once; it finishes what is in flight.
  cluster.worker.exitedAfterDisconnect = true;
  const stopping = stopOrder();
  try {
    const task = await Promise.race([startOrder(), stopping]);
    if (task === undefined) return;
    const gateway = await server.createGateway(task.config, task.asWorker);
    const unwatch = gateway.mode === 'demo' ? showOwn(gateway) : undefined;
    await say({ type: 'ready', url: gateway.url });
    await stopping;
    await gateway.close();
    unwatch?.();
  } catch (error) {
    if (!(error instanceof StartProblem)) throw error;
    // For the supervisor to print, once.
    await say({ type: 'problems', problems: error.problems });
  } finally {
    // The channel would keep this process.
    if (process.connected) process.disconnect();
  }
}

/** Each worker shows what it changed itself: together that is everything, once. */
const showOwn = ({ feed, database }: RunningGateway) => watchLive(feed, 'us', database, printLine);

function startOrder(): Promise<WorkerTask> {
  return new Promise(resolve => {
    process.on('message', (message: ToWorker<WorkerTask>) => {
      if (message.type === 'start') resolve(message.task);
    });
    void say({ type: 'waiting' });
  });
}

/** From the supervisor, by its end, or by a signal to this process alone, which is then replaced. */
function stopOrder(): Promise<undefined> {
  return new Promise(resolve => {
    const stop = () => resolve(undefined);
    // Also when the terminal tells every process of its group: the supervisor says when it is to be at once.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
    process.once('disconnect', stop);
    process.on('message', (message: ToWorker<WorkerTask>) => {
      if (message.type === 'stop') stop();
    });
  });
}

function say(message: FromWorker): Promise<void> {
  return new Promise(resolve => {
    if (process.connected) process.send?.(message, () => resolve());
    else resolve();
  });
}
