/** Events wait at many endpoints when the gateway starts: then it does little but post them. */
import { join } from 'node:path';
import { newId } from '../../gateway/canonical/ids.ts';
import type { Database } from '../../gateway/platform/database.ts';
import { openPostgres } from '../../gateway/platform/postgres.ts';
import { createSeal, masterKey } from '../../gateway/platform/seal.ts';
import { openSqlite } from '../../gateway/platform/sqlite.ts';
import { type Endpoint, saveEndpoint } from '../../gateway/tenants/endpoints.ts';
import { insertAttempts } from '../../gateway/webhooks/attempts.ts';
import { insertEvents } from '../../gateway/webhooks/events.ts';
import { newSecret } from '../../gateway/webhooks/formats/secret.ts';
import { cpuUs } from '../child.ts';
import { type Bench, connections, type Figure, measure, median, memory, ofBench } from '../figure.ts';
import type { Arrivals } from '../stub.ts';
import { loopbackEndpoints, newPlace, newTarget, startGateway } from '../subject.ts';
import { drained } from './drained.ts';

/** Deliveries per second and process. */
const goal = 3_000;
const endpointCount = 20;

export async function webhooks(bench: Bench): Promise<Figure[]> {
  const databaseUrl = await bench.newDatabase();
  const place = newPlace(databaseUrl);
  Object.assign(place.env, loopbackEndpoints);
  const rounds: { posted: number; straight: number; cpuUs: number }[] = [];
  let first = await startGateway(place, bench.stub.url);
  const target = await newTarget(first.url, 1, 80);
  await first.stop();
  let used: { rssMb?: number } = {};
  const deliveries = Math.ceil(goal * bench.seconds);
  for (let round = 1; round <= bench.rounds; round++) {
    const folder = place.env.WAGATE_DATA!;
    const database =
      databaseUrl === null
        ? openSqlite(join(folder, 'wagate.db'))
        : openPostgres({ url: databaseUrl, connections: 1, onError: () => undefined });
    await fill(database, folder, target.tenantId, bench.stub.url, deliveries);
    await database.close();
    await bench.stub.ask<Arrivals>({});
    first = await startGateway(place, bench.stub.url);
    const { perSecond: posted } = await drained(bench, 'webhooks', deliveries);
    // With its start, which is little beside it.
    const cpu = (cpuUs(first.pid) ?? Number.NaN) / deliveries;
    used = memory([first]);
    await first.stop();
    // The same number of connections, plain undici.
    const straight = await measure(bench, [bench.stub], {
      kind: 'cloud',
      target,
      seconds: bench.seconds / 2,
    });
    await bench.stub.ask<Arrivals>({});
    bench.say(
      `round ${round}: ${Math.round(posted)}/s, straight ${Math.round(straight.perSecond)}/s, ${Math.round(cpu)} µs`,
    );
    rounds.push({ posted, straight: straight.perSecond, cpuUs: cpu });
  }
  place.remove();
  const value = median(rounds.map(({ posted }) => posted));
  return [
    {
      ...ofBench(bench, 'webhooks'),
      ...{ unit: '/s', value, goal: `≥ ${goal}/s`, met: value >= goal },
      what: `deliveries of ${deliveries} events that waited at ${endpointCount} endpoints`,
      baseline: {
        what: `undici straight to the stub, ${connections} connections`,
        value: median(rounds.map(({ straight }) => straight)),
      },
      ratio: median(rounds.map(({ posted, straight }) => posted / straight)),
      ...used,
      cpuUs: median(rounds.map(one => one.cpuUs)),
    },
  ];
}

/** Endpoints of every format, at paths that the stub counts apart, and their events. */
async function fill(
  database: Database,
  folder: string,
  tenantId: string,
  stubUrl: string,
  deliveries: number,
): Promise<void> {
  const seal = createSeal(masterKey(null, folder, false));
  const at = Date.now();
  const eventCount = Math.ceil(deliveries / endpointCount);
  const events = Array.from({ length: eventCount }, () => ({ id: newId(), ...delivered(at) }));
  const endpoints = Array.from({ length: endpointCount }, (_, n) => newEndpoint(tenantId, stubUrl, n, at));
  await database.transact(async tx => {
    for (const endpoint of endpoints) await saveEndpoint(tx, seal, endpoint);
    await insertEvents(tx, tenantId, events);
    for (const { id } of events)
      await insertAttempts(
        tx,
        tenantId,
        endpoints.map(endpoint => ({
          endpointId: endpoint.id,
          eventId: id,
          n: 1,
          conversation: '',
          dueAt: at,
        })),
      );
  });
}

function newEndpoint(tenantId: string, stubUrl: string, n: number, at: number): Endpoint {
  const format = n % 2 === 0 ? 'standard' : 'meta';
  return {
    ...{ tenantId, id: newId(), numberId: null, url: `${stubUrl}/endpoint-${n}/hook`, format, events: ['*'] },
    ...{ door: 'native', doorData: {}, description: '', ordered: false, batchMax: 1, perSecond: null },
    secrets: [{ secret: newSecret(format), until: null }],
    ...{ headers: {}, signsWith: 'endpoint', status: 'active', statusReason: null },
    ...{ statusAt: at, createdAt: at, updatedAt: at },
  };
}

/** Of the size that a status has. */
function delivered(at: number) {
  const wamid = 'wamid.HBgMOTA1MzIxMTEyMjMzFQIAERgSMDAwMDAwMDAwMDAwMDAwMQ==';
  const status = { id: wamid, status: 'delivered', timestamp: String(at), recipient_id: '905321112233' };
  const metadata = { display_phone_number: '15550010000', phone_number_id: '155500100000' };
  return {
    ...{ type: 'message.delivered' as const, at, numberId: 1, person: '905321112233', messageId: newId() },
    data: {
      message: { id: newId(), type: 'text', to: '905321112233', status: 'delivered', wamid, error: null },
      number: { id: 1, phoneNumberId: '155500100000', displayNumber: '15550010000' },
    },
    meta: {
      ...{ wabaId: '77000001', time: null, field: 'messages' },
      value: { messaging_product: 'whatsapp', metadata, statuses: [status] },
    },
  };
}
