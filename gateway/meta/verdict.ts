/** What an answer of Meta's means for a message: sent, later, rejected, or unknown. */
import { isObject, type JsonObject } from '../canonical/json.ts';
import type { MetaError } from '../canonical/refusal.ts';
import { delayMs, errorTable, type Pause } from './error-table.ts';
import type { GraphAnswer } from './graph.ts';

export type Verdict =
  | { kind: 'sent'; wamid: string; answer: JsonObject }
  /** Meta did not take it and it may be sent again after `delayMs`; `pause` says what else rests until then. */
  | { kind: 'later'; reason: string; error: MetaError | null; pause: Pause; delayMs: number }
  | { kind: 'rejected'; error: MetaError; disconnects: boolean }
  /** Written, and no answer that can be understood: never sent again, settled by a status. */
  | { kind: 'unknown'; reason: string };

const outage = { pause: 'lane', firstMs: 1_000, factor: 2, mostMs: 60_000 } as const;

/** `tries` counts the sends so far, this one included; `random` in [0, 1) spreads the repeats. */
export function verdictOf(answer: GraphAnswer, tries: number, random: number): Verdict {
  if (answer.kind === 'unsent') {
    return {
      kind: 'later',
      reason: `Meta could not be reached (${answer.reason})`,
      error: null,
      pause: outage.pause,
      delayMs: delayMs(outage, tries, random),
    };
  }
  if (answer.kind === 'unanswered')
    return { kind: 'unknown', reason: `no answer from Meta (${answer.reason})` };
  const { status, body } = answer;
  const wamid = body === undefined ? undefined : firstWamid(body);
  if (status >= 200 && status < 300 && body !== undefined && wamid !== undefined)
    return { kind: 'sent', wamid, answer: body };
  const error = body === undefined ? undefined : metaError(status, body);
  if (error === undefined)
    return { kind: 'unknown', reason: `HTTP ${status} from Meta without a readable answer` };
  const rule = errorTable[error.code];
  if (rule?.later !== undefined) {
    return {
      kind: 'later',
      reason: `${error.code} ${error.title}`,
      error,
      pause: rule.later.pause,
      delayMs: delayMs(rule.later, tries, random),
    };
  }
  return { kind: 'rejected', error, disconnects: rule?.disconnects === true };
}

/** Graph's `{error: {…}}`, or undefined when the body has none. */
export function metaError(httpStatus: number, body: JsonObject): MetaError | undefined {
  const error = body.error;
  if (!isObject(error)) return undefined;
  const code = Number(error.code);
  if (!Number.isInteger(code)) return undefined;
  const data = isObject(error.error_data) ? error.error_data : {};
  return {
    httpStatus,
    code,
    subcode: typeof error.error_subcode === 'number' ? error.error_subcode : null,
    title: errorTable[code]?.title ?? (typeof error.message === 'string' ? error.message : 'Unknown error'),
    details:
      typeof data.details === 'string'
        ? data.details
        : typeof error.message === 'string'
          ? error.message
          : null,
    body: error,
  };
}

function firstWamid(body: JsonObject): string | undefined {
  const [message] = Array.isArray(body.messages) ? body.messages : [];
  return isObject(message) && typeof message.id === 'string' ? message.id : undefined;
}
