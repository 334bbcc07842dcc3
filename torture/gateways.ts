/** A place for one gateway process, and its keeper: what ends is started again, as a service manager does. */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, lastWords, startChild } from './child.ts';

export interface GatewayPlace {
  url: string;
  /** The process is there and said that it is ready. It may be stalled: a load balancer does not know that either. */
  isUp(): boolean;
  up(timeoutMs: number): Promise<boolean>;
  /** kill -9. False when there was nothing to kill. */
  kill(): Promise<boolean>;
  /** SIGTERM, and away until it has ended by itself. */
  restart(): Promise<void>;
  /** SIGSTOP, and SIGCONT after `forMs`. */
  stall(forMs: number): Promise<void>;
  end(): Promise<void>;
  faults: GatewayFaults;
}

export interface GatewayFaults {
  /** Ends that nobody asked for, of a process that had been ready. */
  crashes: string[];
  /** A graceful stop that ended otherwise than with code 0. */
  uncleanStops: string[];
  /** Starts that did not come to ready, such as without a database; they are tried again. */
  failedStarts: number;
}

const stopMaxMs = 30_000;

export function createGatewayPlace(port: number, env: Record<string, string>, logFile: string): GatewayPlace {
  const faults: GatewayFaults = { crashes: [], uncleanStops: [], failedStarts: 0 };
  let child: Child | undefined;
  let isReady = false;
  /** The signal after which an end is no surprise. */
  let asked: NodeJS.Signals | undefined;
  let ending = false;
  const running = keep();

  async function keep(): Promise<void> {
    while (!ending) {
      appendFileSync(logFile, `--- start ${new Date().toISOString()}\n`);
      asked = undefined;
      child = startChild('wagate.js', ['serve'], { ...env, PORT: String(port) }, logFile);
      appendFileSync(logFile, `--- pid ${child.pid}\n`);
      isReady = await child.ready.then(
        () => true,
        () => false,
      );
      const wasReady = isReady;
      const how = await child.ended;
      isReady = false;
      child = undefined;
      if (asked === undefined && wasReady) faults.crashes.push(`${how}: ${lastWords(logFile)}`);
      if (asked === undefined && !wasReady) faults.failedStarts++;
      if (asked === 'SIGTERM' && how !== 'code 0') faults.uncleanStops.push(`${how}: ${lastWords(logFile)}`);
      if (!ending) await sleep(asked === undefined ? 250 : 30);
    }
  }

  function signal(name: NodeJS.Signals): Promise<string> | undefined {
    if (child === undefined) return undefined;
    asked ??= name;
    isReady = false;
    child.signal(name);
    return child.ended;
  }

  return {
    url: `http://127.0.0.1:${port}`,
    faults,
    isUp: () => isReady,
    async up(timeoutMs) {
      for (const until = Date.now() + timeoutMs; Date.now() < until; await sleep(20))
        if (isReady) return true;
      return false;
    },
    async kill() {
      const ended = signal('SIGKILL');
      await ended;
      return ended !== undefined;
    },
    async restart() {
      const stopped = child;
      const ended = signal('SIGTERM');
      const timer = setTimeout(() => {
        faults.uncleanStops.push(`did not end within ${stopMaxMs} ms: ${lastWords(logFile)}`);
        stopped?.signal('SIGKILL');
      }, stopMaxMs);
      await ended;
      clearTimeout(timer);
    },
    async stall(forMs) {
      const stalled = child;
      stalled?.signal('SIGSTOP');
      await sleep(forMs);
      stalled?.signal('SIGCONT');
    },
    async end() {
      ending = true;
      // A stalled process takes SIGKILL as well.
      void signal('SIGKILL');
      await running;
    },
  };
}
