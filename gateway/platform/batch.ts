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
  weight: number;
  resolve(result: O): void;
  reject(error: unknown): void;
}

export interface BatchOptions<I, O> {
  /** All or nothing: throws when none of the items took effect. */
  run(items: I[]): Promise<O[]>;
  sizeMax: number;
  waitingMax: number;
  /** What an item counts for against both bounds; 1 by default. One item is always taken, whatever it weighs. */
  weigh?(item: I): number;
}

export function createBatcher<I, O>(options: BatchOptions<I, O>): Batcher<I, O> {
  const { run, sizeMax, waitingMax, weigh = () => 1 } = options;
  let waiting: Waiting<I, O>[] = [];
  let weight = 0;
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
    const batch = take();
    await settle(batch);
    running = false;
    if (waiting.length > 0) schedule();
    else {
      const listeners = idleListeners;
      idleListeners = [];
      for (const listener of listeners) listener();
    }
  }

  function take(): Waiting<I, O>[] {
    let size = 0;
    let count = 0;
    while (count < waiting.length && (count === 0 || size + waiting[count]!.weight <= sizeMax))
      size += waiting[count++]!.weight;
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    weight -= size;
    return batch;
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
      const own = weigh(item);
      if (waiting.length > 0 && weight + own > waitingMax) return Promise.reject(new BatchFull());
      weight += own;
      return new Promise<O>((resolve, reject) => {
        waiting.push({ item, weight: own, resolve, reject });
        schedule();
      });
    },
    idle() {
      if (!running && waiting.length === 0) return Promise.resolve();
      return new Promise(resolve => idleListeners.push(resolve));
    },
  };
}
