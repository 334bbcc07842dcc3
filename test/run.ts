/**
 * `npm test`: every test there is. Starts one PostgreSQL server for all of them where the programs are installed; where not, says
 * so, and fails if WAGATE_TEST_REQUIRE asks for it. Every SQL statement that runs meanwhile is watched, and judged at the end.
 */
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { pathToFileURL } from 'node:url';
import { openPostgres } from '../gateway/platform/postgres.ts';
import { openSqlite } from '../gateway/platform/sqlite.ts';
import { findPostgres, startPostgres } from './harness/postgres.ts';
import { proveServer } from './harness/prove-money.ts';
import { makeTemplates } from './harness/templates.ts';
import { judge, readSchema, readSeen, type Schema, textsOfTests } from './statements/seen.ts';

const root = join(import.meta.dirname, '..');
const patterns = process.argv.slice(2);
// Those that start programs take longest: what is short comes last, so that both cores have something to do until the end.
const all = [
  'test/torture.test.ts',
  'test/*.test.ts',
  'test/*/*.test.ts',
  '{gateway,simulator}/**/*.test.ts',
];
const files = [
  ...new Set((patterns.length > 0 ? patterns : all).flatMap(one => globSync(one, { cwd: root }).sort())),
].map(file => join(root, file));

const programs = findPostgres();
if (programs === undefined) {
  if (process.env.WAGATE_TEST_REQUIRE?.includes('postgres')) {
    console.error('PostgreSQL is required (WAGATE_TEST_REQUIRE), but no server program was found.');
    process.exit(1);
  }
  console.log(
    'PostgreSQL: no server program found; its tests are SKIPPED (Debian: apt-get install postgresql).',
  );
}
// Nobody pulls the plug of a server of tests: what it has told the system survives its processes' deaths, which is all they try. With a
// hundred databases autovacuum would be at work all the time.
const server =
  programs === undefined
    ? undefined
    : await startPostgres(programs, [
        'fsync=off',
        'full_page_writes=off',
        'max_wal_size=2GB',
        'autovacuum=off',
      ]);
const url = await server?.createDatabase('wagate_tests');
const folder = mkdtempSync(join(tmpdir(), 'wagate-tests-'));
const proofs = join(folder, 'proofs.txt');
const templates = await makeTemplates(join(folder, 'templates'), server);

Object.assign(process.env, {
  NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import ${watcher(folder)}`.trim(),
  // Most of a short file's time went into compiling what all of them import.
  NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compile'),
  WAGATE_TEST_PROOFS: proofs,
  WAGATE_TEST_SQLITE: templates.sqlite,
  ...(url === undefined ? {} : { WAGATE_TEST_POSTGRES: url }),
});
let code = await runTests();
if (!(await judgeStatements())) code ||= 1;
tellProofs();
if (url !== undefined && !(await judgeMoney(url))) code ||= 1;
rmSync(folder, { recursive: true });
await server?.stop();
process.exit(code);

/** Each file in a process of its own. Most wait for something most of the time, so that there are more of them than cores. */
async function runTests(): Promise<number> {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());
  let failed = false;
  const took: [file: string, ms: number][] = [];
  const tests = run({ files, concurrency: 3, timeout: 300_000, signal: interrupted.signal })
    .on('test:fail', () => {
      failed = true;
    })
    .on('test:summary', ({ file, duration_ms: ms }) => {
      if (file !== undefined) took.push([relative(root, file), ms]);
    });
  for await (const line of tests.compose(spec)) process.stdout.write(String(line));
  for (const [file, ms] of took.sort(([, a], [, b]) => b - a).slice(0, 10))
    console.log(`${Math.round(ms / 1000)} s  ${file}`);
  return failed || took.length < files.length ? 1 : 0;
}

/** Each was proved where its test gave it up (harness/prove-money.ts); one that is astray has failed its test. */
function tellProofs(): void {
  const lines = existsSync(proofs) ? readFileSync(proofs, 'utf8').trim().split('\n') : [];
  for (const engine of ['sqlite', 'postgres']) {
    const tenants = lines.filter(line => line.startsWith(engine)).map(line => Number(line.split(' ')[1]));
    const sum = tenants.reduce((all, count) => all + count, 0);
    console.log(`Money, ${engine}: ${sum} tenants in ${tenants.length} databases added up when given up`);
  }
}

/** And once more all that is left on the server, also by tests that gave nothing up. */
async function judgeMoney(url: string): Promise<boolean> {
  const { databases, tenants, astray } = await proveServer(url);
  console.log(
    `Money, postgres: ${tenants} tenants in ${databases} databases at the end, ${astray.length} astray`,
  );
  for (const one of astray) console.error(`\n✖ ${one}`);
  return astray.length === 0;
}

function watcher(folder: string): string {
  const watch = pathToFileURL(join(import.meta.dirname, 'statements', 'watch.ts'));
  watch.searchParams.set('folder', folder);
  return watch.href;
}

/** The last step: what the whole run did must name its tenant (test/statements/check.ts). */
async function judgeStatements(): Promise<boolean> {
  const schemas = new Map<'sqlite' | 'postgres', Schema>();
  const databases = [openSqlite(templates.sqlite)];
  if (templates.postgres !== undefined)
    databases.push(openPostgres({ url: templates.postgres, connections: 1, onError: () => undefined }));
  for (const database of databases) {
    schemas.set(database.engine, await readSchema(database));
    await database.close();
  }
  const { summary, problems } = judge(readSeen(folder), {
    complete: patterns.length === 0,
    schemas,
    isOfTest: textsOfTests(root),
  });
  for (const line of summary) console.log(`Statements, ${line}`);
  for (const problem of problems) console.error(`\n✖ ${problem}`);
  return problems.length === 0;
}
