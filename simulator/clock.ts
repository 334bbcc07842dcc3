/** Unix milliseconds. */
export type Now = () => number;

/** Never goes back, whatever is done to the machine's clock: limits count by it. */
export const steadyNow: Now = () => performance.timeOrigin + performance.now();
