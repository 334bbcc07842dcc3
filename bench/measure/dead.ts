/** Events come steadily to a hundred endpoints, of which none and then ten are dead: what the others notice of it. */
import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test/harness/postgres.ts';
import { call } from '../../test/harness/programs.ts';
import { must } from '../../test/harness/tenant.ts';
import { type Child, sharedMs, startChild } from '../child.ts';
import { type Bench, type Figure, median, memory, ofBench } from '../figure.ts';
import type { Awaited, Heard } from '../receiver.ts';
import type { Target } from '../requests.ts';
import { loopbackEndpoints, newTarget, withSubject } from '../subject.ts';

const goal = 1.5;
const attemptsInAll = 100_000;
/** A tenant has so many endpoints at most: two of them. */
const endpointsEach = 50;
const deadEach = ['hang', 'hang', 'refuse', 'error', 'drip'];
/** Of one tenant or the other in turn: five hundred attempts a second, which leaves room. */
const eventsPerSecond = 10;
/** Where the machine cannot keep up with that, events come as fast as they are taken. */
const underWayMax = 16;

interface Phase extends Heard {
  attempts: number;
  rssMb?: number;
}

export async function dead(bench: Bench): Promise<Figure[]> {
  const rounds: { without: Phase; beside: Phase }[] = [];
  for (let round = 1; round <= bench.rounds; round++) {
    const without = await phase(bench, []);
    const beside = await phase(bench, deadEach);
    bench.say(
      `round ${round}: p99 ${beside.p99Ms.toFixed(0)} ms beside them, ${without.p99Ms.toFixed(0)} ms without; ` +
        `${beside.posts} and ${without.posts} POSTs`,
    );
    rounds.push({ without, beside });
  }
  const middle = (read: (round: (typeof rounds)[number]) => number) => median(rounds.map(read));
  const ratio = middle(({ without, beside }) => beside.p99Ms / without.p99Ms);
  const attempts = rounds.reduce((sum, { without, beside }) => sum + without.attempts + beside.attempts, 0);
  const [live, all] = [2 * (endpointsEach - deadEach.length), 2 * endpointsEach];
  const last = rounds.at(-1)!;
  return [
    {
      ...ofBench(bench, 'dead'),
      what: `p99 from commit to POST at ${live} endpoints beside ${all - live} dead ones, ${eventsPerSecond} events/s to ${endpointsEach} each`,
      ...{ unit: ' ms', value: middle(({ beside }) => beside.p99Ms), ratio },
      baseline: { what: `with ${all} live ones`, value: middle(({ without }) => without.p99Ms) },
      ...{ goal: `ratio ≤ ${goal}`, met: ratio <= goal },
      p50Ms: middle(({ beside }) => beside.p50Ms),
      p99Ms: middle(({ beside }) => beside.p99Ms),
      maxMs: Math.max(...rounds.map(({ beside }) => beside.maxMs)),
      ...(last.beside.rssMb === undefined ? {} : { rssMb: last.beside.rssMb }),
      note:
        `${attempts} attempts, every event came to every live endpoint; with ${all} live ones p50 ` +
        `${middle(({ without }) => without.p50Ms).toFixed(1)} ms and ${last.without.rssMb ?? '?'} MB`,
    },
  ];
}

/** A gateway of its own, so that nothing is left of the phase before. */
const phase = (bench: Bench, deadOnes: string[]): Promise<Phase> =>
  withSubject(bench, { numbers: 1, perSecond: 80, env: loopbackEndpoints }, async ({ gateways, target }) => {
    const gateway = gateways[0]!;
    const receiver = await startChild('bench/receiver.ts');
    try {
      const tenants = [target, await newTarget(gateway.url, 1, 80)];
      const awaited: Awaited[] = [];
      for (const [n, tenant] of tenants.entries())
        awaited.push({ paths: await register(gateway, receiver, tenant, n, deadOnes), events: {} });
      const count = Math.ceil(attemptsInAll / endpointsEach / bench.rounds / 2);
      await tell(gateway, tenants, awaited, count);
      const heard = await allHeard(receiver, awaited);
      return { ...heard, attempts: count * endpointsEach, ...memory(gateways) };
    } finally {
      await receiver.stop();
    }
  });

/** Returns the paths of those that live. */
async function register(
  gateway: Child,
  receiver: Child,
  tenant: Target,
  n: number,
  deadOnes: string[],
): Promise<string[]> {
  const live: string[] = [];
  for (let i = 0; i < endpointsEach; i++) {
    const path = `/${deadOnes[i] ?? 'live'}/${n}-${i}`;
    const nobody = deadOnes[i] === 'refuse' ? `http://127.0.0.1:${await freePort()}` : receiver.url;
    const body = { url: nobody + path, format: 'standard', events: ['message.received'] };
    await must(call(`${gateway.url}/api/v1/endpoints`, { key: tenant.key, body }));
    if (deadOnes[i] === undefined) live.push(path);
  }
  return live;
}

/** Somebody writes to one tenant or the other, whoever hears of it; the answer to Meta says that it is committed. */
async function tell(gateway: Child, tenants: Target[], awaited: Awaited[], count: number): Promise<void> {
  const startedAt = sharedMs();
  const underWay = new Set<Promise<unknown>>();
  for (let n = 0; n < count; n++) {
    await sleep(Math.max(0, startedAt + (n * 1000) / eventsPerSecond - sharedMs()));
    if (underWay.size >= underWayMax) await Promise.race(underWay);
    const tenant = tenants[n % tenants.length]!;
    const wamid = `wamid.HBgMOTA1MzIxMTEyMjMzFQIAEhgg${n}`;
    const posted = post(gateway, tenant, received(tenant, wamid, n)).then(() => {
      awaited[n % tenants.length]!.events[wamid] = sharedMs();
    });
    underWay.add(posted);
    void posted.then(
      () => underWay.delete(posted),
      // It stays, so that whoever waits for all fails with it.
      () => undefined,
    );
  }
  await Promise.all(underWay);
}

function post(gateway: Child, { appSecret }: Target, body: string): Promise<unknown> {
  const signature = createHmac('sha256', appSecret).update(body).digest('hex');
  const headers = { 'x-hub-signature-256': `sha256=${signature}` };
  return must(call(`${gateway.url}/webhooks/meta`, { headers, body }));
}

function received({ numbers: [number] }: Target, wamid: string, n: number): string {
  const { phoneNumberId } = number!;
  const from = `90532${String(n).padStart(7, '0')}`;
  const message = { from, id: wamid, timestamp: String(Math.floor(Date.now() / 1000)), type: 'text' };
  const value = {
    ...{ messaging_product: 'whatsapp', contacts: [{ profile: { name: 'Ayşe' }, wa_id: from }] },
    metadata: { display_phone_number: phoneNumberId, phone_number_id: phoneNumberId },
    messages: [{ ...message, text: { body: 'Siparişim nerede kaldı?' } }],
  };
  const entry = [{ id: '102290129340398', changes: [{ field: 'messages', value }] }];
  return JSON.stringify({ object: 'whatsapp_business_account', entry });
}

/** Waits until every event has come to every live endpoint: what does not come in a minute is lost. */
async function allHeard(receiver: Child, awaited: Awaited[]): Promise<Heard> {
  const deadline = sharedMs() + 60_000;
  for (;;) {
    const heard = await receiver.ask<Heard>({ awaited });
    if (heard.missing === 0) return heard;
    if (sharedMs() > deadline) throw new Error(`${heard.missing} events did not come`);
    await sleep(500);
  }
}
