/** The figures as a table for people, which is Markdown, too. */
import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import type { Figure } from './figure.ts';

export interface Machine {
  processor: string;
  cores: number;
  memoryGb: number;
  node: string;
  commit: string;
  date: string;
}

export function machine(): Machine {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    commit: commit(),
    date: new Date().toISOString().slice(0, 10),
  };
}

/** With a mark when the files are not those of the commit. */
function commit(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, {
        ...{ cwd: import.meta.dirname, encoding: 'utf8' },
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
    const changed = git('status', '--porcelain', '--', '../gateway', '../migrations') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`;
  } catch {
    return 'unknown';
  }
}

const head = [
  'figure',
  'processes',
  'value',
  'baseline',
  'ratio',
  'goal',
  '',
  'p50 / p99 / max ms',
  'RSS MB',
  'CPU µs, bare',
];

const engineNames = { sqlite: 'Embedded (SQLite)', postgres: 'PostgreSQL' };

/** A table for each engine, with a heading. */
export function tables(figures: Figure[]): string {
  return [...Map.groupBy(figures, ({ engine }) => engine)]
    .map(([engine, those]) => `## ${engineNames[engine]}\n\n${table(those)}`)
    .join('\n\n');
}

function table(figures: Figure[]): string {
  const rows = figures.map(figure => [
    figure.what,
    String(figure.processes),
    amount(figure.value, figure.unit),
    figure.baseline === null ? '' : `${figure.baseline.what}: ${amount(figure.baseline.value, figure.unit)}`,
    figure.ratio === null ? '' : figure.ratio.toFixed(2),
    figure.goal ?? '',
    figure.met === null ? '' : figure.met ? 'met' : 'MISSED',
    figure.p50Ms === undefined
      ? ''
      : [figure.p50Ms, figure.p99Ms, figure.maxMs].map(ms => (ms ?? 0).toFixed(1)).join(' / '),
    figure.rssMb === undefined ? '' : String(figure.rssMb),
    figure.cpuUs === undefined
      ? ''
      : [figure.cpuUs, figure.baselineCpuUs]
          .flatMap(us => (us === undefined ? [] : us.toFixed(0)))
          .join(', '),
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map(row => row[i]!.length)));
  const line = (cells: string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  const notes = figures.flatMap(({ what, note }) => (note === undefined ? [] : `- ${what}: ${note}`));
  return [line(head), line(widths.map(width => '-'.repeat(width))), ...rows.map(line), '', ...notes]
    .join('\n')
    .trim();
}

/** Whole numbers, in groups of three. */
const amount = (value: number, unit: string) => `${Math.round(value).toLocaleString('en')}${unit}`;

export function results(figures: Figure[], on: Machine, command: string): string {
  return `# Figures

Written by \`${command}\`. Everything ran on one machine over loopback: the gateway, the load, the stub that plays Meta and, for
PostgreSQL, the database share its cores. So the ratio to the baseline of the same run counts, not the figure. The last column is
processor time of the process per request, and of the baseline: it suffers less from whoever else uses the machine, and leaves
out waiting for the disk.

${on.processor}, ${on.cores} cores, ${on.memoryGb} GB · Node ${on.node} · commit ${on.commit} · ${on.date}

What is missed and why is told in [NOTES.md](NOTES.md), what each figure means in [README.md](README.md).

${tables(figures)}
`;
}
