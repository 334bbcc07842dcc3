/**
 * `npm test`: every test there is. Starts one PostgreSQL server for all of them where the programs are installed; where not, says
 * so, and fails if WAGATE_TEST_REQUIRE asks for it.
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { findPostgres, startPostgres } from './harness/postgres.ts';

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

const child = spawn(process.execPath, ['--test', '--test-concurrency=2', '--test-timeout=300000', ...files], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, ...(url === undefined ? {} : { WAGATE_TEST_POSTGRES: url }) },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
const code = await new Promise<number>(resolve => child.once('exit', status => resolve(status ?? 1)));
await server?.stop();
process.exit(code);
