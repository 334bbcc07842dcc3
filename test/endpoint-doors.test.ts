/** Endpoints through the vendors' own doors: what clients of Connectly and Connexease do to have webhooks, and get. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import { onEachEngine } from './harness/engines.ts';
import { type HookServer, startHookServer } from './harness/hook-server.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant } from './harness/tenant.ts';

type Json = Record<string, unknown>;

onEachEngine(engine => {
  let place: Place;
  let gateway: Program;
  let own: TestTenant;
  let other: TestTenant;
  let receiver: HookServer;

  before(async () => {
    place = await newPlace(engine);
    gateway = await startGateway(place, {
      env: { WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'error' },
    });
    await must(
      call(`${gateway.simulatorUrl}/control/settings`, {
        method: 'PUT',
        body: { delays: { sent: 1, delivered: 2, read: 3 } },
      }),
    );
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
    for (const { id } of await list())
      await must(call(`${gateway.url}/api/v1/endpoints/${id}`, { method: 'DELETE', key: own.key }));
    receiver.answer(() => ({ status: 200 }));
    receiver.received.length = 0;
  });

  const list = async () =>
    (
      await must<{ data: (Json & { id: string })[] }>(
        call(`${gateway.url}/api/v1/endpoints`, { key: own.key }),
      )
    ).data;
  /** Somebody writes to the number. */
  const write = (text: string, tenant = own) =>
    must(
      call(`${gateway.simulatorUrl}/control/phones/905321234567/messages`, {
        body: { phone_number_id: tenant.phoneNumberId, type: 'text', text: { body: text } },
      }),
    );

  describe('Connectly', () => {
    const at = (path: string, method = 'GET', body?: unknown, tenant = own, key = tenant.key) =>
      call(`${gateway.url}/v1/businesses/${tenant.tenantId}${path}`, {
        method,
        headers: { 'x-api-key': key },
        ...(body === undefined ? {} : { body }),
      });
    const create = (topic: string, more: Json = {}) =>
      at('/create/webhooks', 'POST', { topic, address: `${receiver.url}/${topic}`, ...more });

    test('a topic has one address; registered again, it is replaced', async () => {
      const first = await create('messages');
      assert.equal(first.status, 200, first.text);
      const { id, entity, secret } = first.body;
      assert.deepEqual(entity, {
        ...{ id, businessId: own.tenantId, topic: 'messages', type: 'custom' },
        ...{ address: `${receiver.url}/messages`, configuration: {}, secret },
      });
      const again = await create('messages', { address: `${receiver.url}/elsewhere`, type: 'zapier' });
      assert.deepEqual([again.body.id, again.body.type, 'secret' in again.body], [id, 'zapier', false]);
      const all = await at('/webhooks');
      assert.deepEqual(all.body, {
        entity: {
          businessId: own.tenantId,
          webhooks: [
            ...[
              {
                id,
                topic: 'messages',
                type: 'zapier',
                address: `${receiver.url}/elsewhere`,
                configuration: {},
              },
            ],
          ],
        },
      });
    });

    test('updated in part, deleted, and both refused where nothing is', async () => {
      const { id } = (await create('delivery_status')).body;
      const configuration = { filters: [{ field: 'campaign_name', expression: 'prod-*' }] };
      const updated = await at(`/update/webhooks/${id}`, 'PUT', { configuration });
      assert.deepEqual(
        [updated.status, updated.body.address, updated.body.configuration],
        [
          200,
          `${receiver.url}/delivery_status`,
          { echo: false, channelTypes: ['whatsapp'], ...configuration },
        ],
        updated.text,
      );
      assert.equal((await at(`/update/webhooks/${id}`, 'PUT', { address: 'http://10.0.0.1/' })).status, 400);
      assert.deepEqual([(await at(`/delete/webhooks/${id}`, 'DELETE')).body], [{}]);
      for (const [method, verb] of [
        ['DELETE', 'delete'],
        ['PUT', 'update'],
      ]) {
        const gone = await at(`/${verb}/webhooks/${id}`, method, method === 'PUT' ? {} : undefined);
        assert.deepEqual([gone.status, gone.body.type], [404, 'ERROR_TYPE_INVALID_REQUEST'], gone.text);
      }
      assert.deepEqual((await at('/webhooks')).body.entity, { businessId: own.tenantId, webhooks: [] });
    });

    test('what nobody here does is refused rather than missed in silence', async () => {
      const cases: [Json, string][] = [
        [{ topic: 'report', address: receiver.url }, 'topic'],
        [{ address: receiver.url }, 'topic'],
        [{ topic: 'messages' }, 'address'],
        [{ topic: 'messages', address: 'ftp://x' }, 'address'],
        [{ topic: 'messages', address: receiver.url, type: 'webengage' }, 'type'],
        [
          { topic: 'messages', address: receiver.url, configuration: { channelTypes: ['sms'] } },
          'configuration.channelTypes',
        ],
      ];
      for (const [body, field] of cases) {
        const { status, body: error, text } = await at('/create/webhooks', 'POST', body);
        assert.equal(status, 400, text);
        assert.equal((error.details as Json).field, field, text);
      }
      assert.deepEqual(await list(), []);
    });

    test('one secret for both topics signs what is posted', async () => {
      const { secret } = (await create('messages')).body;
      assert.equal('secret' in (await create('delivery_status')).body, false);
      await write('Merhaba');
      const inbound = await receiver.gets(({ path }) => path === '/messages');
      const { id } = await must<{ id: string }>(
        at('/send/messages', 'POST', {
          recipient: { id: '+905321234567', channelType: 'whatsapp' },
          message: { text: 'Hello' },
          callbackData: { order: 7 },
        }),
      );
      const status = await receiver.gets(
        ({ path, body }) => path === '/delivery_status' && body.includes('"delivered"') && body.includes(id),
      );
      for (const { headers, body } of [inbound, status]) {
        const expected = createHmac('sha256', String(secret)).update(body).digest('base64');
        assert.equal(headers['x-connectly-hmac-sha256'], expected);
      }
      assert.equal((JSON.parse(inbound.body) as { message: { text: string } }).message.text, 'Merhaba');
      assert.deepEqual((JSON.parse(status.body) as Json).callbackData, { order: 7 });
    });

    test("another business' key gets nothing", async () => {
      const { id } = (await create('messages')).body;
      for (const [path, method, body] of [
        ['/webhooks', 'GET'],
        ['/create/webhooks', 'POST', { topic: 'messages', address: receiver.url }],
        [`/update/webhooks/${id}`, 'PUT', { address: receiver.url }],
        [`/delete/webhooks/${id}`, 'DELETE'],
      ] as const) {
        assert.equal((await at(path, method, body, own, other.key)).status, 401, `${method} ${path}`);
      }
      const theirs = await at(`/delete/webhooks/${id}`, 'DELETE', undefined, other);
      assert.equal(theirs.status, 404);
      assert.equal((await list()).length, 1);
    });
  });

  describe('Connexease', () => {
    const at = (method = 'GET', body?: unknown, end = '', id: unknown = own.numberId, key = own.key) =>
      call<{ isSuccess: boolean; data: Json; errors: Json }>(
        `${gateway.url}/api/v1/applications/${id}/webhook${end}`,
        { method, key, ...(body === undefined ? {} : { body }) },
      );
    const everything = {
      ...{ messages: true, message_status: true, message_template_status: true, read: true, account: true },
    };

    test('upserted, seen and deleted, by either id of the number', async () => {
      const none = await at();
      assert.deepEqual([none.status, none.body.errors.code], [404, 'REQ_002'], none.text);
      const url = `${receiver.url}/cx`;
      const made = await at('POST', { url, headers: { 'X-Token': 'abc' } });
      assert.equal(made.status, 200, made.text);
      const { id, secret, ...rest } = made.body.data;
      assert.match(String(secret), /^[A-Za-z0-9]{40}$/);
      const masked = { 'X-Token': '********' };
      assert.deepEqual(rest, { url, headers: masked, subscribedEvents: everything });
      const seen = await at('GET', undefined, '', own.phoneNumberId);
      assert.deepEqual(seen.body, { isSuccess: true, data: { id, ...rest } });

      // As a panel does: what it read, with one flag changed.
      const subscribedEvents = { ...everything, account: false };
      const again = await at('POST', { ...seen.body.data, subscribedEvents });
      assert.deepEqual(again.body.data, { id, url, headers: masked, subscribedEvents });
      await write('still with the token');
      const { headers } = await receiver.gets(({ body }) => body.includes('still with the token'));
      assert.deepEqual([headers['x-token'], headers.authorization], ['abc', `Bearer ${secret}`]);

      assert.deepEqual((await at('DELETE')).body, { isSuccess: true, data: {} });
      assert.equal((await at('DELETE')).status, 404);
    });

    test('only what is subscribed to is posted, as Meta told it', async () => {
      const url = `${receiver.url}/cx`;
      const subscribedEvents = { messages: false, read: true };
      await must(at('POST', { url, subscribedEvents }));
      await write('not subscribed to');
      await must(
        call(`${gateway.url}/v1/wa/message`, {
          key: own.key,
          body: { messaging_product: 'whatsapp', to: '905321234567', type: 'text', text: { body: 'Hi' } },
        }),
      );
      const { body } = await receiver.gets(one => one.body.includes('"read"'));
      const payload = JSON.parse(body) as { entry: { id: string; changes: { field: string }[] }[] };
      assert.deepEqual([payload.entry[0]?.id, payload.entry[0]?.changes[0]?.field], [own.wabaId, 'messages']);
      assert.equal(receiver.received.length, 1);
    });

    test('a test posts a sample and says what the endpoint said', async () => {
      receiver.answer(() => ({ status: 418, body: 'short and stout' }));
      const url = `${receiver.url}/try`;
      const { body } = await at('POST', { url, headers: { 'X-Token': 'abc' } }, '/test');
      const { elapsedMs, ...data } = body.data;
      assert.equal(typeof elapsedMs, 'number');
      assert.deepEqual(
        [body.isSuccess, data],
        [
          true,
          {
            ...{ success: false, url, statusCode: 418, response: 'short and stout' },
            error: 'The endpoint answered with an error.',
          },
        ],
      );
      assert.match(receiver.received[0]!.body, /"object":"whatsapp_business_account"/);
      assert.equal(receiver.received[0]!.headers['x-token'], 'abc');
      assert.equal((await at('POST', {}, '/test')).status, 404);
      const closed = await at('POST', { url: 'http://127.0.0.1:9/' }, '/test');
      assert.deepEqual([closed.body.data.success, closed.body.data.statusCode], [false, null]);
      receiver.answer(() => ({ status: 200 }));
      await must(at('POST', { url }));
      const saved = await at('POST', undefined, '/test');
      assert.deepEqual([saved.body.data.success, saved.body.data.statusCode], [true, 200]);
    });

    test('what is wrong is told in the envelope', async () => {
      const cases: [Json, string][] = [
        [{}, 'url'],
        [{ url: 'http://10.0.0.1/' }, 'url'],
        [{ url: receiver.url, headers: { host: 'x' } }, 'headers.host'],
        [{ url: receiver.url, headers: { 'X-A': 7 } }, 'headers.X-A'],
        [{ url: receiver.url, subscribedEvents: { orders: true } }, 'subscribedEvents.orders'],
        [{ url: receiver.url, subscribedEvents: { read: 'yes' } }, 'subscribedEvents.read'],
      ];
      for (const [body, field] of cases) {
        const { status, body: answer, text } = await at('POST', body);
        assert.deepEqual([status, answer.isSuccess, answer.errors.code], [400, false, 'VAL_001'], text);
        assert.equal((answer.errors.params as Json).field, field, text);
      }
    });

    test("another tenant's application is not there", async () => {
      await must(at('POST', { url: receiver.url }));
      for (const method of ['GET', 'POST', 'DELETE']) {
        const body = method === 'POST' ? { url: receiver.url } : undefined;
        for (const id of [own.numberId, own.phoneNumberId, 'nobody'])
          assert.equal((await at(method, body, '', id, other.key)).status, 404, `${method} ${id}`);
      }
      assert.equal((await at('POST', { url: receiver.url }, '/test', own.numberId, other.key)).status, 404);
      assert.equal(receiver.received.length, 0);
      assert.equal((await list()).length, 1);
    });
  });
});
