/** What was posted to an endpoint, seen and posted again: through the API, the CLI and a listener. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { onEachEngine } from './harness/engines.ts';
import { type HookServer, startHookServer } from './harness/hook-server.ts';
import { keyCalls } from './harness/keys.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { listen } from './harness/sse.ts';
import { must, newTenant, operatorKey, type TestTenant, until } from './harness/tenant.ts';

type Json = Record<string, unknown>;
interface Attempt extends Json {
  eventId: string;
  n: number;
  state: string;
  request: { headers: Record<string, string>; body: string } | null;
  answer: { headers: Json; body: string } | null;
}
interface Page<T> {
  data: T[];
  next: string | null;
}

const root = join(import.meta.dirname, '..');

onEachEngine(engine => {
  let place: Place;
  let gateway: Program;
  let own: TestTenant;
  let other: TestTenant;
  let receiver: HookServer;

  const start = () =>
    startGateway(place, {
      env: {
        ...{ WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'error' },
        // Whatever fails is given up at its second attempt.
        WAGATE_WEBHOOK_RETRY_SECONDS: '1',
      },
    });

  before(async () => {
    place = await newPlace(engine);
    gateway = await start();
    own = await newTenant(gateway, gateway.simulatorUrl);
    other = await newTenant(gateway, gateway.simulatorUrl);
    receiver = await startHookServer();
  });
  after(async () => {
    await receiver?.close();
    await gateway?.stop();
    await place?.remove();
  });
  afterEach(async () => {
    const { data } = await must<Page<{ id: string }>>(api('/endpoints'));
    for (const { id } of data) await must(api(`/endpoints/${id}`, 'DELETE'));
    receiver.answer(() => ({ status: 200 }));
    receiver.received.length = 0;
  });

  const api = <T = Json>(path: string, method = 'GET', body?: unknown, key = own.key) =>
    call<T>(`${gateway.url}/api/v1${path}`, { method, key, ...(body === undefined ? {} : { body }) });
  const make = (fields: Json = {}) =>
    must<{ id: string; secret: string }>(
      api('/endpoints', 'POST', { url: `${receiver.url}/hook`, format: 'standard', ...fields }),
    );
  const trial = async (id: string, text = 'x') =>
    (await must<{ eventId: string }>(api(`/endpoints/${id}/test`, 'POST', { text }))).eventId;
  const attempts = (id: string, query = '') => must<Page<Attempt>>(api(`/endpoints/${id}/attempts?${query}`));
  const settled = async (id: string, event: string, states: string[]) => {
    await until(async () => {
      const { data } = await attempts(id, `event=${event}`);
      return JSON.stringify(data.map(({ state }) => state)) === JSON.stringify(states);
    });
    return (await attempts(id, `event=${event}`)).data;
  };
  const replay = (id: string, body: Json) =>
    must<{ replayed: number; next: string | null }>(api(`/endpoints/${id}/replay`, 'POST', body));
  const write = (from: string) =>
    must(
      call(`${gateway.simulatorUrl}/control/phones/${from}/messages`, {
        body: { phone_number_id: own.phoneNumberId, type: 'text', text: { body: `of ${from}` } },
      }),
    );

  test('a test is posted, signed so that the library of the specification takes it, and seen to the byte', async () => {
    const { id, secret } = await make({ headers: { 'X-Shop': 'seven' } });
    receiver.answer(() => ({ status: 200, body: 'danke', headers: { 'x-from': 'shop' } }));
    const eventId = await trial(id, 'Grüße 🎈');
    const [attempt] = await settled(id, eventId, ['delivered']);
    const posted = receiver.received[0]!;
    new Webhook(secret).verify(posted.body, posted.headers as Record<string, string>);
    const shown = await must<Attempt>(api(`/endpoints/${id}/attempts/${eventId}/1`));
    const { request, answer, postedWith, ...facts } = shown;
    assert.deepEqual(facts, attempt);
    assert.equal(postedWith, null);
    assert.equal(request?.body, posted.body);
    for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature', 'content-type'])
      assert.equal(request?.headers[name], posted.headers[name], name);
    assert.deepEqual([answer?.body, answer?.headers['x-from']], ['danke', 'shop']);
    assert.equal(facts.httpStatus, 200);
    const event = await must<Json>(api(`/events/${eventId}`));
    assert.deepEqual(
      [event.type, event.data, event.recipient, event.meta],
      ['endpoint.test', { endpoint: { id }, text: 'Grüße 🎈' }, null, null],
    );
    assert.equal((await api(`/endpoints/${id}/attempts/${eventId}/2`)).status, 404);
    assert.equal((await api(`/endpoints/${id}/attempts/${eventId}/0`)).status, 404);
  });

  test('the story of a message says what was told to whom', async () => {
    const { id } = await make({ events: ['message.delivered', 'message.read'] });
    await write('905321250001');
    const sent = await must<{ id: string }>(
      api('/messages', 'POST', { to: '905321250001', type: 'text', text: { body: 'x' } }),
    );
    const story = async () =>
      (await must<{ story: string[] }>(api(`/messages/${sent.id}/explain`))).story.join();
    const told = (type: string) =>
      new RegExp(
        `${type} was told to endpoint ${id} \\(${receiver.url}/hook\\), by attempt 1, which it answered with 200`,
      );
    await until(
      async () => told('message.delivered').test(await story()) && told('message.read').test(await story()),
    );
  });

  test('headers of the customer are not in what is shown', async () => {
    const { id } = await make({ headers: { 'X-Token': 'open-sesame' }, format: 'meta' });
    const eventId = await trial(id);
    await settled(id, eventId, ['delivered']);
    assert.equal(receiver.received[0]!.headers['x-token'], 'open-sesame');
    const { text } = await api(`/endpoints/${id}/attempts/${eventId}/1`);
    assert.doesNotMatch(text, /open-sesame/);
  });

  test('what failed is replayed: one event, a range, and all that was given up', async () => {
    const { id } = await make();
    receiver.answer(() => ({ status: 500, body: 'no' }));
    const since = new Date(Date.now() - 1_000).toISOString();
    // Not so many that the endpoint is left to rest.
    const [one, two] = [await trial(id, 'one'), await trial(id, 'two')];
    for (const event of [one, two]) await settled(id, event, ['given_up', 'failed']);
    const { data, next } = await attempts(id, 'state=given_up&limit=1');
    assert.deepEqual(
      data.map(({ eventId, n, problem }) => [eventId, n, problem]),
      [[two, 2, 'status']],
    );
    const rest = await attempts(id, `state=given_up&limit=1&cursor=${next}`);
    assert.deepEqual([rest.data.map(({ eventId }) => eventId), rest.next], [[one], null]);

    receiver.answer(() => ({ status: 200 }));
    assert.deepEqual(await replay(id, { event: one }), { replayed: 1, next: null });
    await settled(id, one, ['delivered', 'given_up', 'failed']);
    assert.deepEqual(await replay(id, { failedSince: since }), { replayed: 1, next: null });
    await settled(id, two, ['delivered', 'given_up', 'failed']);
    assert.deepEqual(await replay(id, { failedSince: since }), { replayed: 0, next: null });
    assert.deepEqual(await replay(id, { from: one, to: two }), { replayed: 2, next: null });
    for (const event of [one, two])
      await settled(id, event, ['delivered', 'delivered', 'given_up', 'failed']);
    assert.deepEqual(await replay(id, { from: new Date(Date.now() + 60_000).toISOString() }), {
      ...{ replayed: 0, next: null },
    });
  });

  test('a replay of thousands goes in steps and loses none', async () => {
    const { id } = await make({ events: ['message.received'], format: 'meta', ordered: false });
    await must(api(`/endpoints/${id}/pause`, 'POST', {}));
    const messages = Array.from({ length: 1_000 }, (_, i) => i);
    for (let batch = 0; batch < 3; batch++) {
      const body = JSON.stringify({
        object: 'whatsapp_business_account',
        entry: [
          {
            id: own.wabaId,
            changes: [
              {
                field: 'messages',
                value: {
                  messaging_product: 'whatsapp',
                  metadata: { display_phone_number: '1', phone_number_id: own.phoneNumberId },
                  messages: messages.map(i => ({
                    ...{
                      from: '905321234567',
                      id: `wamid.R${batch}.${i}`,
                      type: 'text',
                      text: { body: 'x' },
                    },
                    timestamp: String(Math.floor(Date.now() / 1000)),
                  })),
                },
              },
            ],
          },
        ],
      });
      const signature = createHmac('sha256', own.appSecret).update(body).digest('hex');
      const headers = { 'x-hub-signature-256': `sha256=${signature}` };
      await must(call(`${gateway.url}/webhooks/meta`, { method: 'POST', headers, body }));
    }
    const shown = await must<Json>(api(`/endpoints/${id}`));
    assert.equal(shown.pending, 3_000);
    assert.ok(Date.parse(String(shown.oldestPendingAt)) <= Date.now());
    const enabled = await must<Json>(api(`/endpoints/${id}/enable`, 'POST', { pending: 'skip' }));
    assert.equal(enabled.status, 'active');
    assert.equal((await must<Json>(api(`/endpoints/${id}`))).pending, 0);
    assert.equal(receiver.received.length, 0);
    assert.equal((await attempts(id, 'limit=1')).data[0]?.state, 'skipped');
    await must(api(`/endpoints/${id}/pause`, 'POST', {}));
    const asked = { from: '2020-01-01T00:00:00Z' };
    assert.deepEqual(await replay(id, asked), { replayed: 3_000, next: null });
    assert.deepEqual(await replay(id, asked), { replayed: 0, next: null });
    assert.equal((await must<Json>(api(`/endpoints/${id}`))).pending, 3_000);
  });

  test('events are found by type, person and time, and a bound key finds those of its number only', async () => {
    await make({ format: 'meta' });
    await write('905320000011');
    await write('905320000012');
    const found = (query: string, key = own.key) =>
      must<Page<Json & { id: string }>>(api(`/events?type=message.received&${query}`, 'GET', undefined, key));
    await until(async () => (await found('recipient=%2B90%20532%20000%2000%2012')).data.length === 1);
    const { data, next } = await found('limit=1');
    assert.equal(data[0]?.recipient, '905320000012');
    const second = await found(`limit=1&cursor=${next}`);
    assert.equal(second.data[0]?.recipient, '905320000011');
    assert.equal((await found(`until=${encodeURIComponent('2020-01-01T00:00:00Z')}`)).data.length, 0);
    const bound = (await keyCalls(gateway, own).newKey({ numberId: own.numberId })).key;
    assert.equal((await found('limit=1', bound)).data[0]?.recipient, '905320000012');
    assert.deepEqual((await found('', other.key)).data, []);
    for (const query of ['type=message.seen', 'since=yesterday', 'cursor=x', 'recipient=bob'])
      assert.equal((await api(`/events?${query}`)).status, 400, query);
  });

  test('a listener gets exactly what would be posted, and is gone when its client is', async () => {
    const patterns = encodeURIComponent('message.received');
    const stream = await listen(`${gateway.url}/api/v1/listen?format=meta&events=${patterns}`, own.key);
    const { data: start } = await stream.heard(({ event }) => event === 'listening');
    const [listener] = (await must<Page<Json>>(api('/endpoints'))).data;
    assert.deepEqual([listener?.id, listener?.url, listener?.door], [start.endpointId, null, 'listen']);
    await write('905320000013');
    const { data } = await stream.heard(({ event }) => event === 'posting');
    const { type, headers, body } = data as { type: string; headers: Record<string, string>; body: string };
    assert.equal(type, 'message.received');
    const signature = createHmac('sha256', String(start.secret)).update(body).digest('hex');
    assert.equal(headers['x-hub-signature-256'], `sha256=${signature}`);
    assert.match(body, /of 905320000013/);
    for (const [method, end, sent] of [
      ['POST', '/pause', {}],
      ['PATCH', '', { description: 'x' }],
    ] as const)
      assert.equal((await api(`/endpoints/${start.endpointId}${end}`, method, sent)).status, 409);
    await stream.stop();
    await until(async () => (await must<Page<Json>>(api('/endpoints'))).data.length === 0);
    for (const query of ['format=xml', 'events=nothing', `number=${other.numberId}`])
      assert.ok([400, 404].includes((await api(`/listen?${query}`)).status), query);
  });

  const env = () => ({ PATH: process.env.PATH, WAGATE_URL: gateway.url, WAGATE_KEY: own.key });
  const wagate = (...args: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>(resolve => {
      const child = execFile(
        process.execPath,
        ['wagate.js', ...args],
        { cwd: root, env: env() },
        (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
      );
    });
  const said = async (...args: string[]) => {
    const { code, stdout, stderr } = await wagate(...args);
    assert.equal(code, 0, stderr);
    return stdout;
  };

  test('the CLI makes, tests, inspects, replays and removes an endpoint', async () => {
    const made = await wagate(
      'endpoint',
      'add',
      `${receiver.url}/cli`,
      '--format',
      'meta',
      '--header',
      'X-A: b',
    );
    assert.match(made.stdout, /^[A-Za-z0-9]{40}\n$/);
    const id = /The endpoint is (\w{26})\./.exec(made.stderr)?.[1] ?? '';
    assert.match(await said('endpoint', 'list'), new RegExp(`${id} +active +meta .*/cli +\\*`));
    assert.match(await said('endpoint', 'show', id), /headers +X-A\n/);
    assert.match(await said('endpoint', 'pause', id), /status +paused/);
    assert.match(await said('endpoint', 'resume', id), /status +active/);
    assert.match(await said('endpoint', 'rotate', id, '--overlap', '0'), /^[A-Za-z0-9]{40}\n$/);
    const event = /eventId +(\w{26})/.exec(await said('endpoint', 'test', id))?.[1] ?? '';
    await settled(id, event, ['delivered']);
    assert.match(await said('webhook', 'attempts', id), new RegExp(`delivered +${event} +1 +200`));
    const shown = await said('webhook', 'show', id, event);
    assert.ok(shown.includes(receiver.received[0]!.body), shown);
    assert.equal(await said('webhook', 'replay', id, '--event', event), '1 event will be posted again.\n');
    await settled(id, event, ['delivered', 'delivered']);
    assert.equal(
      await said('webhook', 'replay', id, '--failed-since', '2h'),
      '0 events will be posted again.\n',
    );
    assert.equal((await wagate('webhook', 'replay', id)).code, 2);
    assert.match(await said('endpoint', 'enable', id, '--skip-pending'), /status +active/);
    assert.match(await said('endpoint', 'remove', id), /removed +true/);
    assert.equal((await wagate('endpoint', 'show', id)).code, 1);
  });

  test('wagate listen --forward posts the same bytes to a server on this machine', async () => {
    const child = spawn(
      process.execPath,
      [
        ...['wagate.js', 'listen', '--forward', `${receiver.url}/dev`, '--format', 'meta'],
        ...['--events', 'message.received'],
      ],
      { cwd: root, env: env(), stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    try {
      await until(async () => /Signing secret: \w{40}/.test(output));
      await write('905320000014');
      const { body, headers } = await receiver.gets(one => one.path === '/dev');
      const secret = /Signing secret: (\w{40})/.exec(output)?.[1] ?? '';
      const signature = createHmac('sha256', secret).update(body).digest('hex');
      assert.equal(headers['x-hub-signature-256'], `sha256=${signature}`);
      await until(async () => /message\.received +\w{26} +→ 200 in \d+ ms/.test(output));
    } finally {
      child.kill();
    }
    await until(async () => (await must<Page<Json>>(api('/endpoints'))).data.length === 0);
  });

  test('a listener whose gateway was killed is in no list after the next start', async () => {
    const stream = await listen(`${gateway.url}/api/v1/listen`, own.key);
    await stream.heard(({ event }) => event === 'listening');
    assert.equal((await must<Page<Json>>(api('/endpoints'))).data.length, 1);
    await gateway.kill();
    await stream.stop();
    gateway = await start();
    assert.deepEqual((await must<Page<Json>>(api('/endpoints'))).data, []);
  });
});
