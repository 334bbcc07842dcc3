/** A broadcast to a large tag: how soon it is answered and frozen, and what others notice of it; and how fast many numbers send one. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { call } from '../../test/harness/programs.ts';
import { must } from '../../test/harness/tenant.ts';
import { type Child, rssMb } from '../child.ts';
import {
  type Bench,
  connections,
  type Figure,
  type Measured,
  measure,
  median,
  memory,
  ofBench,
} from '../figure.ts';
import { fillContacts, templateName } from '../fill-contacts.ts';
import type { Target } from '../requests.ts';
import type { Arrivals } from '../stub.ts';
import { newPlace, newTarget, type Place, startGateway } from '../subject.ts';
import { drained } from './drained.ts';

const contacts = 1_000_000;
const goals = { answeredMs: 2_000, frozenMs: 30_000, addedMb: 300, p99Ms: 50, perSecond: 5_000 };
/** Callers who wait for their sends meanwhile: enough to notice a stop, too few to fill the machine. */
const callers = 8;
/** Of the number that sends the large one. */
const broadcastPerSecond = 80;

export async function broadcast(bench: Bench): Promise<Figure[]> {
  const databaseUrl = await bench.newDatabase();
  const place = newPlace(databaseUrl);
  try {
    const first = await startGateway(place, bench.stub.url);
    const one = await newTarget(first.url, 1, broadcastPerSecond);
    const many = await newTarget(first.url, 64, 1_000);
    const singles = await newTarget(first.url, 4, 10_000);
    await first.stop();
    const filling = { place: databaseUrl ?? join(place.env.WAGATE_DATA!, 'wagate.db') };
    const messages = Math.ceil(goals.perSecond * bench.seconds);
    await fillContacts({ ...filling, target: one, tag: 1, first: 905_320_000_000, count: contacts });
    for (let round = 1; round <= bench.rounds; round++)
      await fillContacts({
        ...{ ...filling, target: many, tag: round + 1, count: messages },
        first: 905_330_000_000 + round * 10_000_000,
      });
    return [...(await large(bench, place, one, singles)), await dispatched(bench, place, many, messages)];
  } finally {
    place.remove();
  }
}

interface Told {
  id: string;
  isFrozen: boolean;
  recipients: number;
}

async function large(bench: Bench, place: Place, target: Target, singles: Target): Promise<Figure[]> {
  const gateway = await startGateway(place, bench.stub.url);
  try {
    const api = <T>(path: string, method = 'GET') =>
      must<T>(call(`${gateway.url}/api/v1${path}`, { key: target.key, method }));
    const send = (seconds: number) =>
      measure(bench, [gateway], { kind: 'cloud', target: singles, seconds, connections: callers });
    await send(1.5);
    const without = await send(bench.seconds);
    const rssBefore = rssMb(gateway.pid) ?? Number.NaN;
    const beganAt = performance.now();
    const answer = await must<{ recipients_count: number }>(
      call(`${gateway.url}/api/v1/whatsapp/${target.numbers[0]!.id}/messages`, {
        key: target.key,
        body: { contact_tag_id: '1', type: 'text', message: 'Merhaba, indirim başladı.' },
      }),
    );
    const answeredMs = performance.now() - beganAt;
    if (answer.recipients_count !== contacts) throw new Error(`${answer.recipients_count} recipients`);
    const [{ id }] = (await api<{ data: [Told] }>('/broadcasts')).data;
    let rssMost = 0;
    async function frozen(): Promise<number> {
      for (;;) {
        await sleep(100);
        rssMost = Math.max(rssMost, rssMb(gateway.pid) ?? Number.NaN);
        const told = await api<Told>(`/broadcasts/${id}`);
        const tookMs = performance.now() - beganAt;
        if (told.isFrozen && told.recipients === contacts) return tookMs;
        if (tookMs > 300_000) throw new Error(`${told.recipients} frozen in five minutes`);
      }
    }
    let isOver = false;
    const watching = frozen().finally(() => {
      isOver = true;
    });
    // Heard below.
    watching.catch(() => undefined);
    const beside: Measured[] = [];
    while (!isOver) beside.push(await send(1));
    const frozenMs = await watching;
    await api(`/broadcasts/${id}/cancel`, 'POST');
    const p99Ms = median(beside.map(one => one.p99Ms));
    bench.say(
      `answered in ${Math.round(answeredMs)} ms, frozen in ${(frozenMs / 1_000).toFixed(1)} s, ${rssMost - rssBefore} MB, p99 ${p99Ms.toFixed(1)} ms beside it, ${without.p99Ms.toFixed(1)} ms without`,
    );
    const figure = (what: string, unit: string, value: number, goal: number): Figure => ({
      ...ofBench(bench, 'broadcast'),
      ...{ what: `tag of ${contacts} contacts: ${what}`, unit, value, baseline: null, ratio: null },
      ...{ goal: `≤ ${goal}${unit}`, met: value <= goal },
    });
    return [
      figure('answered', ' ms', answeredMs, goals.answeredMs),
      figure('frozen', ' ms', frozenMs, goals.frozenMs),
      { ...figure('memory added', ' MB', rssMost - rssBefore, goals.addedMb), ...memory([gateway]) },
      {
        ...figure(`p99 of synchronous sends meanwhile (${callers} callers)`, ' ms', p99Ms, goals.p99Ms),
        baseline: { what: 'without it', value: without.p99Ms },
        ratio: p99Ms / without.p99Ms,
        ...{ p50Ms: median(beside.map(one => one.p50Ms)), p99Ms },
        maxMs: Math.max(...beside.map(one => one.maxMs)),
      },
    ];
  } finally {
    await gateway.stop();
  }
}

async function dispatched(bench: Bench, place: Place, target: Target, messages: number): Promise<Figure> {
  const gateway = await startGateway(place, bench.stub.url);
  try {
    const rounds: { sent: number; straight: number }[] = [];
    for (let round = 1; round <= bench.rounds; round++) {
      await bench.stub.ask<Arrivals>({});
      await must(
        call(`${gateway.url}/api/v1/broadcasts`, {
          key: target.key,
          body: {
            name: `round ${round}`,
            numbers: target.numbers.map(({ id }) => id),
            message: { type: 'template', template: { name: templateName, language: { code: 'en' } } },
            ...{ audience: { tags: [round + 1] }, launch: true },
          },
        }),
      );
      const sent = (await drained(bench, 'broadcast', messages)).perSecond;
      const straight = await straightTo(bench, bench.stub, target);
      bench.say(`round ${round}: ${Math.round(sent)}/s, straight ${Math.round(straight)}/s`);
      rounds.push({ sent, straight });
    }
    const value = median(rounds.map(({ sent }) => sent));
    return {
      ...ofBench(bench, 'broadcast'),
      ...{ unit: '/s', value, goal: `≥ ${goals.perSecond}/s`, met: value >= goals.perSecond },
      what: `a broadcast to ${messages} over 64 numbers, made and sent`,
      baseline: {
        what: `undici straight to the stub, ${connections} connections`,
        value: median(rounds.map(({ straight }) => straight)),
      },
      ratio: median(rounds.map(({ sent, straight }) => sent / straight)),
      ...memory([gateway]),
    };
  } finally {
    await gateway.stop();
  }
}

async function straightTo(bench: Bench, stub: Child, target: Target): Promise<number> {
  const { perSecond } = await measure(bench, [stub], { kind: 'cloud', target, seconds: bench.seconds / 2 });
  await bench.stub.ask<Arrivals>({});
  return perSecond;
}
