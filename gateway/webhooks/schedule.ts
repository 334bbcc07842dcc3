/** When an event that could not be delivered is posted again, and how long an endpoint that fails rests. Pure. */
import type { Outcome } from './outcome.ts';

type Failed = Extract<Outcome, { kind: 'failed' }>;

/**
 * Delay of the attempt that follows the `failures`th failure of one event, in ms, give or take a fifth; null: it is given up.
 * `random` in [0, 1).
 */
export function retryDelayMs(
  failures: number,
  scheduleSeconds: readonly number[],
  random: number,
): number | null {
  const seconds = scheduleSeconds[failures - 1];
  return seconds === undefined ? null : Math.round(seconds * 1000 * (0.8 + 0.4 * random));
}

/** How the posting to one endpoint goes. */
export interface Health {
  /** In a row. */
  failures: number;
  /** The first of them; null when there are none. */
  failingSince: number | null;
  /** Nothing is posted before; 0 when it does not rest. */
  restsUntil: number;
}

export const healthy: Health = { failures: 0, failingSince: null, restsUntil: 0 };

/** From so many failures in a row on there are only trials, one after each rest. */
const failuresMax = 5;
const restMs = { first: 10_000, most: 300_000 };
const slowDownMs = { first: 1_000, most: 60_000 };
const restMaxMs = 24 * 3_600_000;

/** Whether it rests now. A rest further ahead than any can be was given by a clock that has been set back since. */
export function isResting({ restsUntil }: Pick<Health, 'restsUntil'>, now: number): boolean {
  return restsUntil > now && restsUntil <= now + restMaxMs;
}

/** The same in SQL, where `now` and `nowAndMost` are parameters. */
export const mayWork = (column: string, now: string, nowAndMost: string) =>
  `(${column} <= ${now} or ${column} > ${nowAndMost})`;
export const restMostMs = restMaxMs;

export function isOpen(health: Health): boolean {
  return health.failures >= failuresMax;
}

/**
 * After a failure. What fails while the endpoint rests already was under way before, and says nothing new: else one moment's
 * thirty failures would count as thirty trials.
 */
export function afterFailure(health: Health, failed: Failed, now: number): Health {
  const asked = Math.min(failed.retryAfterMs ?? 0, restMaxMs);
  if (isResting(health, now)) return { ...health, restsUntil: Math.max(health.restsUntil, now + asked) };
  const failures = health.failures + 1;
  const broken = failures < failuresMax ? 0 : doubled(restMs, failures - failuresMax);
  const slowed = failed.slowDown && failed.retryAfterMs === null ? doubled(slowDownMs, failures - 1) : 0;
  const rest = Math.max(asked, broken, slowed);
  return {
    failures,
    failingSince: health.failingSince ?? now,
    restsUntil: rest === 0 ? 0 : now + rest,
  };
}

const doubled = ({ first, most }: { first: number; most: number }, times: number) =>
  Math.min(most, first * 2 ** Math.min(times, 20));

/** Nothing but failures for too long. The count keeps a clock that was set forward from disabling what failed once. */
export function isHopeless({ failures, failingSince }: Health, now: number, disableAfterMs: number): boolean {
  return failures >= failuresMax && failingSince !== null && now - failingSince >= disableAfterMs;
}
