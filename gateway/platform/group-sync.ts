/**
 * Group commit: one fdatasync makes durable all that was written to a file before it began, and it runs outside the event loop.
 * So nothing waits for the disk but the answers that promise durability (docs/decisions/0010-group-sync.md).
 */
import { closeSync, fdatasync, openSync } from 'node:fs';

export interface GroupSync {
  /** Resolves when everything written before the call has reached the disk. After one failure it throws for ever. */
  reached(): Promise<void>;
  close(): void;
}

export function createGroupSync(path: string): GroupSync {
  const file = openSync(path, 'r+');
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let broken: Error | undefined;

  function sync(): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      fdatasync(file, error => {
        // The system forgets what it could not write: a later success would say nothing about it.
        broken ??= error ?? undefined;
        running = undefined;
        if (broken === undefined) resolve();
        else reject(broken);
      });
    });
    running = done;
    return done;
  }

  return {
    reached() {
      if (broken !== undefined) return Promise.reject(broken);
      if (running === undefined) return sync();
      // The one under way may have begun before what the caller wrote.
      next ??= running
        .catch(() => undefined)
        .then(() => {
          next = undefined;
          return broken === undefined ? sync() : Promise.reject(broken);
        });
      return next;
    },
    close: () => closeSync(file),
  };
}
