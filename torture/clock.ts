/** The clock of the machine that the gateways run on. Meta has another, and so has PostgreSQL. */
import { openSync, writeSync } from 'node:fs';

export interface MachineClock {
  /** Of gateway processes. */
  env: Record<string, string>;
  step(byMs: number): void;
  /** When it was set, by the clock of this program. */
  stepsAt: number[];
  /** To where it stood furthest: what waits by the clock for a moment that was taken back is then due. */
  catchUp(): void;
}

export function createMachineClock(path: string): MachineClock {
  const file = openSync(path, 'w', 0o644);
  let offsetMs = 0;
  let furthestMs = 0;
  const stepsAt: number[] = [];
  const set = (ms: number) => {
    offsetMs = ms;
    furthestMs = Math.max(furthestMs, ms);
    writeSync(file, Float64Array.of(ms), 0, 8, 0);
  };
  set(0);
  return {
    env: { TORTURE_CLOCK: path, NODE_OPTIONS: `--import=${import.meta.resolve('./set-clock.ts')}` },
    step(byMs) {
      stepsAt.push(Date.now());
      set(offsetMs + byMs);
    },
    stepsAt,
    catchUp: () => set(furthestMs),
  };
}
