/** An array whose head moves instead of its elements. */
export function createFifo<T>() {
  let items: T[] = [];
  let head = 0;

  function compact(): void {
    if (head < 1024 || head * 2 < items.length) return;
    items = items.slice(head);
    head = 0;
  }

  return {
    /** Any order is as likely as any other (Fisher and Yates). */
    shuffle(): void {
      for (let i = items.length - 1; i > head; i -= 1) {
        const j = head + Math.floor(Math.random() * (i - head + 1));
        [items[i], items[j]] = [items[j] as T, items[i] as T];
      }
    },
    push(item: T): void {
      items.push(item);
    },
    shift(): T | undefined {
      if (head >= items.length) return undefined;
      const item = items[head];
      head += 1;
      compact();
      return item;
    },
    take(count: number): T[] {
      const taken = items.slice(head, head + count);
      head += taken.length;
      compact();
      return taken;
    },
  };
}
