/**
 * What is still to come: one for each accepted message whose statuses are not all made, one for each update not yet
 * delivered, dropped or unwanted. At zero, an account is idle, and whoever waits is told.
 */
export type Idle = ReturnType<typeof createIdle>;

const everyone = '';

export function createIdle() {
  const open = new Map<string, number>();
  const waiters = new Set<{ key: string; tell: () => void }>();

  const count = (key: string) => open.get(key) ?? 0;

  function move(key: string, by: number): void {
    const left = count(key) + by;
    if (left > 0) {
      open.set(key, left);
      return;
    }
    open.delete(key);
    for (const waiter of waiters) if (waiter.key === key) waiter.tell();
  }

  return {
    add(wabaId: string): void {
      move(wabaId, 1);
      move(everyone, 1);
    },
    done(wabaId: string): void {
      move(wabaId, -1);
      move(everyone, -1);
    },
    wait(timeoutMs: number, wabaId = everyone): Promise<boolean> {
      if (count(wabaId) === 0) return Promise.resolve(true);
      return new Promise(resolve => {
        const waiter = { key: wabaId, tell: () => finish(true) };
        const timer = setTimeout(() => finish(false), timeoutMs);
        function finish(idle: boolean): void {
          clearTimeout(timer);
          waiters.delete(waiter);
          resolve(idle);
        }
        waiters.add(waiter);
      });
    },
    clear(): void {
      open.clear();
      for (const waiter of waiters) waiter.tell();
    },
  };
}
