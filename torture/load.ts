/** Callers: each sends as its software would, and writes down exactly what it was told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { call } from '../test/harness/programs.ts';
import { must, type TestTenant } from '../test/harness/tenant.ts';
import type { Options } from './options.ts';
import type { Random } from './random.ts';

/** What refuses a request that is right in itself: the limit of its key, or the balance of its tenant. */
export type Bite = 'limit' | 'balance';

/** `taken`: we keep it. `no`: it was refused. `unknown`: nobody said anything that counts. */
export interface Told {
  kind: 'taken' | 'no' | 'unknown';
  /** Why not, of a `no`. */
  bite: Bite | null;
  status: number | null;
  /** Our id of the message and Meta's, where the dialect tells them. */
  id: string | null;
  wamid: string | null;
  text: string;
}

export interface Asked {
  n: number;
  tenant: number;
  door: string;
  /** Used by this request only. */
  phones: string[];
  /** When it was first asked, and when its last answer was in: what came of it was decided between. */
  at: number;
  answeredAt: number;
  /** Times it was asked, under one Idempotency-Key. */
  times: number;
  told: Told;
}

export interface Wire {
  path: string;
  headers?: Record<string, string>;
  body: unknown;
}

type Door = (tenant: TestTenant, phones: string[], text: string) => Wire;

const textOf = (body: string) => ({ type: 'text', text: { body } });

/** Every way in. `native` and the dialects that pass Meta's answer on wait for it, the others answer at commit. */
export const doors: [string, Door][] = [
  [
    'connexease',
    (_, [to], text) => ({
      path: '/v1/wa/message',
      body: { messaging_product: 'whatsapp', to, ...textOf(text) },
    }),
  ],
  [
    'cloud',
    ({ phoneNumberId }, [to], text) => ({
      path: `/v25.0/${phoneNumberId}/messages`,
      body: { messaging_product: 'whatsapp', to, ...textOf(text) },
    }),
  ],
  [
    'connectly',
    ({ tenantId, key }, [phone], text) => ({
      path: `/v1/businesses/${tenantId}/send/messages`,
      headers: { 'x-api-key': key },
      body: { recipient: { id: `+${phone}`, channelType: 'whatsapp' }, message: { text } },
    }),
  ],
  [
    'autokonnect',
    ({ numberId }, phones, message) => ({
      path: `/api/v1/whatsapp/${numberId}/messages`,
      body: { phone_number: phones, type: 'text', message },
    }),
  ],
  ['native', (_, [to], text) => ({ path: '/api/v1/messages', body: { to, ...textOf(text) } })],
  [
    'native, async',
    (_, [to], text) => ({
      path: '/api/v1/messages',
      headers: { prefer: 'respond-async' },
      body: { to, ...textOf(text) },
    }),
  ],
];

const patienceMs = 8_000;

/** What a phone wrote to a tenant's number. */
export interface Written {
  tenant: number;
  phone: string;
  wamid: string;
}

export interface Load {
  asked: Asked[];
  written: Written[];
  /** No new requests; resolves when the last answer is in. */
  stop(): Promise<void>;
}

