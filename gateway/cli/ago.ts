/** Times as people write them in a shell. */
import { systemClock } from '../platform/clock.ts';
import { usage } from './failure.ts';

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `2h` is two hours ago; everything else is for the gateway to read. */
export function agoTime(text: string): string {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) {
    if (/^\d{1,9}$/.test(text)) throw usage(`${text} has no unit: write ${text}m, ${text}h or ${text}d.`);
    return text;
  }
  return new Date(systemClock.now() - Number(count) * unitMs[unit]!).toISOString();
}
