/**
 * Checkpoints of the embedded engine: what the write-ahead log holds is copied into the database by a thread of its own, because
 * that waits for the disk and would hold up the event loop. The thread starts with the first load that needs it.
 */
import { Worker } from 'node:worker_threads';
import type { Checkpointed } from './checkpoint-thread.ts';

/** Commits after which the log is worth copying. SQLite's own rule stands behind it as a net (sqlite.ts). */
const commitsMax = 500;

/** Pages that commits added meanwhile and that the event loop may copy itself: some milliseconds. */
const pagesMax = 2_000;

export interface Checkpoints {
  /** After every commit. */
  committed(): void;
  close(): Promise<void>;
}

/** `finish` copies the rest on the writing connection: only when all is copied does SQLite begin the log anew. */
export function createCheckpoints(path: string, finish: () => void): Checkpoints {
  let thread: Worker | undefined;
  let busy = false;
  let commits = 0;

  function copy(): void {
    busy = true;
    commits = 0;
    thread ??= start();
    thread.postMessage('checkpoint');
  }

  function start(): Worker {
    const worker = new Worker(new URL('./checkpoint-thread.ts', import.meta.url), { workerData: path });
    worker.unref();
    worker.on('message', ({ left }: Checkpointed) => {
      busy = false;
      if (left <= pagesMax) finish();
      else copy();
    });
    // Without the thread SQLite's own rule copies, in the event loop.
    worker.on('error', () => undefined);
    return worker;
  }

  return {
    committed() {
      if (++commits >= commitsMax && !busy) copy();
    },
    async close() {
      await thread?.terminate();
    },
  };
}
