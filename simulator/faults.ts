/** Failures asked for beforehand: each rule fires a number of times, on the sends it matches, then is gone. */
export type FaultAction =
  | {
      kind: 'error';
      code: number;
      status?: number;
      subcode?: number;
      message?: string;
      details?: string;
      headers?: Record<string, string>;
    }
  | { kind: 'hang'; ms: number; accept?: boolean }
  | { kind: 'reset_before' }
  | { kind: 'reset_after' }
  | { kind: 'delay'; ms: number }
  | { kind: 'status_failed'; code: number; title?: string; details?: string }
  | { kind: 'html'; status: number };

type FaultMatch = { to?: string; type?: string; phone_number_id?: string };
export type FaultRule = { match?: FaultMatch; times?: number | 'always'; action: FaultAction };

export type Faults = ReturnType<typeof createFaults>;

export function createFaults() {
  let rules: { match: FaultMatch; left: number; fired: number; action: FaultAction }[] = [];

  return {
    add(added: FaultRule[]): void {
      for (const { match = {}, times = 1, action } of added) {
        rules.push({ match, left: times === 'always' ? Number.POSITIVE_INFINITY : times, fired: 0, action });
      }
    },
    /** The first rule that matches, counted as fired. */
    take(given: { to: string; type: string; phoneNumberId: string }): FaultAction | undefined {
      const rule = rules.find(
        ({ match, left }) =>
          left > 0 &&
          (match.to === undefined || match.to === given.to) &&
          (match.type === undefined || match.type === given.type) &&
          (match.phone_number_id === undefined || match.phone_number_id === given.phoneNumberId),
      );
      if (!rule) return undefined;
      rule.left -= 1;
      rule.fired += 1;
      return rule.action;
    },
    list: () =>
      rules.map(({ match, left, fired, action }) => ({
        match,
        left: Number.isFinite(left) ? left : 'always',
        fired,
        action,
      })),
    clear(): void {
      rules = [];
    },
  };
}

const kinds = ['error', 'hang', 'reset_before', 'reset_after', 'delay', 'status_failed', 'html'];

/** What is wrong with a rule as it came over the wire, or undefined. */
export function ruleFault(rule: unknown): string | undefined {
  if (typeof rule !== 'object' || rule === null) return 'a rule must be an object';
  const { action, times } = rule as { action?: Record<string, unknown>; times?: unknown };
  if (typeof action !== 'object' || action === null || !kinds.includes(String(action.kind))) {
    return `action.kind must be one of ${kinds.join(', ')}`;
  }
  if (times !== undefined && times !== 'always' && !(Number.isInteger(times) && Number(times) > 0)) {
    return 'times must be a positive whole number or "always"';
  }
  const needs = { error: 'code', status_failed: 'code', hang: 'ms', delay: 'ms', html: 'status' } as const;
  const need = needs[action.kind as keyof typeof needs];
  return need && typeof action[need] !== 'number' ? `action.${need} must be a number` : undefined;
}
