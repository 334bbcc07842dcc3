/**
 * The load: so many connections, each with one request under way at a time, until the time or the count is over. A process of its
 * own, so that it takes no turn of the event loop it measures, and thrifty, since it shares the machine with it.
 */
import { type Dispatcher, Pool } from 'undici';
import { serveParent } from './child.ts';
import { type Draft, request, statusesOf } from './requests.ts';

export interface Job extends Draft {
  /** Connections are spread over them. */
  urls: string[];
  connections: number;
  /** Ends after so many seconds or so many requests, whichever is first. */
  seconds: number;
  countMax?: number;
  /** Keep the ids in the answers: `status` jobs are about them. */
  keepIds?: boolean;
  /** Every status is to be news: end when none is left. Otherwise they repeat. */
  freshOnly?: boolean;
}

export interface Load {
  count: number;
  failed: number;
  firstFailure: string | null;
  seconds: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

/** By their place in the order of requests, so that a status finds the number of its message. */
const ids: string[] = [];
let statusesUsed = 0;

async function run(job: Job): Promise<Load> {
  const pools = job.urls.map(url => new Pool(url, { connections: job.connections, pipelining: 1 }));
  const latencies: number[] = [];
  let failed = 0;
  let firstFailure: string | null = null;
  let next = job.kind === 'status' ? statusesUsed : 0;
  const last = next + (job.countMax ?? Number.POSITIVE_INFINITY);
  const startedAt = performance.now();
  const endsAt = startedAt + job.seconds * 1000;
  const isOver = () =>
    performance.now() >= endsAt || next >= last || (job.freshOnly === true && next >= statusesOf(ids));

  async function connection(pool: Pool): Promise<void> {
    while (!isOver()) {
      const n = next++;
      const wire = request(job, n, ids);
      const at = performance.now();
      const { status, text } = await exchange(pool, { method: 'POST', ...wire });
      if (status >= 200 && status < 300) {
        latencies.push(performance.now() - at);
        if (job.keepIds) ids[n] = (JSON.parse(text) as { id: string }).id;
      } else {
        failed++;
        firstFailure ??= `${status} ${text.slice(0, 500)}`;
      }
    }
  }

  await Promise.all(Array.from({ length: job.connections }, (_, i) => connection(pools[i % pools.length]!)));
  const seconds = (performance.now() - startedAt) / 1000;
  if (job.freshOnly) statusesUsed = next;
  for (const pool of pools) await pool.close();
  latencies.sort((a, b) => a - b);
  const count = latencies.length;
  const at = (share: number) => latencies[Math.min(count - 1, Math.floor(count * share))] ?? 0;
  return {
    count,
    failed,
    firstFailure,
    seconds,
    perSecond: count / seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
  };
}

/** undici's own cheapest way: no streams. A connection that breaks is an answer of status 0. */
function exchange(
  pool: Pool,
  options: Dispatcher.DispatchOptions,
): Promise<{ status: number; text: string }> {
  return new Promise(resolve => {
    let status = 0;
    let text = '';
    pool.dispatch(options, {
      // Its presence says that this handler is of undici's newer form.
      onRequestStart: () => undefined,
      onResponseStart: (_controller, code) => {
        status = code;
      },
      onResponseData: (_controller, chunk) => {
        text += chunk.toString();
      },
      onResponseEnd: () => resolve({ status, text }),
      onResponseError: (_controller, error) => resolve({ status: 0, text: String(error) }),
    });
  });
}

serveParent({}, run);
