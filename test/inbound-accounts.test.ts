/** Meta tells of accounts: several apps at one address, templates that change between two sends, numbers that grow. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { onEachEngine } from './harness/engines.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant, until } from './harness/tenant.ts';

interface Template {
  metaId: string;
  name: string;
  status: string;
  reason: string | null;
  quality: string | null;
  category: string;
}

onEachEngine(engine => {
  let place: Place;
  let gateway: Program;
  let tenant: TestTenant;
  let other: TestTenant;
  const body = [{ type: 'BODY', text: 'Hello' }];

  before(async () => {
    place = await newPlace(engine);
    gateway = await startGateway(place, {
      env: { WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'error' },
    });
    tenant = await newTenant(gateway, gateway.simulatorUrl, {
      templates: [{ name: 'hi', language: 'en_US', category: 'UTILITY', components: body }],
      throughput: 'STANDARD',
    });
    other = await newTenant(gateway, gateway.simulatorUrl);
  });
  after(async () => {
    await gateway?.stop();
    await place?.remove();
  });

  const control = (path: string, options: { method?: string; body: unknown }) =>
    must(call(`${gateway.simulatorUrl}/control${path}`, options));
  const account = () => `/accounts/${tenant.wabaId}`;
  const templates = async () =>
    (await must<{ data: Template[] }>(call(`${gateway.url}/api/v1/templates`, { key: tenant.key }))).data;
  const template = async (name: string) => (await templates()).find(one => one.name === name);
  const number = async () =>
    (
      await must<{
        data: { perSecond: number; messagingLimit: string; status: string; reason: string | null }[];
      }>(call(`${gateway.url}/api/v1/numbers`, { key: tenant.key }))
    ).data[0]!;
  const signed = (secret: string, payload: string) =>
    call(`${gateway.url}/webhooks/meta`, {
      method: 'POST',
      headers: {
        'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(payload).digest('hex')}`,
      },
      body: payload,
    });
  const written = (of: TestTenant, wamid: string) => ({
    id: of.wabaId,
    changes: [
      {
        field: 'messages',
        value: {
          metadata: { phone_number_id: of.phoneNumberId },
          messages: [
            { from: '905340000001', id: wamid, timestamp: '1790000000', type: 'text', text: { body: 'x' } },
          ],
        },
      },
    ],
  });
  const has = async (of: TestTenant, wamid: string) => {
    const { incoming } = await must<{ incoming: { wamid: string }[] }>(
      call(`${gateway.url}/api/v1/conversations/905340000001`, { key: of.key }),
    );
    return incoming.some(one => one.wamid === wamid);
  };

  test('every app shakes hands with its own token, and with no other', async () => {
    for (const { verifyToken } of [tenant, other]) {
      const url = `${gateway.url}/webhooks/meta?hub.mode=subscribe&hub.challenge=0042&hub.verify_token=${verifyToken}`;
      const { status, text, headers } = await call(url);
      assert.deepEqual([status, text], [200, '0042']);
      assert.match(headers.get('content-type') ?? '', /^text\/plain/);
    }
    const token = `${tenant.verifyToken}${other.verifyToken}`;
    const url = `${gateway.url}/webhooks/meta?hub.mode=subscribe&hub.challenge=1&hub.verify_token=`;
    for (const wrong of [token, '', tenant.verifyToken.slice(1)])
      assert.equal((await call(`${url}${wrong}`)).status, 403);
  });

  test('two apps in one payload: of each only what its own signature covers', async () => {
    const payload = (wamid: string) =>
      JSON.stringify({
        object: 'whatsapp_business_account',
        entry: [written(tenant, wamid), written(other, wamid)],
      });
    assert.equal((await signed(tenant.appSecret, payload('wamid.1'))).status, 200);
    assert.deepEqual([await has(tenant, 'wamid.1'), await has(other, 'wamid.1')], [true, false]);
    assert.equal((await signed(other.appSecret, payload('wamid.1'))).status, 200);
    assert.equal(await has(other, 'wamid.1'), true);
    assert.equal((await signed('none of them', payload('wamid.2'))).status, 401);
  });

  test('what Meta tells of another of its products is taken, and means nothing here', async () => {
    const payload = JSON.stringify({ object: 'instagram', entry: [written(tenant, 'wamid.instagram')] });
    assert.equal((await signed(tenant.appSecret, payload)).status, 200);
    assert.equal(await has(tenant, 'wamid.instagram'), false);
  });

  test('lists that are empty, null or no lists', async () => {
    for (const empty of [[], null, {}, 'x', 0]) {
      for (const part of [
        { entry: empty },
        { entry: [{ id: tenant.wabaId, changes: empty }] },
        ...['statuses', 'messages', 'contacts', 'errors'].map(member => ({
          entry: [
            {
              id: tenant.wabaId,
              changes: [
                {
                  field: 'messages',
                  value: { metadata: { phone_number_id: tenant.phoneNumberId }, [member]: empty },
                },
              ],
            },
          ],
        })),
      ]) {
        const payload = JSON.stringify({ object: 'whatsapp_business_account', ...part });
        assert.equal((await signed(tenant.appSecret, payload)).status, 200, payload);
      }
    }
  });

  test('a template that Meta changes is so at once, here too', async () => {
    const change = (patch: Record<string, unknown>) =>
      control(`${account()}/templates/hi/en_US`, { method: 'PATCH', body: patch });
    await change({ status: 'PAUSED', reason: 'NONE', quality: 'RED', category: 'MARKETING' });
    await until(async () => {
      const found = await template('hi');
      return found?.status === 'PAUSED' && found.quality === 'RED' && found.category === 'MARKETING';
    });
    await change({ status: 'REJECTED', reason: 'PROMOTIONAL', time: Math.floor(Date.now() / 1000) + 5 });
    await until(async () => (await template('hi'))?.reason === 'PROMOTIONAL');
  });

  test('a template that is told of before it is known is pulled', async () => {
    const list = [
      { id: '501', name: 'hi', language: 'en_US', category: 'UTILITY', components: body },
      {
        id: '502',
        name: 'new_one',
        language: 'tr',
        category: 'UTILITY',
        status: 'PENDING',
        components: body,
      },
    ];
    await control(`${account()}/templates`, { method: 'PUT', body: { templates: list } });
    assert.equal(await template('new_one'), undefined);
    await control(`${account()}/templates/new_one/tr`, { method: 'PATCH', body: { status: 'APPROVED' } });
    await until(async () => (await template('new_one'))?.status === 'APPROVED');
    assert.equal((await template('new_one'))?.metaId, '502');
  });

  test('components that change are pulled, as Meta lists them', async () => {
    const changed = [{ type: 'BODY', text: 'Hello again' }];
    const list = [{ id: '501', name: 'hi', language: 'en_US', category: 'UTILITY', components: changed }];
    await control(`${account()}/templates`, { method: 'PUT', body: { templates: list } });
    await control(`${account()}/changes`, {
      body: {
        field: 'message_template_components_update',
        value: {
          message_template_id: 501,
          message_template_name: 'hi',
          message_template_language: 'en-US',
          message_template_element: 'Hello again',
        },
      },
    });
    await until(async () => JSON.stringify(await templates()).includes('Hello again'));
  });

  test('a number grows, and a ban stops it until Meta takes it back', async () => {
    const tell = (field: string, value: unknown, time = Math.floor(Date.now() / 1000)) =>
      control(`${account()}/changes`, { body: { field, value, time } });
    const { displayNumber } = (
      await must<{ data: { displayNumber: string }[] }>(
        call(`${gateway.url}/api/v1/numbers`, { key: tenant.key }),
      )
    ).data[0]!;
    assert.deepEqual([(await number()).perSecond, (await number()).messagingLimit], [80, null]);
    await tell('phone_number_quality_update', {
      ...{ display_phone_number: displayNumber, event: 'THROUGHPUT_UPGRADE' },
      max_daily_conversations_per_business: 'TIER_UNLIMITED',
    });
    await until(async () => (await number()).perSecond === 1_000);
    assert.equal((await number()).messagingLimit, 'TIER_UNLIMITED');
    const ban = (state: string) => ({ event: 'DISABLED_UPDATE', ban_info: { waba_ban_state: state } });
    const send = () =>
      call(`${gateway.url}/api/v1/messages`, {
        key: tenant.key,
        body: { to: '905340000001', type: 'text', text: { body: 'x' } },
      });
    const at = Math.floor(Date.now() / 1000);
    await tell('account_update', ban('DISABLE'), at);
    await until(async () => (await number()).status === 'disconnected');
    assert.equal((await send()).body.code, 'number_disconnected');
    assert.match((await number()).reason ?? '', /disabled WhatsApp Business Account/);
    await tell('account_update', ban('REINSTATE'), at + 1);
    await until(async () => (await number()).status === 'connected');
  });
});
