/**
 * Customers' servers: most answer at once, some are dead in each of the ways there are. It notes when each event of `message.received` came
 * to whom for the first time.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveParent, sharedMs } from './child.ts';

/** By the first part of the path: `/live/7`. */
const behaviours: Record<string, (response: ServerResponse) => void> = {
  live: response => response.writeHead(200).end(),
  hang: () => undefined,
  error: response => response.writeHead(500).end(),
  drip(response) {
    response.writeHead(500);
    const timer = setInterval(() => response.write('.'), 100);
    response.once('close', () => clearInterval(timer));
  },
};

/** By path, then by the wamid of the message. */
const arrivals = new Map<string, Map<string, number>>();
let posts = 0;

const server = createServer((request, response) => {
  const path = request.url ?? '';
  let body = '';
  request.setEncoding('utf8').on('data', (chunk: string) => {
    body += chunk;
  });
  request.once('end', () => {
    const at = sharedMs();
    posts++;
    const wamid = /"id":"(wamid[^"]+)"/.exec(body)?.[1] ?? '';
    const of = arrivals.get(path) ?? new Map<string, number>();
    if (!of.has(wamid)) arrivals.set(path, of.set(wamid, at));
    behaviours[path.split('/')[1]!]!(response);
  });
});

export interface Awaited {
  /** Of endpoints that get the same events. */
  paths: string[];
  /** When each was committed, by wamid. */
  events: Record<string, number>;
}

export interface Heard {
  /** That came not yet. */
  missing: number;
  /** POSTs, to the dead ones too. */
  posts: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

function hear(awaited: Awaited[]): Heard {
  const delays: number[] = [];
  let missing = 0;
  for (const { paths, events } of awaited)
    for (const path of paths)
      for (const [wamid, committedAt] of Object.entries(events)) {
        const at = arrivals.get(path)?.get(wamid);
        if (at === undefined) missing++;
        // The notifier may be quicker than the answer by which the commit is known.
        else delays.push(Math.max(0, at - committedAt));
      }
  delays.sort((a, b) => a - b);
  const share = (part: number) => delays[Math.min(delays.length - 1, Math.floor(delays.length * part))] ?? 0;
  return { missing, posts, p50Ms: share(0.5), p99Ms: share(0.99), maxMs: share(1) };
}

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  serveParent({ url: `http://127.0.0.1:${port}` }, ({ awaited }: { awaited: Awaited[] }) => hear(awaited));
});
