#!/usr/bin/env node
// Wagate is TypeScript that runs as it is, on Node 24 or newer. On an older Node this hands over to the one that
// `npm ci` puts beside it (the development dependency "node").
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// What was compiled once is kept: the next start is quicker and smaller. Where it cannot be kept, nothing is lost.
module.enableCompileCache?.(
  join(dirname(realpathSync(fileURLToPath(import.meta.url))), 'node_modules', '.cache', 'compile'),
);

const major = Number(process.versions.node.split('.')[0]);

if (major >= 24) await import('./gateway/main.ts');
else handOver();

function handOver() {
  const here = dirname(realpathSync(fileURLToPath(import.meta.url)));
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const node = join(here, 'node_modules', 'node', 'bin', name);
  if (!existsSync(node) || realpathSync(node) === realpathSync(process.execPath)) {
    process.stderr.write(
      `Wagate needs Node 24 or newer, and this is ${process.version}: run \`npm ci\` in ${here}, which installs one beside it, or install Node 24.\n`,
    );
    process.exit(2);
  }
  // The channel ends with this process, however it ends; the gateway then stops, too.
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc'];
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('message', message => process.send?.(message));
  child.once('error', error => {
    process.stderr.write(`${node} cannot be started (${error.message}): run \`npm ci\` in ${here} again.\n`);
    process.exit(2);
  });
  child.once('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