export function startLoad(
  gateways: { url: string }[],
  simulatorUrl: string,
  tenants: TestTenant[],
  random: Random,
  { callers, pauseMaxMs, limits }: Pick<Options, 'callers' | 'pauseMaxMs' | 'limits'>,
): Load {
  const agent = new Agent({ connections: 64 });
  const asked: Asked[] = [];
  const written: Written[] = [];
  let stopping = false;
  let n = 0;

  async function caller(mine: Random): Promise<void> {
    while (!stopping) {
      await sleep(mine.whole(0, pauseMaxMs));
      const tenant = mine.whole(0, tenants.length - 1);
      // At times more at once than its key may: the limit bites however slow the machine is.
      const many = mine.chance(0.05) ? limits.perSecond + mine.whole(1, 4) : 1;
      const told = await Promise.all(Array.from({ length: many }, () => send(tenant, mine)));
      // A caller that finds nobody tries another gateway or waits, and does not ask a thousand times a second.
      if (told.some(({ status }) => status === null)) await sleep(200);
    }
  }

  async function send(tenant: number, mine: Random): Promise<Told> {
    const [door, write] = mine.pick(doors as [[string, Door], ...[string, Door][]]);
    const gateway = gateways[mine.whole(0, gateways.length - 1)]!;
    const many = door === 'autokonnect' ? mine.whole(1, 12) : 1;
    const phones = Array.from({ length: many }, () => String(905_000_000_000 + n++));
    const wire = write(tenants[tenant]!, phones, 'hello');
    const at = Date.now();
    const keyed = mine.whole(0, 1) === 1;
    const headers = keyed ? { ...wire.headers, 'idempotency-key': `torture-${phones[0]}` } : wire.headers;
    const once = (url: string) => ask(agent, url, tenants[tenant]!, headers ? { ...wire, headers } : wire);
    let told = await once(gateway.url);
    let times = 1;
    // Who names a request may repeat it, at whichever gateway, and it still happens once.
    for (; keyed && isOpen(told) && times < timesMax && !stopping; times++) {
      await sleep(mine.whole(0, 400));
      told = both(told, await once(gateways[mine.whole(0, gateways.length - 1)]!.url));
    }
    asked.push({ n: asked.length, tenant, door, phones, at, answeredAt: Date.now(), times, told });
    return told;
  }

  /** A conversation tells its latest hundred messages: each phone writes fewer. */
  const perPhone = 50;

  async function writer(mine: Random): Promise<void> {
    for (let count = 0; !stopping; count++) {
      await sleep(mine.whole(0, pauseMaxMs));
      const tenant = mine.whole(0, tenants.length - 1);
      const phone = String(906_000_000_000 + Math.floor(count / perPhone));
      const body = { phone_number_id: tenants[tenant]!.phoneNumberId, text: 'merhaba' };
      const url = `${simulatorUrl}/control/phones/${phone}/messages`;
      const { wamid } = await must<{ wamid: string }>(call(url, { body }));
      written.push({ tenant, phone, wamid });
    }
  }

  const running = [
    ...Array.from({ length: callers }, (_, i) => caller(random.stream(`caller ${i}`))),
    writer(random.stream('writer')),
  ];
  return {
    asked,
    written,
    async stop() {
      stopping = true;
      await Promise.all(running);
      await agent.destroy();
    },
  };
}

async function ask(agent: Agent, url: string, tenant: TestTenant, wire: Wire): Promise<Told> {
  try {
    const response = await request(url + wire.path, {
      method: 'POST',
      headers: { authorization: `Bearer ${tenant.key}`, 'content-type': 'application/json', ...wire.headers },
      body: JSON.stringify(wire.body),
      dispatcher: agent,
      headersTimeout: patienceMs,
      bodyTimeout: patienceMs,
    });
    return toldBy(response.statusCode, await response.body.text());
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    // Nobody listened: nothing was asked.
    const kind = code === 'ECONNREFUSED' ? 'no' : 'unknown';
    return { kind, bite: null, status: null, id: null, wamid: null, text: code ?? message };
  }
}

const timesMax = 4;

/** Nothing was said that ends the matter: a caller would ask again. */
const isOpen = ({ kind, status }: Told) =>
  kind === 'unknown' || (kind === 'no' && (status === null || status >= 500));

/**
 * What two askings of one request come to: a yes stands, and a no ends it only if the one before was one. A stalled process may still
 * take the first, and what bites depends on the moment.
 */
function both(before: Told, after: Told): Told {
  if (after.kind === 'taken' || before.kind === 'no') return after;
  return after.kind === 'no' && after.bite === null && after.status !== null && after.status < 500
    ? after
    : { ...after, kind: 'unknown', bite: null };
}

/** What an answer promises, in every dialect: a yes or "it is kept" (504 with our id), a clear no, or neither. */
function toldBy(status: number, answer: string): Told {
  const id = /\b[0-9A-HJKMNP-TV-Z]{26}\b/.exec(answer)?.[0] ?? null;
  const wamid = /wamid\.[A-Za-z0-9+/=_-]+/.exec(answer)?.[0] ?? null;
  const kept = status < 300 || (status === 504 && (id !== null || answer.includes('answer_pending')));
  const kind = kept ? 'taken' : status < 500 || status === 503 ? 'no' : 'unknown';
  return {
    kind,
    bite: kind === 'no' ? biteOf(status, answer) : null,
    status,
    id,
    wamid,
    text: answer.slice(0, 300),
  };
}

/** Cloud says 400 to both, with Meta's codes. */
function biteOf(status: number, answer: string): Bite | null {
  if (status === 429 || answer.includes('"code":80007')) return 'limit';
  return status === 402 || answer.includes('"code":131042') ? 'balance' : null;
}
