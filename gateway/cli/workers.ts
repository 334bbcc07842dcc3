/** `wagate serve --workers N`: what N processes have in common is made here, and they are kept running. */
import type { Config } from '../platform/config.ts';
import type { StartProblem } from '../platform/start-problem.ts';
import { supervise } from '../platform/supervise.ts';
import { failed as failure } from './failure.ts';
import type { RunningGateway, Server } from './server.ts';
import type { WorkerTask } from './worker.ts';

export interface Workers extends Pick<RunningGateway, 'url' | 'mode' | 'simulatorUrl' | 'close'> {
  /** Resolves when no worker can be kept running. */
  failed: Promise<StartProblem>;
}

/** Throws `StartProblem` with all that a person has to put right. */
export async function startWorkers(server: Server, wanted: Config): Promise<Workers> {
  const { shared, config, log, close } = await server.prepareWorkers(wanted);
  const supervisor = await supervise<WorkerTask>({
    count: config.workers,
    args: ['worker'],
    task: isFirst => ({ config, asWorker: { ...shared, seedsDemo: isFirst } }),
    log,
  }).catch(async error => {
    await close();
    throw error;
  });
  const { url, failed } = supervisor;
  log.info({ url, mode: shared.mode, engine: 'postgres', workers: config.workers }, 'ready');
  return {
    ...{ url, failed, mode: shared.mode, simulatorUrl: shared.simulatorUrl },
    async close() {
      const well = await supervisor.stop();
      await close();
      if (!well) throw failure('A worker did not end well; the log tells which.');
    },
  };
}
