import { hashOf } from './hash.ts';

const mostTimes = 255;

/**
 * How often each of millions of texts was counted. Only their hashes are kept, 9 bytes a slot: a Map of the texts takes ten times
 * that. Past `most` different ones, new ones are not counted any more.
 */
export function createCounts(most = 10_000_000) {
  let keys = new Float64Array(16);
  let times = new Uint8Array(16);
  let size = 0;

  function slotOf(key: number): number {
    const mask = keys.length - 1;
    let slot = (key >>> 0) & mask;
    while (times[slot] !== 0 && keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  function grow(): void {
    const [oldKeys, oldTimes] = [keys, times];
    keys = new Float64Array(oldKeys.length * 2);
    times = new Uint8Array(oldKeys.length * 2);
    for (let at = 0; at < oldKeys.length; at += 1) {
      if (oldTimes[at] === 0) continue;
      const slot = slotOf(oldKeys[at]!);
      keys[slot] = oldKeys[at]!;
      times[slot] = oldTimes[at]!;
    }
  }

  return {
    /** Returns how often it was counted before, up to 255 times. */
    add(text: string): number {
      const key = hashOf(text);
      const slot = slotOf(key);
      const before = times[slot]!;
      if (before === 0 && size >= most) return 0;
      keys[slot] = key;
      times[slot] = Math.min(before + 1, mostTimes);
      if (before === 0) {
        size += 1;
        if (size * 2 > keys.length) grow();
      }
      return before;
    },
    times: (text: string) => times[slotOf(hashOf(text))]!,
    /** How many different ones. */
    size: () => size,
    clear(): void {
      keys = new Float64Array(16);
      times = new Uint8Array(16);
      size = 0;
    },
  };
}
