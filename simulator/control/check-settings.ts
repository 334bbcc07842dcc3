import { windowMaxMs } from '../limits/limits.ts';

const counts: Partial<Record<string, [min: number, max: number]>> = {
  batch: [1, 1000],
  duplicate: [1, 100],
  shuffleMs: [0, 3_600_000],
  concurrency: [1, 1000],
  retryBaseMs: [0, 3_600_000],
  retryMaxMs: [0, 86_400_000],
  maxAgeMs: [0, 30 * 86_400_000],
  webhookTimeoutMs: [1, 600_000],
  pairEveryMs: [1, 3_600_000],
  pairBurst: [1, 1000],
  windowMs: [1, windowMaxMs],
  portfolioMs: [1, 30 * 86_400_000],
  marketingPerDay: [0, 255],
};
const words: Partial<Record<string, readonly string[]>> = {
  batchShape: ['values', 'changes', 'entries'],
  dialling: ['lenient', 'strict'],
  spamAs: ['error', 'failed'],
};
const switches = ['shuffle', 'paused', 'escape'];
const enforced = ['throughput', 'pair', 'window', 'portfolio', 'marketing'];
/** What is wrong with a value of a kind of its own, or undefined. */
const others: Partial<Record<string, (value: unknown) => string | undefined>> = {
  delays: delaysFault,
  enforce: enforceFault,
  unknown: value =>
    Array.isArray(value) && value.every(one => /^\d*\*?$/.test(String(one)) && String(one) !== '')
      ? undefined
      : 'unknown must be a list of numbers, each of digits and perhaps * at its end',
  unknownShare: value =>
    typeof value === 'number' && value >= 0 && value <= 1
      ? undefined
      : 'unknownShare must be a number from 0 to 1',
};

/** What is wrong with a patch, or undefined when nothing is. */
export function patchFault(patch: Record<string, unknown>): string | undefined {
  for (const [key, value] of Object.entries(patch)) {
    const other = others[key];
    if (other) {
      const fault = other(value);
      if (fault) return fault;
      continue;
    }
    const range = counts[key];
    if (range) {
      if (!isWhole(value) || value < range[0] || value > range[1]) {
        return `${key} must be a whole number from ${range[0]} to ${range[1]}`;
      }
    } else if (words[key]) {
      if (!words[key].includes(String(value))) return `${key} must be one of ${words[key].join(', ')}`;
    } else if (!switches.includes(key)) {
      return `there is no setting ${key}`;
    } else if (typeof value !== 'boolean') {
      return `${key} must be true or false`;
    }
  }
  return undefined;
}

function delaysFault(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return 'delays must be an object';
  for (const [status, delay] of Object.entries(value)) {
    if (!['sent', 'delivered', 'read'].includes(status)) return `there is no delay for ${status}`;
    if (delay !== null && (!isWhole(delay) || delay < 0 || delay > 7 * 86_400_000)) {
      return `delays.${status} must be milliseconds or null`;
    }
  }
  return undefined;
}

function enforceFault(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return 'enforce must be an object';
  for (const [limit, isOn] of Object.entries(value)) {
    if (!enforced.includes(limit)) return `there is no limit ${limit}`;
    if (typeof isOn !== 'boolean') return `enforce.${limit} must be true or false`;
  }
  return undefined;
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value);
}
