/** What is done once for all workers of one machine, so that they do not race. */

import type { Shared } from './gateway.ts';
import {
  chooseMode,
  closeAll,
  type Mode,
  openDatabase,
  openLog,
  openSeal,
  openSimulator,
  orClose,
} from './groundwork.ts';
import type { Config } from './platform/config.ts';
import { createLog, type Log } from './platform/log.ts';
import { StartProblem } from './platform/start-problem.ts';
import { agreedPort, preflight } from './preflight.ts';

/** Settings checked, schema and master key made, port and mode chosen, the simulator started. */
export async function prepareWorkers(
  config: Config,
): Promise<{ shared: Shared; config: Config; log: Log; close(): Promise<void> }> {
  const problems = await preflight(config);
  if (problems.length > 0) throw new StartProblem(problems);
  const database = await openDatabase(config, createLog('silent', null));
  let mode: Mode;
  try {
    mode = await chooseMode(config, database);
    await openSeal(config, database);
  } finally {
    await database.close();
  }
  const log = openLog(config, mode);
  return orClose(async closing => {
    const simulatorUrl = mode === 'demo' ? await openSimulator(config, log, closing) : null;
    const port = await agreedPort(config.port, config.host);
    const shared = { mode, simulatorUrl };
    return { shared, config: { ...config, port }, log, close: () => closeAll(closing) };
  });
}
