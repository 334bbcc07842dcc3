/** What commands need of the composition root; main.ts loads it for those that do, so that the others start at once. */
import type { createGateway, Gateway, openDatabase, prepareWorkers } from '../gateway.ts';
import type { preflight } from '../preflight.ts';

export type RunningGateway = Gateway;

export interface Server {
  createGateway: typeof createGateway;
  prepareWorkers: typeof prepareWorkers;
  preflight: typeof preflight;
  openDatabase: typeof openDatabase;
}
