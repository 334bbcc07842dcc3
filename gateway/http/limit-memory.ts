/**
 * How keys stood at their last send, for the headers of answers that never came as far as the limit (a wrong body, an unknown number).
 * Only told, never decided by: the limit itself is in the accept transaction (messages/policy/meter.ts).
 */
import type { KeyLimits, LimitState } from '../canonical/key-limit.ts';

export interface LimitMemory {
  remember(keyId: string, state: LimitState, now: number): void;
  /** As it must be by now at the latest: what was used a second, a minute ago counts no more. */
  recall(keyId: string, limits: KeyLimits, now: number): LimitState;
}

const keptMax = 10_000;

export function createLimitMemory(): LimitMemory {
  const kept = new Map<string, { state: LimitState; at: number }>();
  return {
    remember(keyId, state, now) {
      if (kept.size >= keptMax) kept.clear();
      kept.set(keyId, { state, at: now });
    },
    recall(keyId, { perSecond, perMinute }, now) {
      const last = kept.get(keyId);
      const isWithin = (ms: number) => last !== undefined && now - last.at < ms;
      return {
        ...{ perSecond, perMinute },
        remainingSecond: isWithin(1_000) ? Math.min(perSecond, last!.state.remainingSecond) : perSecond,
        remainingMinute: isWithin(60_000) ? Math.min(perMinute, last!.state.remainingMinute) : perMinute,
      };
    },
  };
}
