/**
 * Whether the limits of keys held, by what callers saw. Every use counts at a moment between its asking and its answer, so that more
 * of them wholly within one window than the limit allows are a limit that was passed; and a refusal is wrong when fewer than that
 * could have fallen into any window before it. Pure.
 */
import type { KeyLimits } from '../gateway/canonical/key-limit.ts';
import type { Asked } from './load.ts';
import type { Offence } from './oracle.ts';

/** Of an asking without an answer: a process that was stalled may still have taken it so much later. */
const lateMs = 15_000;

/** `stepsAt`: when the gateways' clock was set, which begins a window anew. Tenants have one key each. */
export function judgeLimits(asked: Asked[], limits: KeyLimits, stepsAt: number[]): Offence[] {
  return [...Map.groupBy(asked, ({ tenant }) => tenant).values()].flatMap(mine => [
    ...passed(mine, limits.perSecond, 1_000, stepsAt),
    ...passed(mine, limits.perMinute, 60_000, stepsAt),
    ...refusedWrongly(mine, limits, stepsAt),
  ]);
}

function passed(mine: Asked[], limit: number, windowMs: number, stepsAt: number[]): Offence[] {
  const taken = mine.filter(({ told }) => told.kind === 'taken').sort((a, b) => a.at - b.at);
  for (const [i, first] of taken.entries()) {
    // Two moments in whole milliseconds may be nearly one further apart.
    const until = first.at + windowMs - 2;
    if (stepsAt.some(step => step >= first.at && step <= until)) continue;
    const within = taken.slice(i).filter(({ answeredAt }) => answeredAt <= until);
    if (within.length > limit)
      return [offence(first, `${within.length} taken within ${windowMs} ms, and ${limit} may be`)];
  }
  return [];
}

function refusedWrongly(mine: Asked[], { perSecond, perMinute }: KeyLimits, stepsAt: number[]): Offence[] {
  const maybe = mine
    .filter(({ told }) => told.bite !== 'limit')
    .map(one => ({ ...one, until: one.answeredAt + (one.told.kind === 'unknown' ? lateMs : 0) }));
  return mine
    .filter(({ told, answeredAt }) => told.bite === 'limit' && !stepsAt.some(step => step <= answeredAt))
    .filter(({ at, answeredAt }) => {
      const since = (ms: number) => maybe.filter(one => one.until >= at - ms && one.at <= answeredAt).length;
      return since(1_000) < perSecond && since(60_000) < perMinute;
    })
    .map(one => offence(one, 'refused for its limit, and fewer could have been taken before'));
}

const offence = (asked: Asked, what: string): Offence => ({
  ...{ kind: 'limit', what, tenant: asked.tenant, id: null, asked, row: null, atPhone: [] },
});
