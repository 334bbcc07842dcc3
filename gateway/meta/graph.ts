/**
 * The HTTP way to Meta: one pool of connections per origin, bounded, with timeouts. Says exactly whether a request may have been
 * read by the other side, because a message that may have been sent is never sent again.
 */
import { Pool } from 'undici';
import { isObject, type JsonObject, parseJson } from '../canonical/json.ts';

export interface GraphRequest {
  method: 'GET' | 'POST';
  /** Without the version: `/106540352242922/messages`. */
  path: string;
  accessToken: string;
  /** Serialized JSON. */
  body?: string;
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

/** Failures before the first byte of the request was written (undici's and Node's error codes). */
const beforeWriting = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

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
    async request({ method, path, accessToken, body }) {
      try {
        const headers: Record<string, string> = {
          authorization: `Bearer ${accessToken}`,
          accept: 'application/json',
        };
        if (body !== undefined) headers['content-type'] = 'application/json';
        const response = await pool.request({ method, path: prefix + path, headers, body: body ?? null });
        const json = parseJson(await response.body.text());
        return { kind: 'answer', status: response.statusCode, body: isObject(json) ? json : undefined };
      } catch (error) {
        const { code, message } = innermost(error);
        const reason = code === '' ? message : `${code}: ${message}`;
        return { kind: beforeWriting.has(code) ? 'unsent' : 'unanswered', reason };
      }
    },
    close: () => pool.close(),
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
