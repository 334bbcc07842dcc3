/** The one place that reads the clock. Times are Unix milliseconds everywhere; ISO 8601 only at the edges. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** Milliseconds since the process began: for lengths of time, since nobody can set it. */
export const steadyMs = () => performance.now();

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
