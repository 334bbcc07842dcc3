/** One POST to an endpoint: a deadline for all of it, no redirects, and no more of the answer than is worth keeping. */
import type { Agent, Dispatcher } from 'undici';
import { steadyMs } from '../platform/clock.ts';
import { version } from '../platform/version.ts';
import type { Posting } from './formats/format.ts';
import { failure, type Outcome, outcomeOfStatus, problemOf } from './outcome.ts';

export interface Posted {
  outcome: Outcome;
  tookMs: number;
  /** null: no answer came. */
  answer: { status: number; headers: Record<string, string | string[]>; body: string } | null;
  /** What went wrong, for the log; undefined when an answer came. */
  error?: unknown;
}

export interface Post {
  /** undefined once it is aborted: nobody knows then what came of it. */
  done: Promise<Posted | undefined>;
  abort(): void;
}

/** What is kept of an answer's body. */
const keptBytes = 16_384;
/** Who sends more loses the connection. */
const readBytesMax = 65_536;

const userAgent = `Wagate/${version}`;
/** Of the connection, which is ours; customers' headers are checked when they are saved, and once more here. */
const ours = new Set([
  ...['connection', 'content-length', 'expect', 'host', 'keep-alive', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade', 'proxy-connection'],
]);

export function sentHeaders(posting: Posting): Record<string, string> {
  const headers: Record<string, string> = { 'user-agent': userAgent };
  for (const [name, value] of Object.entries(posting.headers))
    if (!ours.has(name.toLowerCase())) headers[name.toLowerCase()] = value;
  return headers;
}

export function post(
  agent: Agent,
  url: string,
  headers: Record<string, string>,
  body: string,
  options: { timeoutMs: number; now(): number },
): Post {
  const startedAt = steadyMs();
  const { promise, resolve } = Promise.withResolvers<Posted | undefined>();
  let controller: Dispatcher.DispatchController | undefined;
  let answer: { status: number; headers: Record<string, string | string[]> } | undefined;
  const chunks: Buffer[] = [];
  let readBytes = 0;
  let over = false;

  function end(error?: unknown): void {
    if (over) return;
    over = true;
    clearTimeout(deadline);
    resolve({ ...result(error), tookMs: Math.round(steadyMs() - startedAt) });
  }

  function result(error: unknown): Omit<Posted, 'tookMs'> {
    if (answer === undefined) return { outcome: failure(problemOf(error)), answer: null, error };
    const retryAfter = answer.headers['retry-after'];
    const outcome = outcomeOfStatus(
      answer.status,
      Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
      options.now(),
    );
    const text = Buffer.concat(chunks).subarray(0, keptBytes).toString();
    return { outcome, answer: { ...answer, body: text } };
  }

  /** Of a request that waits for its connection still, undici hears of it when there is one: then it is not written. */
  const drop = (error: Error) => controller?.abort(error);

  const deadline = setTimeout(() => {
    const error = new Over();
    end(error);
    drop(error);
  }, options.timeoutMs);

  try {
    const { origin, pathname, search } = new URL(url);
    agent.dispatch(
      { origin, path: pathname + search, method: 'POST', headers, body },
      {
        onRequestStart(started) {
          controller = started;
          if (over) drop(new Over());
        },
        onResponseStart(_, status, received) {
          // 1xx is no answer yet.
          if (status >= 200) answer = { status, headers: received as Record<string, string | string[]> };
        },
        onResponseData(_, chunk) {
          if (readBytes < keptBytes) chunks.push(chunk);
          readBytes += chunk.length;
          if (readBytes > readBytesMax) {
            end();
            drop(new Over());
          }
        },
        onResponseEnd: () => end(),
        onResponseError: (_, error) => end(error),
      },
    );
  } catch (error) {
    end(error);
  }

  return {
    done: promise,
    abort() {
      if (over) return;
      over = true;
      clearTimeout(deadline);
      resolve(undefined);
      drop(new Over());
    },
  };
}

class Over extends Error {
  readonly code = 'WAGATE_DEADLINE';
}
