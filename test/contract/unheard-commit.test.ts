/** A claim whose commit happened without our hearing of it: what it took is sent, not left in doubt. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { onEachEngine } from '../harness/engines.ts';
import { call, newPlace, type Place, type Program, startGateway } from '../harness/programs.ts';
import { must, newTenant, operatorKey, waitForStatus } from '../harness/tenant.ts';

onEachEngine(engine => {
  if (engine === 'sqlite') return;
  let place: Place;
  let gateway: Program;
  let wire: Wire;

  before(async () => {
    place = await newPlace(engine);
    wire = await openWire(place.env.DATABASE_URL!);
    gateway = await startGateway(place, {
      env: {
        DATABASE_URL: wire.url,
        WAGATE_OPERATOR_KEY: operatorKey,
        WAGATE_LOG_LEVEL: 'silent',
        META_TIMEOUT_MS: '20000',
      },
    });
  });
  after(async () => {
    await gateway?.stop();
    wire?.close();
    await place?.remove();
  });

  for (const [who, statement, waitMs] of [
    ['of the claimer', 'claimed_by = $4, claimed_until = $5, tries = tries + 1', 200],
    ['of a caller who waits', 'insert into messages', 0],
  ] as const) {
    test(`a commit ${who} that is cut off before its answer`, async () => {
      const tenant = await newTenant(gateway, gateway.simulatorUrl);
      wire.cutNextCommitAfter(statement);
      const message = { to: '905321234567', type: 'text', text: { body: 'hello' } };
      const body = waitMs === 0 ? message : { ...message, sendAt: Date.now() + waitMs };
      await call(`${gateway.url}/api/v1/messages`, { key: tenant.key, body });
      const { data } = await must<{ data: { id: string }[] }>(
        call(`${gateway.url}/api/v1/messages`, { key: tenant.key }),
      );
      await waitForStatus(gateway.url, tenant.key, data[0]!.id, 'read', 10_000);
      assert.equal(wire.cuts(), 1);
    });
  }
});

interface Wire {
  url: string;
  /** Once: the connection on which the statement was sent breaks when the server says that it has committed. */
  cutNextCommitAfter(statement: string): void;
  cuts(): number;
  close(): void;
}

async function openWire(databaseUrl: string): Promise<Wire> {
  const target = new URL(databaseUrl);
  let statement: string | undefined;
  let cuts = 0;
  // A prepared statement travels by its text once per connection, and by its name afterwards.
  const texts = new Map<string, string>();
  const carries = (chunk: Buffer, text: string) => {
    const sent = chunk.toString('latin1');
    for (const [, name, sql] of sent.matchAll(/(wagate_[0-9a-f]+)\0([^\0]+)/g)) texts.set(name!, sql!);
    return [...texts].some(([name, sql]) => sql.includes(text) && sent.includes(`${name}\0`));
  };
  const server = createServer(client => {
    const database = connect(Number(target.port), target.hostname);
    let marked = false;
    client.on('data', (chunk: Buffer) => {
      const carried = carries(chunk, statement ?? 'nothing');
      if (statement !== undefined && carried) marked = true;
      database.write(chunk);
    });
    database.on('data', (chunk: Buffer) => {
      if (!marked || !chunk.includes('COMMIT\0')) return void client.write(chunk);
      marked = false;
      statement = undefined;
      cuts++;
      client.destroy();
      database.destroy();
    });
    for (const [one, other] of [
      [client, database],
      [database, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    cutNextCommitAfter(text) {
      statement = text;
      cuts = 0;
    },
    cuts: () => cuts,
    close: () => void server.close(),
  };
}
