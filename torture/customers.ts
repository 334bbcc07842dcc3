/** Customers' endpoints: each tenant has two, which misbehave as receivers do and write down what they were told and what they answered. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { call } from '../test/harness/programs.ts';
import { must, type TestTenant } from '../test/harness/tenant.ts';
import type { Random } from './random.ts';

export const customerFormats = ['standard', 'meta'] as const;
export type CustomerFormat = (typeof customerFormats)[number];

/** One fact that was posted. */
export interface Heard {
  tenant: number;
  format: CustomerFormat;
  /** Of the standard format, which names its events; null of the others. */
  eventId: string | null;
  /** In Meta's words for both formats: sent, delivered, read, failed, message; in ours for what Meta has none for. */
  what: string;
  /** Our id or Meta's of the message. */
  subject: string;
  /** Number and person; null where the format does not tell. */
  conversation: string | null;
  /** It was answered with 200, to the last byte: the gateway need not tell it again. */
  taken: boolean;
}

export interface Customers {
  heard: Heard[];
  /** Posts that no secret of the endpoint signed. */
  unsigned: number;
  posts: number;
  /** No more trouble: everything that is still to come is taken. */
  calmDown(): void;
  /** How many events still wait, as the gateway tells it; null when it does not answer. */
  pending(gatewayUrl: string): Promise<number | null>;
  close(): Promise<void>;
}

/** Registers the endpoints at the gateway. The standard one is ordered, the other takes batches. */
export async function startCustomers(
  gatewayUrl: string,
  tenants: TestTenant[],
  random: Random,
): Promise<Customers> {
  const heard: Heard[] = [];
  const endpoints = new Map<string, { tenant: number; format: CustomerFormat; secret: string; id: string }>();
  let calm = false;
  let unsigned = 0;
  let posts = 0;

  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  for (const [tenant, { key }] of tenants.entries()) {
    for (const format of customerFormats) {
      const path = `/${tenant}/${format}`;
      const { id, secret } = await must<{ id: string; secret: string }>(
        call(`${gatewayUrl}/api/v1/endpoints`, {
          key,
          body: {
            ...{ url: url + path, format, ordered: format === 'standard' },
            ...(format === 'meta' ? { batchMax: 5 } : {}),
          },
        }),
      );
      endpoints.set(path, { tenant, format, secret, id });
    }
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const endpoint = endpoints.get(request.url ?? '');
    const trouble = calm || !random.chance(troubleShare) ? 'none' : random.pick(troubles);
    if (trouble === 'reset early') return void request.destroy();
    const body = await read(request);
    if (endpoint === undefined) return void response.writeHead(404).end();
    posts++;
    if (endpoint.format === 'standard' && !isSigned(endpoint.secret, request, body)) unsigned++;
    const facts = endpoint.format === 'standard' ? readStandard(request, body) : readMeta(body);
    const told = facts.map(fact => ({
      ...{ tenant: endpoint.tenant, format: endpoint.format, ...fact, taken: false },
    }));
    heard.push(...told);
    switch (trouble) {
      case 'none':
        response.writeHead(200, { 'content-type': 'text/plain' });
        return void response.end('ok', () => {
          for (const fact of told) fact.taken = true;
        });
      case 'error':
        return void response.writeHead(500).end('no');
      case 'slow down':
        return void response.writeHead(429, { 'retry-after': '1' }).end();
      case 'reset':
        return void request.destroy();
      case 'hang':
        await sleep(1_500);
        return void request.destroy();
    }
  }

  return {
    heard,
    get unsigned() {
      return unsigned;
    },
    get posts() {
      return posts;
    },
    calmDown() {
      calm = true;
    },
    async pending(gateway) {
      let sum = 0;
      for (const { tenant, id } of endpoints.values()) {
        const { key } = tenants[tenant]!;
        const { status, body } = await call<{ pending: number; givenUp: number }>(
          `${gateway}/api/v1/endpoints/${id}`,
          { key },
        );
        if (status !== 200) return null;
        sum += body.pending;
      }
      return sum;
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Mostly it works; else every event would be at its last try soon. */
const troubles = ['error', 'error', 'slow down', 'reset early', 'reset', 'hang'] as const;
const troubleShare = 0.3;

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Whenever it was signed: the clock of the gateways is set in a long run, and the verifier looks at its own. */
function isSigned(secret: string, { headers }: IncomingMessage, body: string): boolean {
  const signed = new Webhook(secret).sign(
    String(headers['webhook-id']),
    new Date(Number(headers['webhook-timestamp']) * 1000),
    body,
  );
  if (String(headers['webhook-signature']).split(' ').includes(signed)) return true;
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>);
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
}

type Fact = Pick<Heard, 'eventId' | 'what' | 'subject' | 'conversation'>;

interface StandardBody {
  type: string;
  data: { message?: { id: string; to?: string; from?: string }; number?: { id: number } };
}

function readStandard({ headers }: IncomingMessage, text: string): Fact[] {
  const { type, data } = JSON.parse(text) as StandardBody;
  if (data.message === undefined) return [];
  const person = data.message.to ?? data.message.from ?? '';
  const what = type === 'message.received' ? 'message' : type.replace('message.', '');
  return [
    {
      ...{ eventId: String(headers['webhook-id']), what, subject: data.message.id },
      conversation: `${data.number?.id} ${person}`,
    },
  ];
}

interface MetaBody {
  entry: {
    changes: { value: { statuses?: { id: string; status: string }[]; messages?: { id: string }[] } }[];
  }[];
}

function readMeta(text: string): Fact[] {
  const { entry } = JSON.parse(text) as MetaBody;
  const fact = (what: string, subject: string) => ({ eventId: null, what, subject, conversation: null });
  return entry.flatMap(({ changes }) =>
    changes.flatMap(({ value: { statuses = [], messages = [] } }) => [
      ...statuses.map(({ id, status }) => fact(status, id)),
      ...messages.map(({ id }) => fact('message', id)),
    ]),
  );
}
