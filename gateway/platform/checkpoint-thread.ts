/** The thread of checkpoints.ts: copies the write-ahead log into the database when asked, and says how many pages are left. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

export interface Checkpointed {
  /** Pages in the log that are not in the database yet. */
  left: number;
}

const connection = new DatabaseSync(workerData as string, { timeout: 5_000 });
connection.exec('pragma synchronous = normal');
const checkpoint = connection.prepare('pragma wal_checkpoint(passive)');

parentPort?.on('message', () => {
  const { log, checkpointed } = checkpoint.get() as { log: number; checkpointed: number };
  parentPort?.postMessage({ left: log - checkpointed } satisfies Checkpointed);
});
