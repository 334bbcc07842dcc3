/** Callback overrides as Meta's clients make them, of accounts and of numbers: the handshake, and what is posted after it. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import { onEachEngine } from './harness/engines.ts';
import { type HookServer, startHookServer } from './harness/hook-server.ts';
import { keyCalls } from './harness/keys.ts';
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

  describe('Cloud API', () => {
    const at = (path: string, method = 'GET', body?: unknown, key = own.key) =>
      call<Json & { error: Json; data: Json[] }>(`${gateway.url}/v25.0/${path}`, {
        method,
        key,
        ...(body === undefined ? {} : { body }),
      });
    const answersChallenge = (token: string) =>
      receiver.answer(({ method, path }) => {
        if (method !== 'GET') return { status: 200 };
        const query = new URL(path, receiver.url).searchParams;
        return query.get('hub.mode') === 'subscribe' && query.get('hub.verify_token') === token
          ? { status: 200, body: query.get('hub.challenge') ?? '' }
          : { status: 403, body: 'no' };
      });
    const override = (uri: string, token = 't0ken') => ({ override_callback_uri: uri, verify_token: token });
    const accountPath = () => `${own.wabaId}/subscribed_apps`;

    test('an override passes the handshake, is seen, and is taken back', async () => {
      answersChallenge('t0ken');
      const subscription = { whatsapp_business_api_data: { id: '0', name: 'Wagate', link: '' } };
      assert.deepEqual((await at(accountPath())).body, { data: [subscription] });
      const uri = `${receiver.url}/waba?shop=7`;
      const made = await at(accountPath(), 'POST', override(uri));
      assert.deepEqual([made.status, made.body], [200, { success: true }], made.text);
      assert.match(receiver.received[0]!.path, /^\/waba\?shop=7&hub\.mode=subscribe&hub\.challenge=\d+&hub/);
      assert.deepEqual((await at(accountPath())).body, {
        data: [{ ...subscription, override_callback_uri: uri }],
      });
      // Subscribing anew without an override takes it back, and so does unsubscribing.
      assert.deepEqual((await at(accountPath(), 'POST')).body, { success: true });
      assert.deepEqual(await list(), []);
      await must(at(accountPath(), 'POST', override(uri)));
      assert.deepEqual((await at(accountPath(), 'DELETE')).body, { success: true });
      assert.deepEqual((await at(accountPath(), 'DELETE')).body, { success: true });
      assert.deepEqual(await list(), []);
    });

    test('a URL that fails the handshake is told in the words of Meta', async () => {
      const cases: [() => void, RegExp][] = [
        [
          () => answersChallenge('another'),
          /^\(#2200\) .*: HTTP Status Code = 403; HTTP Message = Forbidden$/,
        ],
        [() => receiver.answer(() => ({ status: 200, body: 'hello' })), /not the value of hub\.challenge$/],
        [
          () => receiver.answer(() => ({ status: 302, headers: { location: '/' } })),
          /HTTP Status Code = 302/,
        ],
      ];
      for (const [arrange, says] of cases) {
        arrange();
        const { status, body } = await at(accountPath(), 'POST', override(`${receiver.url}/x`));
        assert.deepEqual([status, body.error.code, body.error.type], [400, 2200, 'OAuthException']);
        assert.match(String(body.error.message), says);
      }
      assert.deepEqual(await list(), []);
    });

    test('what is wrong with the call is code 100', async () => {
      const cases: [string, Json, RegExp][] = [
        [accountPath(), { override_callback_uri: receiver.url }, /parameter verify_token is required/],
        [accountPath(), override(`${receiver.url}/${'x'.repeat(200)}`), /at most 200 characters/],
        [accountPath(), override('http://192.168.0.1/'), /Param override_callback_uri .*public address/],
        [own.phoneNumberId, { webhook_configuration: 'x' }, /Param webhook_configuration/],
        [own.phoneNumberId, { webhook_configuration: {} }, /override_callback_uri/],
        [own.phoneNumberId, { pin: '123456' }, /Unsupported post request/],
      ];
      for (const [path, body, says] of cases) {
        const { status, body: answer, text } = await at(path, 'POST', body);
        assert.deepEqual([status, answer.error.code], [400, 100], text);
        assert.match(String(answer.error.message), says);
      }
    });

    test("the number's callback goes before its account's, both signed as Meta signs", async () => {
      answersChallenge('t0ken');
      const [account, number] = [`${receiver.url}/account`, `${receiver.url}/number`];
      await must(at(accountPath(), 'POST', override(account)));
      await write('to the account');
      await receiver.gets(({ path, body }) => path === '/account' && body.includes('to the account'));
      const configured = await at(own.phoneNumberId, 'POST', { webhook_configuration: override(number) });
      assert.deepEqual([configured.status, configured.body], [200, { success: true }], configured.text);
      const fields = `${own.phoneNumberId}?fields=webhook_configuration`;
      assert.deepEqual((await at(fields)).body, {
        webhook_configuration: { whatsapp_business_account: account, phone_number: number },
        id: own.phoneNumberId,
      });
      await write('to the number');
      const posted = await receiver.gets(({ body }) => body.includes('to the number'));
      assert.equal(posted.path, '/number');
      const signature = createHmac('sha256', own.appSecret).update(posted.body).digest('hex');
      assert.equal(posted.headers['x-hub-signature-256'], `sha256=${signature}`);
      assert.equal(posted.headers.authorization, undefined);
      await must(at(own.phoneNumberId, 'POST', { webhook_configuration: { override_callback_uri: '' } }));
      assert.deepEqual((await at(fields)).body.webhook_configuration, { whatsapp_business_account: account });
      await write('back to the account');
      await receiver.gets(({ path, body }) => path === '/account' && body.includes('back to the account'));
    });

    test("an account's callback is told of that account only", async () => {
      answersChallenge('t0ken');
      await must(at(accountPath(), 'POST', override(`${receiver.url}/mine`)));
      await write('of somebody else', other);
      await write('mine');
      await receiver.gets(({ body }) => body.includes('mine'));
      assert.ok(!receiver.received.some(({ body }) => body.includes('of somebody else')));
    });

    test("another tenant's account and number are unsupported requests, and so is an account for a key of one number", async () => {
      answersChallenge('t0ken');
      const configuration = { webhook_configuration: override(receiver.url) };
      for (const [path, method, body] of [
        [accountPath(), 'GET'],
        [accountPath(), 'POST', override(receiver.url)],
        [accountPath(), 'DELETE'],
        [own.phoneNumberId, 'POST', configuration],
        [`${own.phoneNumberId}?fields=webhook_configuration`, 'GET'],
      ] as const) {
        const { status, body: answer } = await at(path, method, body, other.key);
        assert.deepEqual([status, answer.error.code, answer.error.error_subcode], [400, 100, 33]);
        assert.match(
          String(answer.error.message),
          new RegExp(`^Unsupported ${method.toLowerCase()} request`),
        );
      }
      const bound = (await keyCalls(gateway, own).newKey({ numberId: own.numberId })).key;
      const refused = await at(accountPath(), 'POST', override(receiver.url), bound);
      assert.deepEqual([refused.status, refused.body.error.code], [403, 10], refused.text);
      assert.equal((await at(own.phoneNumberId, 'POST', configuration, bound)).status, 200);
      assert.deepEqual(
        (await list()).map(({ numberId, door, signsWith }) => [numberId, door, signsWith]),
        [[own.numberId, 'cloud', 'app']],
      );
    });
  });
});
