/**
 * The HTTP way to Meta: one pool of connections per origin, bounded, with timeouts. Says exactly whether a request may have been
 * read by the other side, because a message that may have been sent is never sent again.
 */
import { type Dispatcher, Pool } from 'undici';
import { isObject, type JsonObject, parseJson } from '../canonical/json.ts';

export interface GraphRequest {
  method: 'GET' | 'POST';
  /** Without the version: `/106540352242922/messages`. */
  path: string;
  accessToken: string;
  /** Serialized JSON. */
  body?: string;
  /** Called in the moment before the first byte is written; when it throws, nothing is. */
  beginning?(): void;
}

export type GraphAnswer =
  | { kind: 'answer'; status: number; body: JsonObject | undefined }
  /** Nothing of the request left this machine, or nobody was there to read it. */
  | { kind: 'unsent'; reason: string }
  /** The request was, or may have been, written and no answer came. */
  | { kind: 'unanswered'; reason: string };

export interface Graph {
  request(request: GraphRequest): Promise<GraphAnswer>;
  close(): Promise<void>;
}

export interface GraphOptions {
  url: string;
  version: string;
  timeoutMs: number;
  connections: number;
}

const answerBytesMax = 1_000_000;

export function createGraph({ url, version, timeoutMs, connections }: GraphOptions): Graph {
  const base = new URL(url);
  const prefix = `${base.pathname.replace(/\/+$/, '')}/${version}`;
  const pool = new Pool(base.origin, {
    connections,
    pipelining: 1,
    connectTimeout: Math.min(timeoutMs, 10_000),
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: 10_000,
    maxResponseSize: answerBytesMax,
  });

  return {
    async request({ method, path, accessToken, body, beginning }) {
      let begun = false;
      const options: Dispatcher.DispatchOptions & { headers: Record<string, string> } = {
        method,
        path: prefix + path,
        headers: { authorization: `Bearer ${accessToken}`, accept: 'application/json' },
        body: body ?? null,
      };
      if (body !== undefined) options.headers['content-type'] = 'application/json';
      try {
        const { status, text } = await exchange(pool, options, () => {
          beginning?.();
          begun = true;
        });
        const json = parseJson(text);
        return { kind: 'answer', status, body: isObject(json) ? json : undefined };
      } catch (error) {
        const { code, message } = innermost(error);
        const reason = code === '' ? message : `${code}: ${message}`;
        return { kind: begun ? 'unanswered' : 'unsent', reason };
      }
    },
    close: () => pool.close(),
  };
}

/** By undici's own callbacks: `beginning` is its moment between "a connection is there" and "the first byte goes out". */
function exchange(
  pool: Pool,
  options: Dispatcher.DispatchOptions,
  beginning: () => void,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    let status = 0;
    const chunks: Buffer[] = [];
    pool.dispatch(options, {
      onRequestStart: beginning,
      onResponseStart(_controller, statusCode) {
        status = statusCode;
      },
      onResponseData: (_controller, chunk) => void chunks.push(chunk),
      onResponseEnd: () => resolve({ status, text: Buffer.concat(chunks).toString() }),
      onResponseError: (_controller, error) => reject(error),
    });
  });
}

/** Node wraps the cause of a failed connection (several addresses tried) in an AggregateError. */
function innermost(error: unknown): { code: string; message: string } {
  const { code, message, errors, cause } = error as {
    code?: string;
    message?: string;
    errors?: unknown[];
    cause?: unknown;
  };
  if (errors?.[0] !== undefined) return innermost(errors[0]);
  if (code === undefined && cause !== undefined) return innermost(cause);
  return { code: code ?? '', message: message ?? String(error) };
}
