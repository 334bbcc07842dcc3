/** One seed decides everything a run does. Streams are apart, so that the pace of one does not change the course of another. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** Both bounds included. */
  whole(min: number, max: number): number;
  pick<T>(list: readonly [T, ...T[]]): T;
  chance(probability: number): boolean;
  stream(name: string): Random;
}

export function createRandom(seed: number): Random {
  // mulberry32 (public domain): 32 bits of state are plenty for a schedule.
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    whole,
    pick: list => list[whole(0, list.length - 1)]!,
    chance: probability => next() < probability,
    stream: name => createRandom(hash(`${seed}/${name}`)),
  };
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const char of text) value = Math.imul(value ^ char.codePointAt(0)!, 0x01000193);
  return value >>> 0;
}
