/** A Meta that only says yes: what remains is the cost of whoever calls it. It notes when each message arrived. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveParent } from './child.ts';

/** What arrived since the last time it was asked. */
export interface Arrivals {
  count: number;
  /** From the first arrival to the last. */
  spanMs: number;
  /** Of the middle four fifths: without the run-up and the tail. */
  perSecond: number;
  phones: Record<string, PhoneArrivals>;
}

export interface PhoneArrivals {
  count: number;
  /** Most arrivals in any one second, sliding. */
  peak: number;
}

/** From now on this number is answered late; null: none is. */
export interface Slow {
  slow: { phone: string; ms: number } | null;
}

let late: Slow['slow'] = null;
let byPhone = new Map<string, number[]>();
let sent = 0;

const server = createServer((request, response) => {
  request.resume();
  request.once('end', () => {
    const text = JSON.stringify(request.method === 'POST' ? take(request) : tell(request));
    const answer = () => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length });
      response.end(text);
    };
    if (late === null || phoneOf(request) !== late.phone) answer();
    else setTimeout(answer, late.ms);
  });
});

const phoneOf = ({ url = '' }: IncomingMessage) => url.split('/').at(-2) ?? '';

function take(request: IncomingMessage): object {
  const phone = phoneOf(request);
  const times = byPhone.get(phone);
  if (times === undefined) byPhone.set(phone, [performance.now()]);
  else times.push(performance.now());
  return {
    messaging_product: 'whatsapp',
    contacts: [{ input: '905321112233', wa_id: '905321112233' }],
    messages: [{ id: `wamid.HBgMOTA1MzIxMTEyMjMzFQIAERgS${String(++sent).padStart(16, '0')}` }],
  };
}

/** The questions that the gateway asks when a number is connected. */
function tell({ url = '' }: IncomingMessage): object {
  if (url.includes('/message_templates')) return { data: [] };
  if (url.includes('/phone_numbers')) return {};
  const id = /\/(\d+)\?/.exec(url)?.[1] ?? '';
  return { id, display_phone_number: `+${id}`, verified_name: 'Bench', throughput: { level: 'HIGH' } };
}

function hear(question: Slow | { keep?: boolean }): object {
  if (!('slow' in question)) return arrivals(question);
  late = question.slow;
  return {};
}

/** Forgets what it tells, unless it is to keep it. */
function arrivals({ keep }: { keep?: boolean }): Arrivals {
  const all = [...byPhone.values()].flat().sort((a, b) => a - b);
  const middle = all.slice(Math.floor(all.length * 0.1), Math.ceil(all.length * 0.9));
  const phones = Object.fromEntries(
    [...byPhone].map(([phone, times]) => [phone, { count: times.length, peak: peakPerSecond(times) }]),
  );
  if (!keep) byPhone = new Map();
  return {
    count: all.length,
    spanMs: spanMs(all),
    perSecond: middle.length < 2 ? 0 : ((middle.length - 1) * 1000) / spanMs(middle),
    phones,
  };
}

const spanMs = (times: number[]) => (times.at(-1) ?? 0) - (times[0] ?? 0);

function peakPerSecond(times: number[]): number {
  let peak = 0;
  for (let first = 0, last = 0; last < times.length; last++) {
    while (times[last]! - times[first]! >= 1000) first++;
    peak = Math.max(peak, last - first + 1);
  }
  return peak;
}

server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  serveParent({ url: `http://127.0.0.1:${port}` }, hear);
});
