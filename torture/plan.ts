/** What will go wrong, decided before anything starts: the same seed, the same list. */
import type { Random } from './random.ts';

export type Deed =
  /** Has worked for `workedMs` first. `again`: killed once more so long after its new start has begun, amid the takeover. */
  | { kind: 'kill'; gateway: number; workedMs: number; again: number | null }
  | { kind: 'restart'; gateway: number }
  | { kind: 'stall'; gateway: number; forMs: number }
  | { kind: 'database'; signal: 'SIGQUIT' | 'SIGINT'; forMs: number }
  | { kind: 'fault'; tenant: number; times: number; action: Record<string, string | number | boolean> }
  | { kind: 'webhooks'; settings: Record<string, unknown> }
  /** Meta says nothing, then everything at once, so many times, in any order. */
  | { kind: 'silence'; forMs: number; copies: number }
  /** The disk with the data is full. */
  | { kind: 'disk'; forMs: number }
  /** The clock of the machine that our processes run on is set. */
  | { kind: 'clock'; byMs: number };

export interface Step {
  afterMs: number;
  deed: Deed;
}

export interface Shape {
  engine: 'sqlite' | 'postgres';
  short: boolean;
  /** Meta behaves, slow at most. */
  calm: boolean;
  kills: number;
  processes: number;
  tenants: number;
}

export function makePlan(random: Random, shape: Shape): Step[] {
  const { engine, short, kills, processes } = shape;
  const deeds: Deed[] = [];
  const gateway = () => random.whole(0, processes - 1);
  const repeat = (times: number, make: () => Deed) => {
    for (let i = 0; i < times; i++) deeds.push(make());
  };
  const part = (each: number) => Math.max(1, Math.round(kills / each));
  repeat(kills, () => ({
    kind: 'kill',
    gateway: gateway(),
    workedMs: random.whole(50, 900),
    again: random.chance(0.2) ? random.whole(20, 900) : null,
  }));
  repeat(part(10), () => ({ kind: 'restart', gateway: gateway() }));
  repeat(part(0.7), () => fault(random, shape));
  repeat(part(4), () => ({ kind: 'webhooks', settings: webhooks(random) }));
  const silence = (minMs: number, maxMs: number) => () =>
    ({ kind: 'silence', forMs: random.whole(minMs, maxMs), copies: random.whole(1, 3) }) as const;
  repeat(part(12), silence(500, short ? 1_500 : 4_000));
  // One that lasts for a good part of the run, as an hour would.
  repeat(1, silence(short ? 2_000 : 15_000, short ? 3_000 : 25_000));
  if (!short) {
    repeat(part(12), () => ({ kind: 'disk', forMs: random.whole(500, 4_000) }));
    repeat(part(8), () => ({ kind: 'clock', byMs: clockStep(random) }));
  }
  if (engine === 'postgres') {
    repeat(part(6), () => ({
      kind: 'database',
      signal: random.chance(0.7) ? 'SIGQUIT' : 'SIGINT',
      forMs: random.whole(0, 1_500),
    }));
    // Longer than the silence after which a process is taken for dead (6 s): now and then, for it costs time.
    if (processes > 1)
      repeat(part(short ? 5 : 12), () => ({
        kind: 'stall',
        gateway: gateway(),
        forMs: short || random.chance(0.5) ? random.whole(300, 2_500) : random.whole(7_000, 10_000),
      }));
  }
  for (let i = deeds.length - 1; i > 0; i--) {
    const j = random.whole(0, i);
    [deeds[i], deeds[j]] = [deeds[j]!, deeds[i]!];
  }
  const most = short ? 700 : 1_400;
  return deeds.map(deed => ({ afterMs: random.whole(20, most), deed }));
}

/** From a second to an hour, each order of magnitude as likely; back as often as forth. */
function clockStep(random: Random): number {
  const most = random.pick([1_000, 10_000, 60_000, 600_000, 3_600_000]);
  return random.whole(most / 10, most) * (random.chance(0.5) ? 1 : -1);
}

function fault(random: Random, { tenants, calm }: Shape): Deed {
  const few = random.whole(1, 8);
  const tenant = random.whole(0, tenants - 1);
  // Long enough that a kill finds many under way.
  const slow: Deed = {
    kind: 'fault',
    tenant,
    times: few * 20,
    action: { kind: 'delay', ms: random.whole(100, 800) },
  };
  if (calm || random.chance(0.2)) return slow;
  const error = (code: number, status: number) => ({ kind: 'error', code, status });
  const [times, action] = random.pick<[number, Record<string, string | number | boolean>]>([
    [few, { kind: 'reset_after' }],
    [few, { kind: 'reset_before' }],
    [few, { kind: 'hang', ms: 2_500, accept: random.chance(0.5) }],
    [few, error(130429, 429)],
    [few, error(130429, 400)],
    [1, error(131056, 400)],
    [few, error(131000, 500)],
    [few, error(131026, 400)],
    [few, { kind: 'html', status: 502 }],
    [few, { kind: 'status_failed', code: 131047 }],
  ]);
  return { kind: 'fault', tenant, times, action };
}

function webhooks(random: Random): Record<string, unknown> {
  return {
    duplicate: random.whole(1, 3),
    shuffle: random.chance(0.6),
    shuffleMs: random.whole(50, 600),
    batch: random.pick([1, 1, 10, 100]),
    batchShape: random.pick(['values', 'changes', 'entries']),
  };
}
