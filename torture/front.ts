/** What stands before the gateways: passes each request to one that is up, and answers 503 when none is. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, request } from 'undici';

export interface Front {
  url: string;
  close(): Promise<void>;
}

/** Less than the simulator's own patience: a stalled gateway must cost a repeat, not a verdict. */
const timeoutMs = 4_000;

export async function createFront(gateways: { url: string; isUp(): boolean }[]): Promise<Front> {
  const agent = new Agent({ connections: 64, headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
  let turn = 0;

  async function pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const up = gateways.filter(gateway => gateway.isUp());
    const gateway = up[turn++ % Math.max(1, up.length)];
    const body = await read(incoming);
    if (gateway === undefined) return void answer.writeHead(503).end();
    const {
      host: _,
      connection: __,
      'transfer-encoding': ___,
      'content-length': ____,
      ...headers
    } = incoming.headers;
    try {
      const response = await request(gateway.url + incoming.url, {
        method: incoming.method ?? 'GET',
        headers,
        body: body.length === 0 ? null : body,
        dispatcher: agent,
      });
      const text = Buffer.from(await response.body.arrayBuffer());
      answer.writeHead(response.statusCode, { 'content-type': 'application/json' }).end(text);
    } catch {
      answer.writeHead(503).end();
    }
  }

  const server = createServer((incoming, answer) => {
    pass(incoming, answer).catch(() => answer.destroy());
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise<void>(resolve => server.close(() => resolve()));
      await agent.destroy();
    },
  };
}

async function read(incoming: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
