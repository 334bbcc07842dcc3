/** The measurements by name, in the order they run. Each cleans up what it started. */
import type { Bench, Figure } from '../figure.ts';
import { accept } from './accept.ts';
import { announce } from './announce.ts';
import { broadcast } from './broadcast.ts';
import { dead } from './dead.ts';
import { dispatch } from './dispatch.ts';
import { growth } from './growth.ts';
import { imports } from './import.ts';
import { inbound } from './inbound.ts';
import { numbers } from './numbers.ts';
import { pace } from './pace.ts';
import { policy } from './policy.ts';
import { send } from './send.ts';
import { slow } from './slow.ts';
import { start } from './start.ts';
import { webhooks } from './webhooks.ts';

export interface Measurement {
  run(bench: Bench): Promise<Figure[]>;
  /** Also with several processes on one database, where the engine allows that. */
  scales?: true;
}

export const measurements: Record<string, Measurement> = {
  send: { run: send, scales: true },
  policy: { run: policy },
  inbound: { run: inbound, scales: true },
  accept: { run: accept, scales: true },
  dispatch: { run: dispatch, scales: true },
  broadcast: { run: broadcast },
  import: { run: imports },
  webhooks: { run: webhooks },
  announce: { run: announce },
  dead: { run: dead },
  pace: { run: pace },
  start: { run: start },
  growth: { run: growth },
  numbers: { run: numbers },
  slow: { run: slow },
};
