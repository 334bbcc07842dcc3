import type { FastifyInstance } from 'fastify';
import { type FaultRule, type Faults, ruleFault } from '../faults.ts';
import { bodyOf, queryOf } from '../graph/body.ts';
import type { SettingsBook, SettingsPatch } from '../settings.ts';
import type { Delivery } from '../webhooks/delivery.ts';
import { patchFault } from './check-settings.ts';
import { refuse } from './refuse.ts';

type Deps = { settings: SettingsBook; faults: Faults; delivery: Delivery; reset: () => void };

/** How the simulator behaves from now on. */
export function registerBehaviour(app: FastifyInstance, { settings, faults, delivery, reset }: Deps): void {
  const shown = (wabaId?: string) => (wabaId ? settings.of(wabaId) : settings.general());

  app.get('/control/settings', request => shown(queryOf(request).waba_id));
  app.put('/control/settings', request => {
    const patch = bodyOf(request);
    const { waba_id: wabaId } = queryOf(request);
    const fault = patchFault(patch);
    if (fault) throw refuse(400, fault);
    settings.change(patch as SettingsPatch, wabaId);
    delivery.wake();
    return shown(wabaId);
  });

  app.get('/control/faults', () => ({ data: faults.list() }));
  app.post('/control/faults', request => {
    const body = bodyOf(request);
    const rules = Array.isArray(body.rules) ? body.rules : [body];
    for (const rule of rules) {
      const fault = ruleFault(rule);
      if (fault) throw refuse(400, fault);
    }
    faults.add(rules as FaultRule[]);
    return { data: faults.list() };
  });
  app.delete('/control/faults', () => {
    faults.clear();
    return { data: [] };
  });

  app.post('/control/reset', () => {
    reset();
    return { reset: true };
  });
}
