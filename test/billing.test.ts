/** Money over HTTP and the command line: prices, top-ups, what a message costs, the statement, and whose it is. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import {
  type Answer,
  call,
  newPlace,
  type Place,
  type Program,
  startGateway,
  startSimulator,
} from './harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant, until, waitForStatus } from './harness/tenant.ts';

const root = join(import.meta.dirname, '..');
const operator = { key: operatorKey };
const templates = [
  {
    ...{ name: 'offer', language: 'en_US', status: 'APPROVED', category: 'MARKETING', id: '9001' },
    components: [{ type: 'BODY', text: 'Come and see' }],
  },
];
const rates = [
  'market,category,valid_from,price',
  '90,marketing,2025-07-01,0.0109',
  '90,service,2025-07-01,0',
  '90,service,2026-10-01,0.0053',
  '*,marketing,2025-07-01,0.0604',
].join('\n');

interface Money {
  amount: string;
  micros: number;
}
interface Balance {
  billing: string;
  available: Money;
  toppedUp: Money;
  charged: Money;
  held: Money;
  lowSince: string | null;
}

for (const engine of ['sqlite', 'postgres'] as const) {
  const missing = engine === 'postgres' && process.env.WAGATE_TEST_POSTGRES === undefined;
  describe(engine, { skip: missing && 'no PostgreSQL server program found' }, () => {
    let place: Place;
    let simulator: Program;
    let gateway: Program;
    let payer: TestTenant;
    let other: TestTenant;
    let folder: string;

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'wagate-billing-'));
      place = await newPlace(engine);
      simulator = await startSimulator();
      const env = { WAGATE_MODE: 'live', WAGATE_OPERATOR_KEY: operatorKey, META_GRAPH_URL: simulator.url };
      gateway = await startGateway(place, { env });
      payer = await newTenant(gateway, simulator.url, { templates });
      other = await newTenant(gateway, simulator.url);
    });
    after(async () => {
      await gateway?.stop();
      await simulator?.stop();
      // Whatever the tests did, the money of this database adds up.
      const doctor = gateway && (await wagate('doctor'));
      await place?.remove();
      rmSync(folder, { recursive: true, force: true });
      assert.equal(doctor?.code, 0, doctor?.out);
    });

    const api = <T = Record<string, unknown>>(path: string, options: Parameters<typeof call>[1] = {}) =>
      call<T>(`${gateway.url}/api/v1${path}`, options);
    const balance = () => must<Balance>(api('/balance', { key: payer.key }));
    const topUp = (body: object, headers: Record<string, string> = {}) =>
      api(`/tenants/${payer.tenantId}/top-ups`, { ...operator, body, headers });
    const change = (body: object) =>
      must(api(`/tenants/${payer.tenantId}`, { ...operator, method: 'PATCH', body }));
    const problemsOf = ({ body }: Answer) =>
      ((body.errors ?? []) as { field: string; message: string }[]).map(({ field }) => field);
    const send = (body: object) => api<{ id: string }>('/messages', { key: payer.key, body });
    const open = async (phone: string) => {
      await must(
        call(`${simulator.url}/control/phones/${phone}/messages`, {
          body: { phone_number_id: payer.phoneNumberId, text: 'hi' },
        }),
      );
      await until(async () => {
        const { body } = await api<{ windows?: unknown[] }>(`/conversations/${phone}`, { key: payer.key });
        return (body.windows ?? []).length > 0;
      });
    };
    async function wagate(...args: string[]) {
      const env = {
        ...{ PATH: process.env.PATH, HOME: process.env.HOME, ...place.env },
        ...{ WAGATE_URL: gateway.url, WAGATE_KEY: payer.key, WAGATE_OPERATOR_KEY: operatorKey },
      };
      const child = spawn(process.execPath, [join(root, 'wagate.js'), ...args], { cwd: root, env });
      const [out, err, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'exit'),
      ]);
      return { code: code as number, out, err };
    }

    test('prices: what is wrong is told by line and column, what is right is imported whole', async () => {
      const wrong = await api('/prices', {
        ...operator,
        body: { csv: 'market,category,valid_from,price\n90,marketing,2026-10-01,cheap\nTR,utility,2026,1' },
      });
      assert.equal(wrong.status, 400);
      assert.deepEqual(problemsOf(wrong), [
        'line 2, column price',
        'line 3, column market',
        'line 3, column valid_from',
      ]);
      const imported = await must(api('/prices', { ...operator, body: { csv: rates } }));
      assert.deepEqual(imported, { imported: 4, prices: 4 });
      const csv = await api('/prices?format=csv', operator);
      assert.match(csv.headers.get('content-type') ?? '', /^text\/csv/);
      assert.match(csv.text, /^90,service,2026-10-01,0\.0053,USD\r?$/m);
      assert.equal((await api('/prices', { key: payer.key })).status, 401);
    });

    test('top-ups: once for each id, in exact amounts, by the operator only', async () => {
      const made = await topUp({ amount: '1.00', id: 'invoice-1', note: 'first' });
      assert.equal(made.status, 201);
      assert.deepEqual(made.body.available, { amount: '1.00', micros: 1_000_000 });
      assert.equal(made.body.billing, 'off');
      assert.equal((await topUp({ amount: '1.00', id: 'invoice-1' })).status, 200);
      assert.equal((await topUp({ amount: '1.00' }, { 'idempotency-key': '"invoice-1"' })).status, 200);
      assert.equal((await topUp({ amount: '2.00', id: 'invoice-1' })).status, 409);
      for (const amount of ['', '0', '1,5', '0.0000001'])
        assert.deepEqual(problemsOf(await topUp({ amount })), ['amount'], amount);
      assert.equal((await topUp({ amount: '-0.50' })).status, 201);
      assert.equal((await balance()).toppedUp.amount, '0.50');
      const { data } = await must<{ data: { amount: string }[] }>(
        api(`/tenants/${payer.tenantId}/top-ups`, operator),
      );
      assert.deepEqual(data.map(({ amount }) => amount).sort(), ['-0.50', '1.00']);
      const asTenant = { key: payer.key, body: { amount: '5' } };
      assert.equal((await api(`/tenants/${payer.tenantId}/top-ups`, asTenant)).status, 401);
    });

    test('while billing is off nothing is held, charged or refused', async () => {
      await open('905321110001');
      const sent = await must<{ id: string }>(
        send({ to: '905321110001', type: 'text', text: { body: 'free' } }),
      );
      await waitForStatus(gateway.url, payer.key, sent.id, 'read');
      const { charged, held } = await balance();
      assert.deepEqual([charged.micros, held.micros], [0, 0]);
    });

    test('prepaid: our fee and the price by category, in the balance and in the statement', async () => {
      const changed = await change({ billing: 'prepaid', lowBelow: '0.49' });
      assert.equal((changed as { billing: string }).billing, 'prepaid');
      await open('905321110002');
      const said = await must<{ id: string }>(
        send({ to: '905321110002', type: 'text', text: { body: 'hi' } }),
      );
      await waitForStatus(gateway.url, payer.key, said.id, 'read');
      const offer = {
        type: 'template',
        template: { name: 'offer', language: { code: 'en_US' } },
        campaign: 'spring',
      };
      const offered = await must<{ id: string }>(send({ to: '905321110003', ...offer }));
      await waitForStatus(gateway.url, payer.key, offered.id, 'read');
      const { charged, held, available, lowSince } = await balance();
      assert.equal(charged.micros, 1_000 + 5_300 + 1_000 + 10_900);
      assert.equal(held.micros, 0);
      assert.equal(available.micros, 500_000 - 18_200);
      assert.notEqual(lowSince, null);
      const statement = await must<{
        data: { key: string; total: Money; messages: number }[];
        sum: { total: Money };
      }>(api('/statement?by=category', { key: payer.key }));
      assert.deepEqual(
        statement.data.map(({ key, messages, total }) => [key, messages, total.micros]),
        [
          ['marketing', 1, 11_900],
          ['service', 1, 6_300],
        ],
      );
      assert.equal(statement.sum.total.micros, charged.micros);
      const csv = await api('/statement?by=campaign', { key: payer.key, headers: { accept: 'text/csv' } });
      assert.deepEqual(csv.text.trim().split('\r\n').toSorted(), [
        ',1,0.001,0.0053,0.0063,0.00,USD',
        'campaign,messages,fees,prices,total,held,currency',
        'spring,1,0.001,0.0109,0.0119,0.00,USD',
      ]);
    });

    test('what the balance does not cover is refused, and nothing of it is held', async () => {
      await must(topUp({ amount: '-0.48' }));
      const refused = await send({
        ...{ to: '905321110004', type: 'template' },
        template: { name: 'offer', language: { code: 'en_US' } },
      });
      assert.equal(refused.status, 402);
      assert.equal(refused.text.includes('balance_insufficient'), true, refused.text);
      assert.equal((await balance()).held.micros, 0);
      await must(topUp({ amount: '1' }));
    });

    test("a tenant sees and pays its own money, nobody else's", async () => {
      const theirs = await must<Balance>(api('/balance', { key: other.key }));
      assert.deepEqual([theirs.billing, theirs.toppedUp.micros, theirs.charged.micros], ['off', 0, 0]);
      const statement = await must<{ data: unknown[] }>(api('/statement', { key: other.key }));
      assert.deepEqual(statement.data, []);
      assert.equal((await api(`/tenants/${payer.tenantId}/balance`, { key: other.key })).status, 401);
      assert.equal((await api('/tenants/nobody/balance', operator)).status, 404);
      assert.equal((await api('/balance')).status, 401);
    });

    test('a statement says what is wrong with its period', async () => {
      const at = async (query: string) => problemsOf(await api(`/statement?${query}`, { key: payer.key }));
      assert.deepEqual(await at('from=yesterday'), ['from']);
      assert.deepEqual(await at('from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z'), ['from']);
      assert.deepEqual(await at('by=mood'), ['by']);
    });

    test('on the command line', async () => {
      const file = join(folder, 'rates.csv');
      writeFileSync(file, rates);
      assert.match((await wagate('prices', 'import', file)).out, /^Imported 4 prices; there are 4\./);
      assert.match((await wagate('prices', 'list')).out, /90 +service +2026-10-01 +0\.0053/);
      const topped = await wagate('top-up', other.tenantId, '2.50', '--note', 'cash');
      assert.match(topped.out, /^Topped up by 2\.50 .*; 2\.50 is available\./, topped.err);
      assert.match(topped.err, /wagate tenant change .* --billing prepaid/);
      assert.match((await wagate('balance')).out, /^available +1\.0018$/m);
      assert.match(
        (await wagate('statement', '--by', 'category')).out,
        /^sum USD +2 +0\.002 +0\.0162 +0\.0182 +0\.00$/m,
      );
      const wrong = await wagate('top-up', other.tenantId, 'much');
      assert.equal(wrong.code, 1);
      assert.match(wrong.err, /amount must be an amount such as 25\.00/);
    });

    test('wagate doctor proves every balance, and fails when one micro is astray', async () => {
      const fine = await wagate('doctor');
      assert.equal(fine.code, 0, fine.out + fine.err);
      assert.match(fine.out, /^money +ok /m);
      await must(topUp({ amount: '0.000001', id: 'crumb' }));
      await spoil(place, payer.tenantId, 1);
      const astray = await wagate('doctor', '--json');
      assert.equal(astray.code, 1);
      const [finding] = (JSON.parse(astray.out) as { check: string; state: string; text: string }[]).filter(
        ({ state }) => state === 'failed',
      );
      assert.equal(finding?.check, 'money');
      assert.match(
        finding?.text ?? '',
        new RegExp(`tenant ${payer.tenantId}: topped up \\d+ micros in the wallet, \\d+ by`),
      );
      await spoil(place, payer.tenantId, -1);
    });
  });
}

/** Behind the gateway's back. */
async function spoil({ env }: Place, tenantId: string, by: number): Promise<void> {
  const statement = `update top_ups set micros = micros + ${by} where tenant_id = '${tenantId}' and id = 'crumb'`;
  if (env.DATABASE_URL === undefined) {
    const database = new DatabaseSync(join(env.WAGATE_DATA!, 'wagate.db'), { timeout: 5_000 });
    database.exec(statement);
    database.close();
    return;
  }
  const client = new pg.Client({ connectionString: env.DATABASE_URL });
  await client.connect();
  await client.query(statement);
  await client.end();
}
