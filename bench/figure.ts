/** What a measurement comes to: a figure beside its baseline of the same run. */
import { type Child, cpuUs, rssMb } from './child.ts';
import type { Job, Load } from './load.ts';

export type Engine = 'sqlite' | 'postgres';

export interface Figure {
  name: string;
  engine: Engine;
  /** Gateway processes on one database. */
  processes: number;
  what: string;
  unit: string;
  value: number;
  baseline: { what: string; value: number } | null;
  /** The median of the rounds' ratios: each round's pair ran within seconds of each other. */
  ratio: number | null;
  goal: string | null;
  met: boolean | null;
  p50Ms?: number;
  p99Ms?: number;
  maxMs?: number;
  /** After the measurement. */
  rssMb?: number;
  /** Processor time of the process itself per request; the baseline's beside it. It suffers less from whoever else uses the machine. */
  cpuUs?: number;
  baselineCpuUs?: number;
  note?: string;
}

/** What measurements work with. */
export interface Bench {
  engine: Engine;
  /** How many gateway processes to measure. */
  processes: number;
  /** Rows of the database that `growth` compares with an empty one. */
  rows: number;
  /** How many numbers `numbers` tries, in turn. */
  numbers: number[];
  seconds: number;
  rounds: number;
  stub: Child;
  load: Child;
  bare: Child;
  /** A new database's URL; null for SQLite. */
  newDatabase(): Promise<string | null>;
  say(text: string): void;
}

export const connections = 64;

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export interface Measured extends Load {
  cpuPerRequestUs: number | undefined;
}

export const ofBench = ({ engine, processes }: Bench, name: string) => ({ name, engine, processes });

/** One run of the load, spread over these servers. A single failed request makes the figure worthless, so it is an error. */
export async function measure(
  bench: Bench,
  servers: Child[],
  job: Omit<Job, 'urls' | 'connections'> & { connections?: number },
): Promise<Measured> {
  const before = cpuOf(servers);
  const urls = servers.map(({ url }) => url);
  const load = await bench.load.ask<Load>({ connections, ...job, urls } satisfies Job);
  const after = cpuOf(servers);
  if (load.failed > 0) throw new Error(`${load.failed} requests failed, the first with ${load.firstFailure}`);
  const cpuPerRequestUs =
    before === undefined || after === undefined ? undefined : (after - before) / load.count;
  return { ...load, cpuPerRequestUs };
}

export interface Pair {
  subject: Measured;
  baseline: Measured;
}

/** Subject and baseline in turn, after a warm-up of each. */
export async function inTurn(
  bench: Bench,
  subject: (seconds: number) => Promise<Measured>,
  baseline: (seconds: number) => Promise<Measured>,
): Promise<Pair[]> {
  await subject(1.5);
  await baseline(1.5);
  const pairs: Pair[] = [];
  for (let round = 1; round <= bench.rounds; round++) {
    const pair = { subject: await subject(bench.seconds), baseline: await baseline(bench.seconds) };
    bench.say(
      `round ${round}: ${Math.round(pair.subject.perSecond)}/s, bare ${Math.round(pair.baseline.perSecond)}/s`,
    );
    pairs.push(pair);
  }
  return pairs;
}

export function ofPairs(
  bench: Bench,
  pairs: Pair[],
  subjects: Child[],
  { name, what, baseline, goal }: { name: string; what: string; baseline: string; goal: number },
): Figure {
  const middle = (read: (pair: Pair) => number) => median(pairs.map(read));
  const ratio = middle(pair => pair.subject.perSecond / pair.baseline.perSecond);
  const cpu = pairs.flatMap(pair => pair.subject.cpuPerRequestUs ?? []);
  const bareCpu = pairs.flatMap(pair => pair.baseline.cpuPerRequestUs ?? []);
  return {
    ...ofBench(bench, name),
    ...{ what, unit: '/s', ratio, goal: `ratio ≥ ${goal}`, met: ratio >= goal },
    value: middle(pair => pair.subject.perSecond),
    baseline: { what: baseline, value: middle(pair => pair.baseline.perSecond) },
    p50Ms: middle(pair => pair.subject.p50Ms),
    p99Ms: middle(pair => pair.subject.p99Ms),
    maxMs: Math.max(...pairs.map(pair => pair.subject.maxMs)),
    ...memory(subjects),
    ...(cpu.length > 0 ? { cpuUs: median(cpu), baselineCpuUs: median(bareCpu) } : {}),
  };
}

/** Of all of them together. */
export function memory(children: Child[]): { rssMb?: number } {
  const mb = total(children.map(({ pid }) => rssMb(pid)));
  return mb === undefined ? {} : { rssMb: mb };
}

const cpuOf = (children: Child[]) => total(children.map(({ pid }) => cpuUs(pid)));

function total(values: (number | undefined)[]): number | undefined {
  return values.reduce<number | undefined>(
    (sum, value) => (sum === undefined || value === undefined ? undefined : sum + value),
    0,
  );
}
