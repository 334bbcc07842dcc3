/** Carries the plan out while callers call. What it did is counted, for a kill that found nothing to kill is none. */
import { setTimeout as sleep } from 'node:timers/promises';
import { call } from '../test/harness/programs.ts';
import { must, type TestTenant } from '../test/harness/tenant.ts';
import type { MachineClock } from './clock.ts';
import type { GatewayPlace } from './gateways.ts';
import type { Deed, Step } from './plan.ts';
import type { MortalPostgres } from './postgres.ts';
import type { SmallDisk } from './small-disk.ts';

export interface Scene {
  simulatorUrl: string;
  gateways: GatewayPlace[];
  tenants: TestTenant[];
  postgres: MortalPostgres | undefined;
  /** Undefined where none can be mounted: then it is never full. */
  disk: SmallDisk | undefined;
  clock: MachineClock;
}

export type Done = Record<
  'kills' | 'restarts' | 'stalls' | 'databaseStops' | 'faults' | 'silences' | 'fullDisks' | 'clockSteps',
  number
>;

export async function wreakHavoc(scene: Scene, plan: Step[], tell: (line: string) => void): Promise<Done> {
  const done: Done = {
    ...{ kills: 0, restarts: 0, stalls: 0, databaseStops: 0 },
    ...{ faults: 0, silences: 0, fullDisks: 0, clockSteps: 0 },
  };
  const startedAt = Date.now();
  /** What takes its time goes on beside the rest, but one thing of a kind at a time. */
  const busy = new Map<string, Promise<void>>();
  for (const { afterMs, deed } of plan) {
    await sleep(afterMs);
    tell(`${String(Date.now() - startedAt).padStart(7)} ms  ${JSON.stringify(deed)}`);
    const lane = 'gateway' in deed ? `gateway ${deed.gateway}` : laneOf[deed.kind];
    await busy.get(lane);
    busy.set(lane, perform(scene, deed, done));
    // A deed that fails is a fault of this program and ends the run.
    if (deed.kind === 'fault' || deed.kind === 'webhooks') await busy.get(lane);
  }
  await Promise.all(busy.values());
  return done;
}

/** A server stopped while its disk is full does not come up, and one that ended for want of space comes up with the disk. */
const laneOf = {
  ...{ database: 'database', disk: 'database', fault: 'fault' },
  ...{ webhooks: 'webhooks', silence: 'silence', clock: 'clock' },
} as const;

async function perform(scene: Scene, deed: Deed, done: Done): Promise<void> {
  const { simulatorUrl, gateways, tenants, postgres, disk, clock } = scene;
  switch (deed.kind) {
    case 'kill': {
      const gateway = gateways[deed.gateway]!;
      await gateway.up(15_000);
      await sleep(deed.workedMs);
      if (await gateway.kill()) done.kills++;
      if (deed.again === null) return;
      await sleep(30 + deed.again);
      if (await gateway.kill()) done.kills++;
      return;
    }
    case 'restart':
      await gateways[deed.gateway]!.up(15_000);
      done.restarts++;
      return gateways[deed.gateway]!.restart();
    case 'stall':
      await gateways[deed.gateway]!.up(15_000);
      done.stalls++;
      return gateways[deed.gateway]!.stall(deed.forMs);
    case 'database':
      done.databaseStops++;
      await postgres?.stop(deed.signal);
      await sleep(deed.forMs);
      return postgres?.start();
    case 'fault': {
      const match = { phone_number_id: tenants[deed.tenant]!.phoneNumberId };
      done.faults += deed.times;
      await control(simulatorUrl, '/control/faults', 'POST', {
        match,
        times: deed.times,
        action: deed.action,
      });
      return;
    }
    case 'webhooks':
      return control(simulatorUrl, '/control/settings', 'PUT', deed.settings);
    case 'silence':
      done.silences++;
      await control(simulatorUrl, '/control/settings', 'PUT', { paused: true });
      await sleep(deed.forMs);
      return control(simulatorUrl, '/control/settings', 'PUT', {
        paused: false,
        shuffle: true,
        duplicate: deed.copies,
      });
    case 'disk':
      if (disk === undefined) return;
      done.fullDisks++;
      disk.fill();
      await sleep(deed.forMs);
      disk.free();
      // As a service manager would: without room for its log PostgreSQL ends.
      return postgres?.start();
    case 'clock':
      done.clockSteps++;
      return clock.step(deed.byMs);
  }
}

export async function control(url: string, path: string, method: string, body?: unknown): Promise<void> {
  await must(call(url + path, { method, body }));
}
