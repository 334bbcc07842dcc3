/**
 * The HTTP way to Meta: one pool of connections per origin, bounded, with timeouts. Says exactly whether a request may have been
 * read by the other side, because a message that may have been sent is never sent again.
 */
import { DecoratorHandler, type Dispatcher, Pool } from 'undici';
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
  const agent = new Pool(base.origin, {
    connections,
    pipelining: 1,
    connectTimeout: Math.min(timeoutMs, 10_000),
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: 10_000,
    maxResponseSize: answerBytesMax,
  });
  const pool = agent.compose(
    dispatch => (options: BeginningOptions, handler) =>
      dispatch(options, hearBeginning(handler, options.beginning)),
  );

  return {
    async request({ method, path, accessToken, body, beginning }) {
      let begun = false;
      const options: BeginningOptions & { method: 'GET' | 'POST' } = {
        method,
        path: prefix + path,
        headers: { authorization: `Bearer ${accessToken}`, accept: 'application/json' },
        body: body ?? null,
        beginning() {
          beginning?.();
          begun = true;
        },
      };
      if (body !== undefined) options.headers = { ...options.headers, 'content-type': 'application/json' };
      try {
        const response = await pool.request(options);
        const json = parseJson(await response.body.text());
        return { kind: 'answer', status: response.statusCode, body: isObject(json) ? json : undefined };
      } catch (error) {
        const { code, message } = innermost(error);
        const reason = code === '' ? message : `${code}: ${message}`;
        return { kind: begun ? 'unanswered' : 'unsent', reason };
      }
    },
    close: () => agent.close(),
  };
}

interface BeginningOptions extends Dispatcher.DispatchOptions {
  headers?: Record<string, string>;
  beginning?(): void;
}

/** Hears undici's own moment between "a connection is there" and "the first byte goes out". */
function hearBeginning(
  handler: Dispatcher.DispatchHandler,
  beginning?: () => void,
): Dispatcher.DispatchHandler {
  // Brings handlers of undici's older form into the present one.
  const inner = new DecoratorHandler(handler) as Dispatcher.DispatchHandler;
  return {
    onRequestStart(controller, context) {
      beginning?.();
      inner.onRequestStart?.(controller, context);
    },
    onResponseStart: (...args) => inner.onResponseStart?.(...args),
    onResponseData: (...args) => inner.onResponseData?.(...args),
    onResponseEnd: (...args) => inner.onResponseEnd?.(...args),
    onResponseError: (...args) => inner.onResponseError?.(...args),
  };
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
