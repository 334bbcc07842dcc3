/** One POST with the attempts in it: what is posted, what came of it, and what that means for each. */
import { storable } from '../platform/database.ts';
import type { Endpoint } from '../tenants/endpoints.ts';
import type { DueAttempt, Settled } from './attempts.ts';
import type { StoredEvent } from './event.ts';
import type { Posting } from './formats/format.ts';
import { hasWords, render } from './formats/render.ts';
import { failure, type Outcome, type Problem } from './outcome.ts';
import { type Post, type Posted, sentHeaders } from './post.ts';
import { retryDelayMs } from './schedule.ts';

export interface DeliverDeps {
  /** Of the number, for endpoints that are signed as Meta would; null where there is none. */
  appSecret(numberId: number): Promise<string | null>;
  post(url: string, headers: Record<string, string>, body: string): Post;
  now(): number;
  random(): number;
  retrySeconds: readonly number[];
}

export interface Delivery {
  settled: Settled[];
  /** null: nothing was posted. */
  outcome: Outcome | null;
  error: unknown;
}

export type Ready = DueAttempt & { event: StoredEvent };

/** Takes those apart that are not posted at all. */
export function sortOut(attempts: DueAttempt[], endpoint: Endpoint): { ready: Ready[]; skipped: Settled[] } {
  const ready: Ready[] = [];
  const skipped: Settled[] = [];
  for (const attempt of attempts) {
    const { event } = attempt;
    if (event === undefined) skipped.push(skip(endpoint, attempt, 'event-gone'));
    else if (!hasWords(endpoint.format, event)) skipped.push(skip(endpoint, attempt, 'no-words'));
    else ready.push({ ...attempt, event });
  }
  return { ready, skipped };
}

/** What one POST with these says. */
export async function compose(
  ready: Ready[],
  endpoint: Endpoint,
  deps: Pick<DeliverDeps, 'appSecret' | 'now'>,
): Promise<Posting> {
  const nowMs = deps.now();
  const [first] = ready;
  const numberId = first!.event.numberId;
  const appSecret = endpoint.signsWith === 'app' && numberId !== null ? await deps.appSecret(numberId) : null;
  const live = endpoint.secrets.filter(({ until }) => until === null || until > nowMs);
  const secrets = live.map(({ secret }) => secret);
  const events = ready.map(({ event }) => event);
  return render(endpoint.format, events, endpoint, { secrets, nowMs, appSecret, attempt: first!.n })!;
}

/** Of what could not be made into a POST, by a fault of ours: the endpoint has no part in it. */
export function unmade(ready: Ready[], endpoint: Endpoint, deps: DeliverDeps): Delivery {
  const outcome = failure('fault');
  const settled = ready.map(attempt => ({
    ...skip(endpoint, attempt, 'fault'),
    ...end(attempt, outcome, deps),
    beganAt: deps.now(),
  }));
  return { settled, outcome: null, error: undefined };
}

/** What came of it, for each. */
function settledOf(
  ready: Ready[],
  endpoint: Endpoint,
  sent: { headers: Record<string, string>; body: string; beganAt: number },
  posted: Posted,
  deps: Pick<DeliverDeps, 'now' | 'random' | 'retrySeconds'>,
): Settled[] {
  const { outcome, answer } = posted;
  const headers = JSON.stringify(masked(sent.headers, endpoint));
  const together = ready.length > 1 ? ready[0]!.eventId : null;
  return ready.map((attempt, i) => ({
    ...of(endpoint, attempt),
    ...end(attempt, outcome, deps),
    beganAt: sent.beganAt,
    tookMs: posted.tookMs,
    httpStatus: answer?.status ?? null,
    problem: outcome.kind === 'delivered' ? null : outcome.problem,
    post: together,
    headers: i === 0 ? headers : null,
    body: i === 0 ? sent.body : null,
    answerHeaders: answer === null || i > 0 ? null : JSON.stringify(answer.headers),
    answer: answer === null || i > 0 ? null : storable(answer.body),
  }));
}

function end(
  attempt: DueAttempt,
  outcome: Outcome,
  { now, random, retrySeconds }: Pick<DeliverDeps, 'now' | 'random' | 'retrySeconds'>,
): Pick<Settled, 'state' | 'nextAt'> {
  if (outcome.kind === 'delivered') return { state: 'delivered', nextAt: null };
  const delay = retryDelayMs(attempt.failures + 1, retrySeconds, random());
  if (delay === null) return { state: 'given_up', nextAt: null };
  return { state: 'failed', nextAt: now() + Math.max(delay, outcome.retryAfterMs ?? 0) };
}

const of = ({ id }: Endpoint, { eventId, n, conversation }: DueAttempt) => ({
  endpointId: id,
  eventId,
  n,
  conversation,
});

function skip(endpoint: Endpoint, attempt: DueAttempt, problem: Problem): Settled {
  return {
    ...of(endpoint, attempt),
    ...{ state: 'skipped', problem, nextAt: null, beganAt: null, tookMs: null, httpStatus: null },
    ...{ post: null, headers: null, body: null, answerHeaders: null, answer: null },
  };
}

/** What the customer gave may be a secret of theirs, and what authorizes us is one. */
function masked(headers: Record<string, string>, endpoint: Endpoint): Record<string, string> {
  const secret = new Set(['authorization', ...Object.keys(endpoint.headers).map(name => name.toLowerCase())]);
  secret.delete('content-type');
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, secret.has(name) ? '***' : value]),
  );
}

/** Makes the POST; undefined when it was aborted, and then nothing is known of it. */
export async function deliver(
  ready: Ready[],
  endpoint: Endpoint,
  posting: Posting,
  deps: DeliverDeps,
  began: (post: Post) => void,
): Promise<Delivery | undefined> {
  const headers = sentHeaders(posting);
  const beganAt = deps.now();
  const post = deps.post(endpoint.url!, headers, posting.body);
  began(post);
  const posted = await post.done;
  if (posted === undefined) return undefined;
  const settled = settledOf(ready, endpoint, { headers, body: posting.body, beganAt }, posted, deps);
  return { settled, outcome: posted.outcome, error: posted.error };
}
