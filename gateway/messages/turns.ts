/**
 * Turns of a number's sends in this process. Slots are spread evenly (pace.ts), but sends that are late, because the database or the
 * process was busy, must not go out together with those that follow: Meta counts arrivals, not slots. So nothing is written that would
 * be one more than the number's rate in a second and a bit. What fits into that goes at once: who stood still a moment has lost no time.
 */

export interface Turns {
  /** Resolves when the number may write its next request, in the order of asking. */
  wait(number: { id: number; perSecond: number }): Promise<void>;
}

export interface TurnsDeps {
  steadyMs(): number;
  sleep(ms: number): Promise<unknown>;
}

/** A second, and what the way to Meta may bunch. Slots at 96 % of the rate fit in just so. */
const windowMs = 1_030;

interface Sends {
  /** When its last requests were written, in steady ms. */
  written: number[];
  waiting: { most: number; go(): void }[];
}

export function createTurns({ steadyMs, sleep }: TurnsDeps): Turns {
  /** Those that wrote within the window or wait; who wrote last comes last. So it holds no more than a second's sends. */
  const numbers = new Map<number, Sends>();

  function forgetIdle(now: number): void {
    for (const [id, { written, waiting }] of numbers) {
      if (waiting.length > 0 || written.at(-1)! > now - windowMs) return;
      numbers.delete(id);
    }
  }

  /** When the number may write the next, if it may write `most` in a window. */
  function opensAt({ written }: Sends, most: number): number {
    return written.length < most ? 0 : written[written.length - most]! + windowMs;
  }

  function write(id: number, sends: Sends, now: number): void {
    sends.written.push(now);
    // Seldom, so that it costs nothing per send.
    if (sends.written[sends.written.length >> 1]! <= now - windowMs)
      sends.written = sends.written.filter(at => at > now - windowMs);
    numbers.delete(id);
    numbers.set(id, sends);
    forgetIdle(now);
  }

  async function serve(id: number, sends: Sends): Promise<void> {
    for (let next = sends.waiting[0]; next !== undefined; next = sends.waiting[0]) {
      const now = steadyMs();
      const wait = opensAt(sends, next.most) - now;
      if (wait > 0) await sleep(wait);
      else {
        sends.waiting.shift();
        write(id, sends, now);
        next.go();
      }
    }
  }

  return {
    async wait({ id, perSecond }) {
      const sends = numbers.get(id) ?? { written: [], waiting: [] };
      const now = steadyMs();
      if (sends.waiting.length === 0 && opensAt(sends, perSecond) <= now) return write(id, sends, now);
      const turn = Promise.withResolvers<void>();
      sends.waiting.push({ most: perSecond, go: turn.resolve });
      if (sends.waiting.length === 1) void serve(id, sends);
      return turn.promise;
    },
  };
}
