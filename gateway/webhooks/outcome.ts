/** What became of a POST, in words that are stored, shown and documented. */

/** Why an attempt did not deliver, each with what its reader should know. The table of docs/webhooks.md is made from it. */
export const problems = {
  status: 'The endpoint answered with an error.',
  redirect: 'The endpoint answered with a redirect, which is not followed: register the URL it leads to.',
  gone: 'The endpoint answered 410, which asks for no more: it is disabled.',
  'slow-down': 'The endpoint answered 429, 502, 503 or 504: it rests before the next attempt.',
  dns: 'The name of the host could not be resolved.',
  refused: 'Nobody listens at the address: the connection was refused.',
  reset: 'The connection was closed before the answer came.',
  unreachable: 'There is no way to the address.',
  timeout: 'No answer came in time.',
  'tls-unknown':
    'The certificate is signed by nobody we know: it is self-signed, or the server does not send the ones between.',
  'tls-name': 'The certificate is of another host.',
  'tls-time': 'The certificate has expired, or is not valid yet.',
  tls: 'The TLS connection failed.',
  blocked: 'The name of the host leads to an address that endpoints may not have.',
  'bad-answer': 'What came back is no HTTP answer, or its headers are too long.',
  fault: 'Wagate could not make the request; its log says why.',
  'no-words': "The endpoint's format has no words for this event, so that it was not posted.",
  'event-gone': 'What the event said has aged out or was erased, so that it was not posted.',
  skipped: 'Somebody asked to skip what was waiting.',
} as const satisfies Record<string, string>;

export type Problem = keyof typeof problems;

/** What came of one POST. */
export type Outcome =
  | { kind: 'delivered' }
  | {
      kind: 'failed';
      problem: Problem;
      /** The endpoint asks for rest. */
      slowDown: boolean;
      /** How long it asks for, in ms; null when it does not say. */
      retryAfterMs: number | null;
    };

const retryAfterMaxMs = 24 * 3_600_000;
const slowDown = new Set([429, 502, 503, 504]);

/** The status decides: what becomes of the body after it does not make a yes a no. `retryAfter`: the header. */
export function outcomeOfStatus(status: number, retryAfter: string | undefined, nowMs: number): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  const slows = slowDown.has(status);
  const problem = slows ? 'slow-down' : status === 410 ? 'gone' : status < 400 ? 'redirect' : 'status';
  const retryAfterMs = retryAfter === undefined ? null : readRetryAfter(retryAfter, nowMs);
  return { kind: 'failed', problem, slowDown: slows || retryAfterMs !== null, retryAfterMs };
}

/** Seconds or an HTTP date (RFC 9110, 10.2.3); null when it is neither. */
function readRetryAfter(text: string, nowMs: number): number | null {
  const ms = /^\s*\d+\s*$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? null : Math.min(Math.max(0, ms), retryAfterMaxMs);
}

export const failure = (problem: Problem): Outcome => ({
  kind: 'failed',
  problem,
  slowDown: false,
  retryAfterMs: null,
});

const problemOfCode: [code: RegExp, problem: Problem][] = [
  [/^WAGATE_BLOCKED$/, 'blocked'],
  [/^WAGATE_DEADLINE$|^ETIMEDOUT$|^UND_ERR_\w*TIMEOUT$/, 'timeout'],
  // Of getaddrinfo and of c-ares (node:dns).
  [/^EAI_|^E(NOTFOUND|NODATA|SERVFAIL|FORMERR|NOTIMP|REFUSED|BADNAME|BADRESP|TIMEOUT|CANCELLED)$/, 'dns'],
  [/^ECONNREFUSED$/, 'refused'],
  [/^(ECONNRESET|EPIPE|ECONNABORTED|UND_ERR_SOCKET|UND_ERR_RES_\w+)$/, 'reset'],
  [/^E(HOSTUNREACH|NETUNREACH|HOSTDOWN|NETDOWN|ADDRNOTAVAIL|ACCES|PERM|INVAL)$/, 'unreachable'],
  // Of node:tls, most named as OpenSSL names what X509_verify_cert_error_string tells.
  [/^(DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(VERIFY|GET_ISSUER)|CERT_UNTRUSTED$|INVALID_CA$)/, 'tls-unknown'],
  [/^(ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/, 'tls-name'],
  [/^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/, 'tls-time'],
  [
    /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|EPROTO$|HOSTNAME_MISMATCH|CRL_|INVALID_CA)/,
    'tls',
  ],
  [/^UND_ERR_HEADERS_OVERFLOW$/, 'bad-answer'],
];

/** Of an error that came instead of an answer. */
export function problemOf(error: unknown): Problem {
  // Its code is not set for every fault it finds.
  if ((error as { name?: unknown }).name === 'HTTPParserError') return 'bad-answer';
  const code = codeOf(error);
  return problemOfCode.find(([pattern]) => pattern.test(code))?.[1] ?? 'fault';
}

/** Several addresses that were tried in vain make an AggregateError. */
function codeOf(error: unknown): string {
  const { code, errors, cause } = error as { code?: unknown; errors?: unknown[]; cause?: unknown };
  if (typeof code === 'string' && code !== '') return code;
  const inner = errors?.[0] ?? cause;
  return inner === undefined ? '' : codeOf(inner);
}
