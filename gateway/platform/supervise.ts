/**
 * Keeps worker processes running that listen on one port together (node:cluster): starts them, replaces one that ends, ends them all.
 * A worker is told its task over its channel and answers `ready` or `problems`; it ends by itself when the channel does.
 */
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from './clock.ts';
import { closeForgotten } from './handed-over.ts';
import type { Log } from './log.ts';
import { StartProblem } from './start-problem.ts';

/** From the supervisor to a worker. */
export type ToWorker<Task> = { type: 'start'; task: Task } | { type: 'stop' };
/** From a worker to the supervisor. */
export type FromWorker =
  | { type: 'waiting' }
  | { type: 'ready'; url: string }
  /** It cannot start, and why. */
  | { type: 'problems'; problems: string[] };

export interface SuperviseOptions<Task> {
  count: number;
  /** Arguments of this program that make it a worker. */
  args: string[];
  /** What a worker has to do. The first one is alone until it is ready. */
  task(isFirst: boolean): Task;
  log: Log;
}

export interface Supervisor {
  url: string;
  /** Resolves when no worker is left and none can be started; never otherwise. */
  failed: Promise<StartProblem>;
  /** Ends all; false when one did not end well. */
  stop(): Promise<boolean>;
}

/** Failed starts in a row after which it is given up, if no worker is left. */
const failuresMax = 5;
const pauseFirstMs = 250;
const pauseMostMs = 10_000;
/** A worker that has run for so long ended by accident; one that ends sooner may end so each time. */
const provenMs = 10_000;

/** Resolves when all workers are ready; throws `StartProblem` when one cannot start. */
export async function supervise<Task>({
  count,
  args,
  task,
  log,
}: SuperviseOptions<Task>): Promise<Supervisor> {
  const stopping = new AbortController();
  const running = new Set<Worker>();
  const ready = new Set<Worker>();
  let endedWell = true;
  let giveUp: (problem: StartProblem) => void = () => undefined;
  const failed = new Promise<StartProblem>(resolve => (giveUp = resolve));
  cluster.setupPrimary({ args });

  async function start(isFirst: boolean): Promise<{ worker: Worker; url: string }> {
    const worker = cluster.fork();
    closeForgotten(worker);
    running.add(worker);
    const ended = once(worker, 'exit').then(([code, signal]: unknown[]) => {
      running.delete(worker);
      ready.delete(worker);
      if (stopping.signal.aborted && code !== 0) {
        endedWell = false;
        log.error({ pid: worker.process.pid, code, signal }, 'a worker did not end well');
      }
      return `it ended with ${signal ?? `code ${String(code)}`}`;
    });
    const url = await new Promise<string>((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'waiting') send(worker, { type: 'start', task: task(isFirst) });
        else if (message.type === 'ready') resolve(message.url);
        else if (message.type === 'problems') reject(new StartProblem(message.problems));
      });
      void ended.then(how => reject(new StartProblem([`A worker could not start: ${how}.`])));
    });
    ready.add(worker);
    return { worker, url };
  }

  /** Keeps one place filled until the stop. */
  async function keep(worker: Worker): Promise<void> {
    let startedAt = systemClock.now();
    let current: Worker | undefined = worker;
    let failures = 0;
    while (!stopping.signal.aborted) {
      if (current !== undefined) {
        await ended(current);
        if (stopping.signal.aborted) return;
        failures = systemClock.now() - startedAt < provenMs ? failures + 1 : 0;
        log.warn({ pid: current.process.pid }, 'a worker ended; another takes its place');
      }
      if (failures > 0)
        await sleep(Math.min(pauseFirstMs * 2 ** (failures - 1), pauseMostMs), undefined, {
          signal: stopping.signal,
        }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      startedAt = systemClock.now();
      current = await start(false).then(
        started => started.worker,
        (error: Error) => {
          failures++;
          if (!stopping.signal.aborted) log.error({ err: error, failures }, 'a worker could not start');
          if (failures >= failuresMax && ready.size === 0) giveUp(asProblem(error));
          return undefined;
        },
      );
    }
  }

  async function stop(): Promise<boolean> {
    stopping.abort();
    const all = [...running];
    for (const worker of all) send(worker, { type: 'stop' });
    await Promise.all(all.map(ended));
    return endedWell;
  }

  // Told a second time to stop, nobody waits for what is in flight.
  process.once('exit', () => {
    if (!stopping.signal.aborted) return;
    for (const worker of running) worker.process.kill('SIGKILL');
  });
  try {
    const first = await start(true);
    const others = await Promise.all(Array.from({ length: count - 1 }, () => start(false)));
    for (const { worker } of [first, ...others])
      void keep(worker).catch((error: Error) => giveUp(asProblem(error)));
    return { url: first.url, failed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const asProblem = (error: Error) =>
  error instanceof StartProblem ? error : new StartProblem([`A worker could not start: ${error.message}.`]);

async function ended(worker: Worker): Promise<void> {
  if (!worker.isDead()) await once(worker, 'exit');
}

/** One that is ending has no channel any more. */
function send<Task>(worker: Worker, message: ToWorker<Task>): void {
  if (worker.isConnected()) worker.send(message, () => undefined);
}
