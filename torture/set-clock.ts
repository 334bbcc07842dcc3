/**
 * Loaded into a gateway before anything else (`--import`): its clock is the system's plus the offset in a file that all processes of
 * the run share. Timers keep their own time, as they do when a system's clock is set.
 */
import { openSync, readSync } from 'node:fs';

const file = openSync(process.env.TORTURE_CLOCK ?? '', 'r');
const offsetMs = new Float64Array(1);
const systemNow = Date.now;

function now(): number {
  // Each time anew: a step may come amid a turn of the event loop.
  readSync(file, offsetMs, 0, 8, 0);
  return systemNow() + offsetMs[0]!;
}

Date.now = now;
globalThis.Date = new Proxy(Date, {
  construct: (target, args: unknown[], caller) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, caller) as Date,
  apply: () => new Date(now()).toString(),
});
