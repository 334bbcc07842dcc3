import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { seedAccount } from './seed.ts';
import { createSimulator, type SimulatorOptions } from './simulator.ts';

/** Tests look into answers and webhooks of every form. */
type Parsed = ReturnType<typeof JSON.parse>;
type Answer = { status: number; headers: Headers; text: string; json: Parsed };
type Hook = { body: string; signature: string; updates: Update[] };
type Update = { kind: 'statuses' | 'messages'; value: Parsed; item: Parsed };

export const phoneId = '106540352242922';
export const wabaId = seedAccount.wabaId;
export const secret = seedAccount.app.secret;
export const token = seedAccount.accessToken;

/** A simulator and a receiver, both on real sockets; what arrived can be waited for. */
export async function createTestbed(options: SimulatorOptions = {}) {
  const simulator = await createSimulator({
    ...options,
    settings: {
      delays: { sent: 1, delivered: 10, read: 20 },
      // The phones of most tests never write; what is enforced has tests of its own (enforced.test.ts).
      enforce: { window: false },
      ...options.settings,
    },
  });
  const receiver = await createReceiver();

  async function call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(simulator.url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json: unknown = response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : null;
    return { status: response.status, headers: response.headers, text, json };
  }

  return {
    url: simulator.url,
    receiver,
    call,
    send: (message: Record<string, unknown>, endpoint = 'messages') =>
      call('POST', `/v25.0/${phoneId}/${endpoint}`, {
        messaging_product: 'whatsapp',
        to: '905321112233',
        ...message,
      }),
    subscribe: () =>
      call('POST', `/v25.0/${wabaId}/subscribed_apps`, {
        override_callback_uri: receiver.url,
        verify_token: 'right',
      }),
    write: async (body: Record<string, unknown>): Promise<string> => {
      const path = '/control/phones/905321112233/messages';
      return (await call('POST', path, { phone_number_id: phoneId, ...body })).json.wamid;
    },
    settings: (patch: Record<string, unknown>) => call('PUT', '/control/settings', patch),
    idle: async (timeout = 10_000): Promise<boolean> =>
      (await call('GET', `/control/idle?timeout_ms=${timeout}`)).json.idle,
    reset: async () => {
      await call('POST', '/control/reset');
      receiver.reset();
    },
    close: async () => {
      await simulator.close();
      await receiver.close();
    },
  };
}

/** A customer's endpoint: answers as told, remembers every POST. */
async function createReceiver() {
  let hooks: Hook[] = [];
  let statuses: number[] = [];
  let always = 200;
  let waiters: { done: () => boolean; tell: () => void }[] = [];

  function accept(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://receiver');
    if (request.method === 'GET') {
      const right = url.searchParams.get('hub.verify_token') === 'right';
      response.writeHead(right ? 200 : 403).end(right ? url.searchParams.get('hub.challenge') : 'no');
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', chunk => chunks.push(chunk as Buffer));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      hooks.push({
        body,
        signature: String(request.headers['x-hub-signature-256']),
        updates: updatesOf(body),
      });
      response.writeHead(statuses.shift() ?? always).end();
      const ready = waiters.filter(({ done }) => done());
      waiters = waiters.filter(waiter => !ready.includes(waiter));
      for (const { tell } of ready) tell();
    });
  }

  const server = createServer(accept);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}/webhook`,
    hooks: () => hooks,
    updates: () => hooks.flatMap(hook => hook.updates),
    /** The next answers, then 200 (or `rest`) again. */
    answers: (next: number[], rest = 200) => {
      statuses = next;
      always = rest;
    },
    until: (done: () => boolean): Promise<void> =>
      done() ? Promise.resolve() : new Promise(resolve => waiters.push({ done, tell: resolve })),
    reset: () => {
      hooks = [];
      statuses = [];
      always = 200;
    },
    close: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function updatesOf(body: string): Update[] {
  const { entry } = JSON.parse(body) as { entry: { changes: { value: Record<string, unknown[]> }[] }[] };
  return entry
    .flatMap(({ changes }) => changes)
    .flatMap(({ value }) => [
      ...(value.statuses ?? []).map(item => ({ kind: 'statuses' as const, value, item })),
      ...(value.messages ?? []).map(item => ({ kind: 'messages' as const, value, item })),
    ]);
}
