export type SlidingSecond = ReturnType<typeof createSlidingSecond>;

/** What happened within the last second, at any moment. Times are milliseconds and never go back. */
export function createSlidingSecond() {
  let times: number[] = [];
  let head = 0;

  return {
    add(now: number): void {
      times.push(now);
    },
    count(now: number): number {
      while ((times[head] ?? now) <= now - 1000) head += 1;
      if (head > 4096 && head * 2 > times.length) {
        times = times.slice(head);
        head = 0;
      }
      return times.length - head;
    },
  };
}
