/**
 * Turns of a number's sends in this process. Slots are spread evenly (pace.ts), but sends that are late, because the database or the
 * process was busy, must not go out together: Meta counts arrivals, not slots. Spaced at 97 % of the rate they catch up slowly with slots
 * that are spaced at 96 %.
 */

export interface Turns {
  /** Resolves when the number may write its next request. */
  wait(number: { id: number; perSecond: number }): Promise<void>;
}

export interface TurnsDeps {
  steadyMs(): number;
  sleep(ms: number): Promise<unknown>;
}

const usedShare = 0.97;
/** What wakes so much later than it was to would be too close to the next: a second has 3 % to spare, which is 30 ms, and the way to Meta needs some. */
const lateMs = 15;
/** On a machine that is always late it would wait for ever. */
const bookedMost = 3;
const numbersMax = 50_000;

export function createTurns({ steadyMs, sleep }: TurnsDeps): Turns {
  /** The first free moment of each number, in steady ms. */
  const next = new Map<number, number>();

  function book({ id, perSecond }: { id: number; perSecond: number }): number {
    const at = Math.max(steadyMs(), next.get(id) ?? 0);
    if (next.size > numbersMax) next.clear();
    next.set(id, at + 1_000 / (perSecond * usedShare));
    return at;
  }

  return {
    async wait(number) {
      for (let booked = 0; booked < bookedMost; booked++) {
        const at = book(number);
        if (at - steadyMs() < 1) return;
        await sleep(at - steadyMs());
        if (steadyMs() - at < lateMs) return;
      }
    },
  };
}
