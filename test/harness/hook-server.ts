/** A customer's server: takes what is posted to it, and answers what the test says. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { until } from './tenant.ts';

export interface Received {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface HookServer {
  url: string;
  received: Received[];
  /** For what comes next; 200 without a body unless told otherwise. */
  answer(
    how: (request: Received) => { status: number; body?: string; headers?: Record<string, string> },
  ): void;
  /** Resolves with the first request like this, which may have come already. */
  gets(matches: (request: Received) => boolean): Promise<Received>;
  close(): Promise<void>;
}

export async function startHookServer(): Promise<HookServer> {
  const received: Received[] = [];
  let how: Parameters<HookServer['answer']>[0] = () => ({ status: 200 });
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const one = { method, path, headers, body: Buffer.concat(chunks).toString() };
      received.push(one);
      const { status, body = '', headers: answered = {} } = how(one);
      response.writeHead(status, answered).end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    answer(next) {
      how = next;
    },
    async gets(matches) {
      await until(async () => received.some(matches));
      return received.find(matches)!;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
