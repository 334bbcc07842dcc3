/** What a run is asked to do, and how large that makes it. */
import { parseArgs } from 'node:util';
import type { KeyLimits } from '../gateway/canonical/key-limit.ts';

export interface Options {
  engine: 'sqlite' | 'postgres';
  seed: number;
  short: boolean;
  /** Meta behaves, slow at most: then nothing may stay uncertain, however often we are killed. */
  calm: boolean;
  json: boolean;
  /** Leave the folder with logs and data for a look. */
  keep: boolean;
  kills: number;
  processes: number;
  tenants: number;
  callers: number;
  /** Each caller waits up to this long between two requests. */
  pauseMaxMs: number;
  /** Of each tenant's key: low enough to bite. */
  limits: KeyLimits;
  /** Of the operator, between two looks at a tenant's balance. */
  topUpPauseMaxMs: number;
  /** Between two launches of broadcasts. */
  broadcastPauseMaxMs: number;
  /** How long everything may take to settle once the chaos is over. */
  settleMs: number;
}

export const usage = `Usage: npm run torture -- [--short] [--engine sqlite|postgres] [--seed N] [--kills N] [--processes N] [--calm] [--json] [--keep]`;

/** Throws a sentence when the arguments make no sense. */
export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      short: { type: 'boolean', default: false },
      calm: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      engine: { type: 'string', default: 'sqlite' },
      seed: { type: 'string' },
      kills: { type: 'string' },
      processes: { type: 'string' },
    },
  });
  const { engine, short, calm, json, keep } = values;
  if (engine !== 'sqlite' && engine !== 'postgres') throw new Error('--engine must be sqlite or postgres');
  const processes = count('--processes', values.processes) ?? (engine === 'postgres' ? 2 : 1);
  if (engine === 'sqlite' && processes !== 1)
    throw new Error('the embedded database is for one process: use --engine postgres for more');
  return {
    engine,
    short,
    calm,
    json,
    keep,
    seed: count('--seed', values.seed, 0) ?? Math.floor(Math.random() * 2 ** 31),
    kills: count('--kills', values.kills, 0) ?? (short ? 5 : 50),
    processes,
    tenants: short ? 2 : 4,
    callers: short ? 8 : 14,
    pauseMaxMs: short ? 120 : 160,
    limits: short ? { perSecond: 6, perMinute: 180 } : { perSecond: 8, perMinute: 240 },
    topUpPauseMaxMs: short ? 1_500 : 3_000,
    broadcastPauseMaxMs: 1_500,
    settleMs: short ? 20_000 : 90_000,
  };
}

function count(name: string, text: string | undefined, min = 1): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < min || value > 2 ** 31)
    throw new Error(`${name} must be a whole number from ${min}`);
  return value;
}
