/** The operator tops a balance up once it has all but run out, by little, and asks until that is confirmed: so it runs out again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, type Call, call } from '../test/harness/programs.ts';
import { operatorKey, type TestTenant } from '../test/harness/tenant.ts';
import type { Random } from './random.ts';

export interface TopUps {
  /** What each tenant must have been given by now, in micros, by the order of the tenants. */
  micros: number[];
  /** The least that any tenant was told to have available. */
  lowestMicros: number;
  count: number;
  /** No new ones; resolves when the last is confirmed, which takes a gateway that is up. */
  stop(): Promise<void>;
}

export interface Purse {
  /** Given to each before anything starts. */
  firstMicros: number;
  /** Of one message, fee and price. */
  costMicros: number;
  pauseMaxMs: number;
}

export function startTopUps(
  url: string,
  tenants: TestTenant[],
  random: Random,
  { firstMicros, costMicros, pauseMaxMs }: Purse,
): TopUps {
  let stopping = false;
  const topUps: TopUps = {
    micros: tenants.map(() => firstMicros),
    lowestMicros: firstMicros,
    count: 0,
    async stop() {
      stopping = true;
      await Promise.all(running);
    },
  };

  async function topper({ tenantId, key }: TestTenant, i: number, mine: Random): Promise<void> {
    for (let n = 0; !stopping; ) {
      await sleep(mine.whole(0, pauseMaxMs));
      const balance = await ask<{ available?: { micros: number } }>(`${url}/api/v1/balance`, { key });
      const available = balance?.status === 200 ? balance.body.available?.micros : undefined;
      if (available === undefined) continue;
      topUps.lowestMicros = Math.min(topUps.lowestMicros, available);
      if (available > 5 * costMicros) continue;
      const micros = mine.whole(1, 40) * costMicros + mine.whole(0, costMicros - 1);
      const body = { id: `torture-${n++}`, amount: (micros / 1_000_000).toFixed(6) };
      // Told twice or not at all, it counts once.
      for (;;) {
        const answer = await ask(`${url}/api/v1/tenants/${tenantId}/top-ups`, { key: operatorKey, body });
        if (answer !== undefined && answer.status < 300) break;
        if (answer !== undefined && answer.status < 500)
          throw new Error(`a top-up was refused: ${answer.text}`);
        await sleep(100);
      }
      topUps.count++;
      topUps.micros[i]! += micros;
    }
  }

  const running = tenants.map((tenant, i) => topper(tenant, i, random.stream(`tenant ${i}`)));
  // What fails is told by `stop`, once everything else has been ended in order.
  for (const one of running) one.catch(() => undefined);
  return topUps;
}

/** Undefined when the line was cut: what is kept open for the next request may be closed meanwhile. */
const ask = <T>(url: string, options: Call): Promise<Answer<T> | undefined> =>
  call<T>(url, options).catch(() => undefined);
