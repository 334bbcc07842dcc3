/**
 * Micro-batches (decision 5): all items that arrive within one turn of the event loop, or while the last batch is being
 * committed, share one transaction.
 */
import { isOutage } from './database.ts';

export interface Batcher<I, O> {
  /** Resolves with the item's result once its batch is committed. Throws `BatchFull` past `waitingMax`. */
  add(item: I): Promise<O>;
  /** Resolves when nothing is waiting or running. */
  idle(): Promise<void>;
}

export class BatchFull extends Error {
  constructor() {
    super('too many items are waiting for the database');
  }
}

interface Waiting<I, O> {
  item: I;
  resolve(result: O): void;
  reject(error: unknown): void;
}

export interface BatchOptions<I, O> {
  /** All or nothing: throws when none of the items took effect. */
  run(items: I[]): Promise<O[]>;
  sizeMax: number;
  waitingMax: number;
}

export function createBatcher<I, O>({ run, sizeMax, waitingMax }: BatchOptions<I, O>): Batcher<I, O> {
  let waiting: Waiting<I, O>[] = [];
  let running = false;
  let scheduled = false;
  let idleListeners: (() => void)[] = [];

  function schedule() {
    if (scheduled || running || waiting.length === 0) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      void flush();
    });
  }

  async function flush() {
    running = true;
    const batch = waiting.slice(0, sizeMax);
    waiting = waiting.slice(sizeMax);
    await settle(batch);
    running = false;
    if (waiting.length > 0) schedule();
    else {
      const listeners = idleListeners;
      idleListeners = [];
      for (const listener of listeners) listener();
    }
  }

  async function settle(batch: Waiting<I, O>[]): Promise<void> {
    try {
      const results = await run(batch.map(({ item }) => item));
      for (const [i, { resolve }] of batch.entries()) resolve(results[i] as O);
    } catch (error) {
      // One item must not cost the others: what failed together is tried one by one.
      if (batch.length === 1 || isOutage(error)) for (const { reject } of batch) reject(error);
      else for (const one of batch) await settle([one]);
    }
  }

  return {
    add(item) {
      if (waiting.length >= waitingMax) return Promise.reject(new BatchFull());
      return new Promise<O>((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        schedule();
      });
    },
    idle() {
      if (!running && waiting.length === 0) return Promise.resolve();
      return new Promise(resolve => idleListeners.push(resolve));
    },
  };
}
