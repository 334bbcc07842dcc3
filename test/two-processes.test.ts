/** Two gateways on one PostgreSQL, directly, behind a pooler, and without notices: exact in every case, and quick where notices arrive. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { findPgbouncer, type Pooler, startPgbouncer } from './harness/pgbouncer.ts';
import {
  call,
  newPlace,
  type Place,
  type Program,
  startGateway,
  startSimulator,
} from './harness/programs.ts';
import { listen } from './harness/sse.ts';
import { must, newTenant, operatorKey, type TestTenant, until, waitForStatus } from './harness/tenant.ts';

const postgresUrl = process.env.WAGATE_TEST_POSTGRES;
const pgbouncer = findPgbouncer();
const noPostgres = postgresUrl === undefined && 'no PostgreSQL server program found';
const noPooler =
  noPostgres || (pgbouncer === undefined && 'no pgbouncer found (Debian: apt-get install pgbouncer)');

interface Way {
  name: string;
  skip: string | false;
  pooled: boolean;
  /** Of DATABASE_LISTEN_URL, given the address of the database itself. */
  listenUrl?: (direct: string) => string;
  notices: boolean;
}

const ways: Way[] = [
  { name: 'directly', skip: noPostgres, pooled: false, notices: true },
  // Another database hears nothing of ours.
  { name: 'without notices', skip: noPostgres, pooled: false, listenUrl: () => postgresUrl!, notices: false },
  { name: 'behind a pooler', skip: noPooler, pooled: true, notices: false },
  {
    name: 'behind a pooler, listening past it',
    skip: noPooler,
    pooled: true,
    listenUrl: url => url,
    notices: true,
  },
];

for (const { name, skip, pooled, listenUrl, notices } of ways) {
  describe(name, { skip }, () => {
    let simulator: Program;
    let place: Place;
    let pooler: Pooler | undefined;
    let a: Program;
    let b: Program;
    let tenant: TestTenant;

    before(async () => {
      simulator = await startSimulator();
      place = await newPlace('postgres');
      const direct = place.env.DATABASE_URL!;
      // Fewer than the gateways open: they share, which a session would not survive.
      if (pooled) pooler = await startPgbouncer(pgbouncer!, direct, 4);
      const env = {
        WAGATE_MODE: 'live',
        META_GRAPH_URL: simulator.url,
        WAGATE_OPERATOR_KEY: operatorKey,
        ...(pooler === undefined ? {} : { DATABASE_URL: pooler.url }),
        ...(listenUrl === undefined ? {} : { DATABASE_LISTEN_URL: listenUrl(direct) }),
      };
      // At the same moment, on an empty database and folder: schema and master key are made once.
      [a, b] = await Promise.all([
        startGateway(place, { env: { ...env, WAGATE_MAX_IN_FLIGHT: '1' } }),
        startGateway(place, { env }),
      ]);
      tenant = await newTenant(b, simulator.url);
    });
    after(async () => {
      assert.equal(await a?.stop(), 0);
      assert.equal(await b?.stop(), 0);
      await pooler?.stop();
      await simulator?.stop();
      await place?.remove();
    });

    const send = (gateway: Program, n: number) =>
      call<{ id: string; wamid: string }>(`${gateway.url}/api/v1/messages`, {
        key: tenant.key,
        body: { to: String(905_000_000_000 + n), type: 'text', text: { body: 'hello' } },
      });
    const lines = (gateway: Program) =>
      gateway
        .output()
        .split('\n')
        .filter(line => line.startsWith('{'))
        .map(line => JSON.parse(line) as { level: number; msg: string; message?: string });

    test('a caller of one gets the answer to what the other has sent', async () => {
      await must(
        call(`${simulator.url}/control/faults`, {
          body: {
            match: { phone_number_id: tenant.phoneNumberId },
            times: 5,
            action: { kind: 'delay', ms: 1_500 },
          },
        }),
      );
      // Messages one at a time is all that A may have in flight.
      const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => send(a, n)));
      for (const { status, text } of answers) assert.equal(status, 200, text);
      const ids = answers.map(({ body }) => body.id);
      const byB = lines(b).filter(({ msg, message }) => msg === 'send' && ids.includes(message!));
      assert.ok(byB.length > 0, 'B has sent none of them');
    });

    test('what is sent through both arrives once and is read', async () => {
      const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => send(n % 2 ? a : b, 100 + n)));
      for (const { status, text } of answers) assert.equal(status, 200, text);
      for (const { body } of answers) await waitForStatus(a.url, tenant.key, body.id, 'read');
      const { data } = await must<{ data: { bizOpaqueCallbackData: string }[] }>(
        call(`${simulator.url}/control/received?phone_number_id=${tenant.phoneNumberId}&limit=1000`),
      );
      const counts = answers.map(
        ({ body }) => data.filter(one => one.bizOpaqueCallbackData === body.id).length,
      );
      assert.ok(counts.every(count => count === 1));
    });

    test('a stream of one shows what the other changes', {
      skip: !notices && 'notices do not arrive here',
    }, async () => {
      const stream = await listen(`${a.url}/api/v1/messages/stream`, tenant.key);
      try {
        // Meta's webhooks go to B.
        const { body } = await send(b, 200);
        await stream.heard(({ data }) => data.id === body.id && data.status === 'read');
      } finally {
        await stream.stop();
      }
    });

    test('the log says once whether notices arrive', async () => {
      for (const gateway of [a, b]) {
        const told = () => lines(gateway).filter(({ msg }) => msg.startsWith('notices do not arrive')).length;
        // It takes five seconds to be sure.
        if (!notices) await until(async () => told() > 0);
        assert.equal(told(), notices ? 0 : 1);
        assert.deepEqual(
          lines(gateway).filter(({ level }) => level >= 50),
          [],
        );
      }
    });
  });
}
