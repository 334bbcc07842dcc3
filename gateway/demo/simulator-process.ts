/** The simulator as a program of its own, started beside the gateway and ending with it. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { StartProblem } from '../platform/start-problem.ts';

export interface SimulatorProcess {
  url: string;
  close(): Promise<void>;
}

const program = join(import.meta.dirname, '..', '..', 'simulator', 'main.ts');

/** Resolves when it listens; throws `StartProblem` when it cannot. `ended` is called if it ends before it is closed. */
export async function startSimulator(port: number, ended: () => void): Promise<SimulatorProcess> {
  const child = fork(program, ['--port', String(port), '--host', '127.0.0.1', '--quiet'], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Ctrl-C reaches the whole group; the gateway decides when the simulator ends.
    detached: true,
  });
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2_000);
  });
  const exited = once(child, 'exit');
  const ready = once(child, 'message') as Promise<[{ port: number }]>;
  const first = await Promise.race([ready, exited.then(() => undefined)]);
  if (first === undefined) {
    throw new StartProblem([complaint.trim() || 'The simulator could not be started.']);
  }
  child.stderr?.resume();
  let closing = false;
  void exited.then(() => {
    if (!closing) ended();
  });
  return {
    url: `http://127.0.0.1:${first[0].port}`,
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      closing = true;
      child.disconnect();
      await exited;
    },
  };
}
