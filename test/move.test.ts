/** wagate move: an installation in use goes from the embedded database to PostgreSQL, and nothing is lost, doubled or used twice. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newPostgresDatabase } from './harness/engines.ts';
import { moved, onPostgres, openFile, refused, wagate } from './harness/move.ts';
import { freePort } from './harness/postgres.ts';
import {
  call,
  newPlace,
  type Place,
  type Program,
  startGateway,
  startSimulator,
} from './harness/programs.ts';
import {
  must,
  type NativeMessage,
  newTenant,
  operatorKey,
  type TestTenant,
  until,
  waitForStatus,
} from './harness/tenant.ts';

const skip = process.env.WAGATE_TEST_POSTGRES === undefined && 'no PostgreSQL server program found';

describe('an installation in use', { skip }, () => {
  let simulator: Program;
  let place: Place;
  let gateway: Program;
  let tenant: TestTenant;
  let env: Record<string, string>;

  before(async () => {
    simulator = await startSimulator();
    place = await newPlace('sqlite');
    env = {
      PORT: String(await freePort()),
      WAGATE_MODE: 'live',
      META_GRAPH_URL: simulator.url,
      META_TIMEOUT_MS: '1000',
      WAGATE_ANSWER_TIMEOUT_MS: '3000',
      WAGATE_OPERATOR_KEY: operatorKey,
      WAGATE_LOG_LEVEL: 'error',
    };
    gateway = await startGateway(place, { env });
    const template = {
      id: '1',
      name: 'hello',
      language: 'en',
      status: 'APPROVED',
      category: 'UTILITY',
      components: [],
    };
    tenant = await newTenant(gateway, simulator.url, { templates: [template] });
  });
  after(async () => {
    await gateway?.kill();
    await simulator?.stop();
    await place?.remove();
  });

  const api = <T = NativeMessage & { messageId: string }>(path: string, method = 'GET', body?: unknown) =>
    call<T>(`${gateway.url}/api/v1${path}`, {
      method,
      key: tenant.key,
      headers: { prefer: 'respond-async' },
      ...(body === undefined ? {} : { body }),
    });
  const send = async (to: string, more: Record<string, unknown> = {}) =>
    (
      await must<{ id: string }>(
        api('/messages', 'POST', { to, type: 'text', text: { body: 'Hi \u0000 "ü"' }, ...more }),
      )
    ).id;
  const fault = (action: Record<string, unknown>, times = 1) =>
    must(
      call(`${simulator.url}/control/faults`, {
        body: { match: { phone_number_id: tenant.phoneNumberId }, times, action },
      }),
    );
  const is = (id: string, status: string) => waitForStatus(gateway.url, tenant.key, id, status);
  const list = async () =>
    (await must<{ data: { id: string }[] }>(api('/messages?limit=200'))).data.sort((a, b) =>
      a.id < b.id ? -1 : 1,
    );
  const gotBy = async () => {
    const { data } = await must<{ data: { bizOpaqueCallbackData: string; at: number }[] }>(
      call(`${simulator.url}/control/received?phone_number_id=${tenant.phoneNumberId}&limit=1000`),
    );
    return Map.groupBy(data, ({ bizOpaqueCallbackData: id }) => id);
  };

  test('everything is there, what waited goes out once, ids and keys go on', async () => {
    const read = await send('905320000001');
    await is(read, 'read');
    await fault({ kind: 'error', status: 400, code: 131026, message: '(#131026) Message undeliverable' });
    await is(await send('905320000002'), 'failed');
    await fault({ kind: 'reset_before' });
    await is(await send('905320000003'), 'uncertain');
    // Twice each: the second wait is longer than the time to live of the one, and than the way to the move of the other.
    await fault({ kind: 'error', status: 400, code: 131056, message: '(#131056) pair rate limit hit' }, 4);
    const [short, queued] = [
      await send('905320000004', { ttlSeconds: 1 }),
      await send('905320000005', { callbackData: 'mine' }),
    ];
    await is(short, 'expired');
    const canceled = await send('905320000006', { sendAt: new Date(Date.now() + 3_600_000).toISOString() });
    await must(api(`/messages/${canceled}`, 'DELETE'));
    const sendAt = Date.now() + 12_000;
    const scheduled = await send('905320000007', { sendAt: new Date(sendAt).toISOString() });
    await must(
      call(`${simulator.url}/control/phones/905320000009/messages`, {
        body: { phone_number_id: tenant.phoneNumberId, type: 'text', text: { body: 'Hi' } },
      }),
    );
    const conversation = async () => (await api<{ windows: unknown[] }>('/conversations/905320000009')).body;
    await until(async () => (await conversation()).windows.length === 1);
    const windowsBefore = await conversation();
    const templatesBefore = (await api<{ data: unknown[] }>('/templates')).body;
    assert.equal(templatesBefore.data.length, 1);
    const listBefore = await list();
    assert.equal(await gateway.stop(), 0);

    const url = await newPostgresDatabase();
    const { stdout, stderr } = await moved(place, url);
    assert.match(stdout, /^messages +7 +7 +([0-9a-f]{16}) +\1 +equal$/m);
    assert.match(stderr, /Not moved: processes \(/);
    assert.match(stderr, /master\.key/);
    assert.ok(!/DIFFERENT/.test(stdout));

    await refused(
      wagate(place, ['serve'], env),
      /^The database of .* was moved to postgres:\/\/.* at 20.*: start with DATABASE_URL set to it\. To use the embedded database again: wagate move --undo/,
    );
    gateway = await startGateway(place, { env: { ...env, DATABASE_URL: url } });
    await is(queued, 'read');
    await is(scheduled, 'read');
    const waiting = new Set([queued, scheduled]);
    const still = (all: { id: string }[]) => all.filter(({ id }) => !waiting.has(id));
    assert.deepEqual(still(await list()), still(listBefore));
    assert.deepEqual(await conversation(), windowsBefore);
    assert.deepEqual((await api('/templates')).body, templatesBefore);
    const got = await gotBy();
    assert.deepEqual([...got.keys()].sort(), [read, queued, scheduled].sort());
    for (const [id, times] of got) assert.equal(times.length, 1, id);
    assert.ok(
      Date.parse((await is(scheduled, 'read')).timeline.find(one => one.status === 'sent')!.at) >=
        sendAt - 1_000,
    );
    // The next number has the next id, and its own key.
    const next = await newTenant(gateway, simulator.url);
    assert.equal(next.numberId, tenant.numberId + 1);
    // What the new place sent since would be sent again.
    await refused(
      wagate(place, ['move', '--undo', '--to', url]),
      /was used since the move: a gateway runs on it.*--force does it nevertheless/,
    );
    await gateway.stop();
    await refused(
      wagate(place, ['move', '--undo', '--to', url]),
      /was used since the move: other rows in .*messages/,
    );
  });

  test('killed amid sends, then moved: nothing lost, nothing doubled', async () => {
    const old = await newPlace('sqlite');
    gateway = await startGateway(old, { env });
    tenant = await newTenant(gateway, simulator.url);
    await fault({ kind: 'delay', ms: 300 }, 20);
    const ids: string[] = [];
    await Promise.all(
      Array.from({ length: 150 }, async (_, i) => {
        const id = await send(String(905_000_000_000 + i)).catch(() => undefined);
        if (id !== undefined) ids.push(id);
        if (i === 100) await gateway.kill();
      }),
    );
    await gateway.kill();
    const file = openFile(old);
    const { n: claimed } = file
      .prepare(`select count(*) as n from messages where status = 'sending'`)
      .get() as { n: number };
    file.close();
    assert.ok(claimed > 0, 'the kill left no claim to look after');
    const url = await newPostgresDatabase();
    await moved(old, url);
    const left = await onPostgres(url, client =>
      client.query(`select status from messages where status = 'sending'`),
    );
    assert.deepEqual(left.rows, []);
    gateway = await startGateway(old, { env: { ...env, DATABASE_URL: url } });
    const statusOf = async (id: string) => (await must<NativeMessage>(api(`/messages/${id}`))).status;
    for (const id of ids) await until(async () => ['read', 'uncertain'].includes(await statusOf(id)));
    await must(call(`${simulator.url}/control/idle?timeout_ms=60000&waba_id=${tenant.wabaId}`));
    const got = await gotBy();
    for (const [id, times] of got) assert.equal(times.length, 1, id);
    // A kill between the journal and the first byte leaves one send uncertain (docs/decisions/0008-journal.md).
    const missing = ids.filter(id => !got.has(id));
    assert.ok(missing.length <= 1, `${missing.length} acknowledged messages reached no phone`);
    for (const id of missing) assert.equal(await statusOf(id), 'uncertain');
    for (const id of ids.filter(one => got.has(one)))
      await until(async () => (await statusOf(id)) === 'read');
    await gateway.kill();
    await old.remove();
  });
});
