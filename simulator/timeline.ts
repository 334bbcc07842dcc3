/**
 * Things to do later, by the tick: one timer for any number of them, a list for each tick that has any.
 * A timer for each status would be three for every message.
 */
export type Timeline = ReturnType<typeof createTimeline>;

const tickMs = 5;

export function createTimeline() {
  const ticks = new Map<number, (() => void)[]>();
  let next = 0;
  let waiting = 0;
  let timer: NodeJS.Timeout | undefined;

  const tickOf = (time: number) => Math.floor(time / tickMs);

  function advance(): void {
    timer = undefined;
    const now = tickOf(performance.now());
    for (; next <= now && waiting > 0; next += 1) {
      const due = ticks.get(next);
      if (!due) continue;
      ticks.delete(next);
      waiting -= due.length;
      for (const action of due) action();
    }
    arm();
  }

  function arm(): void {
    if (waiting > 0 && !timer) timer = setTimeout(advance, tickMs);
  }

  return {
    after(ms: number, action: () => void): void {
      const now = tickOf(performance.now());
      if (waiting === 0) next = now;
      // Never the tick being emptied: an action may put itself back.
      const tick = Math.max(tickOf(performance.now() + ms) + 1, next + 1);
      const list = ticks.get(tick);
      if (list) list.push(action);
      else ticks.set(tick, [action]);
      waiting += 1;
      arm();
    },
    clear(): void {
      ticks.clear();
      waiting = 0;
      if (timer) clearTimeout(timer);
      timer = undefined;
    },
  };
}
