/**
 * `npm test`: every test there is. Starts one PostgreSQL server for all of them where the programs are installed; where not, says
 * so, and fails if WAGATE_TEST_REQUIRE asks for it. Every SQL statement that runs meanwhile is watched, and judged at the end.
 */
import { spawn } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { migrate } from '../gateway/platform/migrate.ts';
import { openPostgres } from '../gateway/platform/postgres.ts';
import { openSqlite } from '../gateway/platform/sqlite.ts';
import { findPostgres, startPostgres } from './harness/postgres.ts';
import { proveServer } from './harness/prove-money.ts';
import { judge, readSchema, readSeen, type Schema, textsOfTests } from './statements/seen.ts';

const root = join(import.meta.dirname, '..');
const patterns = process.argv.slice(2);
const files = globSync(
  patterns.length > 0 ? patterns : ['gateway/**/*.test.ts', 'simulator/**/*.test.ts', 'test/**/*.test.ts'],
  { cwd: root },
).sort();

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
const server = programs === undefined ? undefined : await startPostgres(programs);
const url = await server?.createDatabase('wagate_tests');
const statements = mkdtempSync(join(tmpdir(), 'wagate-statements-'));
const proofs = join(statements, 'proofs.txt');

const child = spawn(process.execPath, ['--test', '--test-concurrency=2', '--test-timeout=300000', ...files], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import ${watcher(statements)}`.trim(),
    WAGATE_TEST_PROOFS: proofs,
    ...(url === undefined ? {} : { WAGATE_TEST_POSTGRES: url }),
  },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
let code = await new Promise<number>(resolve => child.once('exit', status => resolve(status ?? 1)));
if (!(await judgeStatements())) code ||= 1;
tellProofs();
if (url !== undefined && !(await judgeMoney(url))) code ||= 1;
rmSync(statements, { recursive: true });
await server?.stop();
process.exit(code);

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
  for (const engine of ['sqlite', 'postgres'] as const) {
    if (engine === 'postgres' && server === undefined) continue;
    const database =
      engine === 'sqlite'
        ? openSqlite(join(statements, 'schema.db'))
        : openPostgres({
            url: await server!.createDatabase('wagate_schema'),
            connections: 1,
            onError: () => undefined,
          });
    await migrate(database, Date.now());
    schemas.set(engine, await readSchema(database));
    await database.close();
  }
  const { summary, problems } = judge(readSeen(statements), {
    complete: patterns.length === 0,
    schemas,
    isOfTest: textsOfTests(root),
  });
  for (const line of summary) console.log(`Statements, ${line}`);
  for (const problem of problems) console.error(`\n✖ ${problem}`);
  return problems.length === 0;
}
