/** argv → one command. The composition root is loaded by the commands that need it only. */
import { run, unexpected } from './cli/program.ts';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // `wagate messages list | head`: whoever read has enough.
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.on('uncaughtException', error => {
  process.stderr.write(`${unexpected(error)}\n`);
  process.exit(1);
});

process.exitCode = await run(process.argv.slice(2), {
  createGateway: async (...given) => (await import('./gateway.ts')).createGateway(...given),
  prepareWorkers: async config => (await import('./prepare-workers.ts')).prepareWorkers(config),
  openDatabase: async (config, log) => (await import('./groundwork.ts')).openDatabase(config, log),
  examine: async config => (await import('./doctor.ts')).examine(config),
  preflight: async config => (await import('./preflight.ts')).preflight(config),
});
