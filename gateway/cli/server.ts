/** What commands need of the composition root; main.ts loads it for those that do, so that the others start at once. */
import type { examine } from '../doctor.ts';
import type { createGateway, Gateway } from '../gateway.ts';
import type { openDatabase } from '../groundwork.ts';
import type { preflight } from '../preflight.ts';
import type { prepareWorkers } from '../prepare-workers.ts';

export type RunningGateway = Gateway;

export interface Server {
  createGateway: typeof createGateway;
  prepareWorkers: typeof prepareWorkers;
  preflight: typeof preflight;
  openDatabase: typeof openDatabase;
  examine: typeof examine;
}
