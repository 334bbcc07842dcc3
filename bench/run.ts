/**
 * `npm run bench`: the figures to hold, each beside a baseline measured in the same run. Loopback only; bounded in count and time;
 * ends what it started.
 *
 *     npm run bench -- [--only send,growth,…] [--engine sqlite|postgres|both] [--processes 1,2] [--seconds 2] [--rounds 2]
 *                      [--rows 1000000] [--numbers 1,100,1000] [--json] [--save]
 *                      [--statements]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findPostgres, startPostgres } from '../test/harness/postgres.ts';
import { startChild } from './child.ts';
import type { Bench, Engine, Figure } from './figure.ts';
import { measurements } from './measure/all.ts';
import { machine, results, tables } from './report.ts';
import { countingStatements, resetStatements, topStatements } from './statements.ts';
import { appSecret } from './subject.ts';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(measurements).join(',') },
    engine: { type: 'string', default: 'both' },
    processes: { type: 'string', default: '1,2' },
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '2' },
    rows: { type: 'string', default: '1000000' },
    numbers: { type: 'string', default: '1,100,1000' },
    json: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    statements: { type: 'boolean', default: false },
  },
});

const say = (text: string) => process.stderr.write(`${text}\n`);
const closing: (() => Promise<void>)[] = [];

const names = options.only.split(',');
const unknown = names.filter(name => measurements[name] === undefined);
const [seconds, rounds, rows] = [Number(options.seconds), Number(options.rounds), Number(options.rows)];
const [processes, numbers] = [counts(options.processes, 16), counts(options.numbers, 100_000)];
const engines = { sqlite: ['sqlite'], postgres: ['postgres'], both: ['sqlite', 'postgres'] }[options.engine];
if (unknown.length > 0)
  refuse(`--only takes ${Object.keys(measurements).join(', ')}, not ${unknown.join(', ')}`);
if (engines === undefined) refuse('--engine takes sqlite, postgres or both');
if (!(seconds >= 1 && seconds <= 60)) refuse('--seconds takes 1 to 60');
if (!(Number.isInteger(rounds) && rounds >= 1 && rounds <= 20)) refuse('--rounds takes 1 to 20');
if (!(Number.isInteger(rows) && rows >= 1_000 && rows <= 1e9)) refuse('--rows takes 1000 to 1000000000');
if (processes === undefined) refuse('--processes takes counts from 1 to 16, such as 1,2');
if (numbers === undefined) refuse('--numbers takes counts from 1 to 100000, such as 1,100,10000');

/** `1,2` as numbers; undefined when it is not that. */
function counts(text: string, most: number): number[] | undefined {
  const all = text.split(',').map(Number);
  return all.every(count => Number.isInteger(count) && count >= 1 && count <= most) ? all : undefined;
}

function refuse(problem: string): never {
  say(problem);
  process.exit(2);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void closeAll().finally(() => process.exit(130)));
}

/** Children end with their channels; PostgreSQL has none. */
async function closeAll(): Promise<void> {
  for (const close of closing.splice(0).reverse()) await close();
}

const figures: Figure[] = [];
/** A database of the server whose statements are counted. */
let countedIn: string | undefined;
try {
  for (const engine of engines as Engine[]) {
    const newDatabase = await databases(engine);
    if (newDatabase === undefined) say('PostgreSQL: no server program found; its figures are SKIPPED.');
    else await measureAll(engine, newDatabase);
  }
} finally {
  await closeAll();
}
const on = machine();
if (options.json) console.log(JSON.stringify({ machine: on, figures }, null, 2));
else console.log(tables(figures));
if (options.save) {
  const command = ['npm run bench --', ...process.argv.slice(2)].join(' ');
  writeFileSync(join(import.meta.dirname, 'RESULTS.md'), results(figures, on, command));
}

async function databases(engine: Engine): Promise<Bench['newDatabase'] | undefined> {
  if (engine === 'sqlite') return async () => null;
  const programs = findPostgres();
  if (programs === undefined) return undefined;
  const server = await startPostgres(programs, options.statements ? countingStatements : []);
  closing.push(() => server.stop());
  if (options.statements) countedIn = await server.createDatabase('bench_statements');
  let made = 0;
  return () => server.createDatabase(`bench_${++made}`);
}

async function measureAll(engine: Engine, newDatabase: Bench['newDatabase']): Promise<void> {
  for (const name of names) {
    const { run, scales } = measurements[name]!;
    // The embedded database is for one process.
    const counts = scales && engine === 'postgres' ? processes! : [1];
    for (const count of counts) await measureOne(engine, newDatabase, name, count, run);
  }
}

async function measureOne(
  engine: Engine,
  newDatabase: Bench['newDatabase'],
  name: string,
  count: number,
  work: (bench: Bench) => Promise<Figure[]>,
): Promise<void> {
  say(`${name}, ${engine}${count > 1 ? `, ${count} processes` : ''}`);
  // New for each measurement: none inherits another's warm code or memory.
  const stub = await startChild('bench/stub.ts');
  const load = await startChild('bench/load.ts');
  const bare = await startChild('bench/bare.ts', [stub.url, appSecret]);
  const bench: Bench = {
    ...{ engine, seconds, rounds, rows, processes: count, numbers: numbers! },
    ...{ stub, load, bare, newDatabase },
    say: text => say(`  ${text}`),
  };
  try {
    if (engine === 'postgres' && countedIn !== undefined) await resetStatements(countedIn);
    figures.push(...(await work(bench)));
    if (engine === 'postgres' && countedIn !== undefined) say(await topStatements(countedIn));
  } catch (error) {
    // The others are worth having; the exit code tells.
    say(`  FAILED: ${(error as Error).stack}`);
    process.exitCode = 1;
  } finally {
    for (const child of [load, bare, stub]) await child.stop();
  }
}
