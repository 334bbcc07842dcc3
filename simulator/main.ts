import module from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Simulator } from './simulator.ts';

// As wagate.js does for the gateway, which is not ready before its simulator: compiling was more than half of the start.
module.enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'compile'));
const { createSimulator } = await import('./simulator.ts');

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: process.env.SIMULATOR_PORT ?? '4000' },
    host: { type: 'string', default: process.env.SIMULATOR_HOST ?? '127.0.0.1' },
    quiet: { type: 'boolean', default: false },
  },
});

function stop(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

const port = Number(values.port);
if (!Number.isInteger(port) || port < 0 || port > 65_535)
  stop(`--port must be 0 to 65535, not ${values.port}`);

async function start(): Promise<Simulator> {
  try {
    return await createSimulator({ port, host: values.host });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRINUSE') {
      stop(`port ${port} on ${values.host} is in use: stop what listens there, or give another with --port`);
    }
    throw error;
  }
}

const simulator = await start();
let closing = false;

function close(): void {
  if (closing) return;
  closing = true;
  simulator.close().then(
    () => process.exit(0),
    (error: unknown) => stop(`the simulator did not close: ${String(error)}`),
  );
}

process.once('SIGINT', close);
process.once('SIGTERM', close);
// Whoever started it over a channel is gone when the channel is: it never outlives its parent.
process.once('disconnect', close);

if (!values.quiet) process.stdout.write(`simulator listening on ${simulator.url}\n`);
if (process.send) process.send({ type: 'ready', port: simulator.port });
