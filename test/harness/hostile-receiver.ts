/** A customer's receiver of webhooks: a real HTTP server that behaves, by path, as badly as it is told to. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** What it does with the `n`th POST to a path, from 1. */
export type Behaviour = (response: ServerResponse, n: number, received: Received) => void;

export interface Receiver {
  /** http://127.0.0.1:… */
  url: string;
  /** In the order in which they came, each as soon as its body is complete. */
  received: Received[];
  to(path: string): Received[];
  behave(path: string, behaviour: Behaviour): void;
  /** Resolves when so many POSTs to the path have come, those of before included. */
  count(path: string, count: number): Promise<Received[]>;
  /** Connections that are open. */
  connections(): number;
  close(): Promise<void>;
}

export const answer =
  (status: number, headers: Record<string, string> = {}, body = ''): Behaviour =>
  response =>
    response.writeHead(status, headers).end(body);

const ok = answer(200);

/** The first `times` as told, then 200. */
export const first =
  (times: number, behaviour: Behaviour): Behaviour =>
  (response, n, received) =>
    (n <= times ? behaviour : ok)(response, n, received);

export const hang: Behaviour = () => undefined;
export const reset: Behaviour = response => (response.socket as Socket).resetAndDestroy();

/** One byte of an endless answer every few milliseconds. */
export const drip =
  (status: number): Behaviour =>
  response => {
    response.writeHead(status);
    const timer = setInterval(() => response.write('.'), 5);
    response.once('close', () => clearInterval(timer));
  };

/** Promises a long body and is gone after its beginning. */
export const dieMidBody =
  (status: number): Behaviour =>
  response => {
    response.writeHead(status, { 'content-length': '1000' });
    response.write('it was go', () => response.socket?.destroy());
  };

/** Sends without end, as fast as it is read. */
export const flood =
  (status: number): Behaviour =>
  response => {
    response.writeHead(status);
    const chunk = 'x'.repeat(16_384);
    const more = () => {
      while (response.write(chunk));
    };
    response.on('drain', more);
    response.once('close', () => response.off('drain', more));
    more();
  };

/** Answers in something that is no HTTP. */
export const babble: Behaviour = response => {
  response.socket?.end('HELO you\r\n\r\n');
};

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const behaviours = new Map<string, Behaviour>();
  let waiting: (() => void)[] = [];
  const sockets = new Set<Socket>();
  const to = (path: string) => received.filter(one => one.path === path);

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const path = request.url ?? '';
      const one = { path, headers: request.headers, body: Buffer.concat(chunks).toString() };
      received.push(one);
      (behaviours.get(path) ?? ok)(response, to(path).length, one);
      const listeners = waiting;
      waiting = [];
      for (const listener of listeners) listener();
    });
  });
  server.on('connection', socket => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    to,
    behave: (path, behaviour) => void behaviours.set(path, behaviour),
    async count(path, count) {
      while (to(path).length < count) await new Promise<void>(resolve => waiting.push(resolve));
      return to(path);
    },
    connections: () => sockets.size,
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
