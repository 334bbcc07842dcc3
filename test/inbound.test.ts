/** What Meta tells us: signed, odd, repeated, out of order. Posted by the test itself, so that every byte is ours to choose. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { onEachEngine } from './harness/engines.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant, waitForStatus } from './harness/tenant.ts';

onEachEngine(engine => {
  let place: Place;
  let gateway: Program;
  let tenant: TestTenant;
  let other: TestTenant;

  before(async () => {
    place = await newPlace(engine);
    gateway = await startGateway(place, {
      env: { WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'error' },
    });
    // The simulator's own statuses would get in the way of ours.
    await must(
      call(`${gateway.simulatorUrl}/control/settings`, {
        method: 'PUT',
        body: { delays: { sent: 3e6, delivered: 3e6, read: 3e6 } },
      }),
    );
    tenant = await newTenant(gateway, gateway.simulatorUrl);
    other = await newTenant(gateway, gateway.simulatorUrl);
  });
  after(async () => {
    await gateway?.stop();
    await place?.remove();
  });

  const post = (body: string, secret = tenant.appSecret) =>
    call(`${gateway.url}/webhooks/meta`, {
      method: 'POST',
      headers: { 'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` },
      body,
    });
  const change = (value: Record<string, unknown>, of = tenant, field = 'messages') => ({
    field,
    value: {
      messaging_product: 'whatsapp',
      metadata: { display_phone_number: '1', phone_number_id: of.phoneNumberId },
      ...value,
    },
  });
  const payload = (...changes: unknown[]) =>
    JSON.stringify({ object: 'whatsapp_business_account', entry: [{ id: tenant.wabaId, changes }] });
  const status = (message: { id: string; wamid: string }, kind: string, at = 1_750_000_000) => ({
    id: message.wamid,
    status: kind,
    timestamp: String(at),
    recipient_id: '905321234567',
    biz_opaque_callback_data: message.id,
  });
  const send = () =>
    must<{ id: string; wamid: string }>(
      call(`${gateway.url}/api/v1/messages`, {
        key: tenant.key,
        body: { to: '905321234567', type: 'text', text: { body: 'x' } },
      }),
    );
  const statusOf = async (id: string) =>
    (await call(`${gateway.url}/api/v1/messages/${id}`, { key: tenant.key })).body.status;

  test('the handshake answers the challenge for a known token only', async () => {
    const ask = (token: string) =>
      call(`${gateway.url}/webhooks/meta?hub.mode=subscribe&hub.challenge=4711&hub.verify_token=${token}`);
    assert.deepEqual(
      [(await ask(tenant.verifyToken)).status, (await ask(tenant.verifyToken)).text],
      [200, '4711'],
    );
    assert.equal((await ask('wrong')).status, 403);
    assert.equal((await call(`${gateway.url}/webhooks/meta`)).status, 400);
  });

  test('a signature over other bytes, by another secret, or none at all is refused', async () => {
    const message = await send();
    const body = payload(change({ statuses: [status(message, 'read')] }));
    assert.equal((await post(body, 'another secret')).status, 401);
    assert.equal((await call(`${gateway.url}/webhooks/meta`, { method: 'POST', body })).status, 401);
    assert.equal((await post(`${body} `)).status, 200);
    assert.equal(await statusOf(message.id), 'read');
  });

  test('escaped unicode is verified over the raw bytes', async () => {
    const text = payload(
      change({
        messages: [
          {
            from: '905320000001',
            id: 'wamid.unicode',
            timestamp: '1750000000',
            type: 'text',
            text: { body: 'çok güzel 👍' },
          },
        ],
      }),
    ).replace(/[^\x20-\x7e]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
    assert.ok(text.includes('\\u00e7'));
    assert.equal((await post(text)).status, 200);
  });

  test('one tenant cannot speak about the message of another', async () => {
    const message = await send();
    // Signed by the other tenant's app, naming our number beside its own: only its own part counts.
    const body = payload(change({ statuses: [status(message, 'read')] }), change({ statuses: [] }, other));
    await post(body, other.appSecret);
    // And naming its own number with our message's id.
    await post(payload(change({ statuses: [status(message, 'read')] }, other)), other.appSecret);
    assert.equal(await statusOf(message.id), 'accepted');
  });

  test('late, twice and out of order: the highest stands, every time is kept', async () => {
    const message = await send();
    await post(
      payload(
        change({
          statuses: [status(message, 'read', 1_750_000_003), status(message, 'sent', 1_750_000_001)],
        }),
      ),
    );
    await post(payload(change({ statuses: [status(message, 'delivered', 1_750_000_002)] })));
    await post(payload(change({ statuses: [status(message, 'sent', 1_750_000_001)] })));
    const { timeline } = await waitForStatus(gateway.url, tenant.key, message.id, 'read');
    assert.deepEqual(
      timeline.filter(moment => ['sent', 'delivered', 'read'].includes(moment.status)),
      [
        { status: 'sent', at: '2025-06-15T15:06:41.000Z' },
        { status: 'delivered', at: '2025-06-15T15:06:42.000Z' },
        { status: 'read', at: '2025-06-15T15:06:43.000Z' },
      ],
    );
  });

  test('what we do not understand is kept and costs the others nothing', async () => {
    const message = await send();
    const body = payload(
      change({ anything: true }, tenant, 'a_field_of_the_future'),
      change({
        statuses: [null, 7, { status: 'teleported' }, status(message, 'delivered')],
        messages: ['?', {}],
        errors: [{ code: 1 }],
      }),
      change({ statuses: 'not a list', contacts: null }),
      null,
      { field: 'messages' },
      {},
    );
    assert.equal((await post(body)).status, 200);
    assert.equal(await statusOf(message.id), 'delivered');
  });

  test('what a person writes is stored once and opens the window, from the time Meta gives', async () => {
    interface Conversation {
      windows: { number: number; open: boolean; closesAt: string }[];
      incoming: { wamid: string; message: { text: { body: string } } }[];
    }
    const conversation = (key = tenant.key) =>
      must<Conversation>(call(`${gateway.url}/api/v1/conversations/+905320000042`, { key }));
    const at = Math.floor(Date.now() / 1000) - 3600;
    const hello = (wamid: string, seconds: number) =>
      payload(
        change({
          messages: [
            {
              from: '905320000042',
              id: wamid,
              timestamp: String(seconds),
              type: 'text',
              text: { body: 'çok güzel' },
            },
          ],
        }),
      );
    for (const body of [hello('wamid.b', at), hello('wamid.b', at), hello('wamid.a', at - 50 * 3600)]) {
      assert.equal((await post(body)).status, 200);
    }
    const { windows, incoming } = await conversation();
    assert.deepEqual(windows, [
      {
        number: tenant.numberId,
        open: true,
        openedAt: new Date(at * 1000).toISOString(),
        closesAt: new Date((at + 24 * 3600) * 1000).toISOString(),
        freeUntil: null,
      },
    ]);
    assert.deepEqual(
      incoming.map(({ wamid, message }) => [wamid, message.text.body]),
      [
        ['wamid.b', 'çok güzel'],
        ['wamid.a', 'çok güzel'],
      ],
    );
    assert.deepEqual((await conversation(other.key)).incoming, []);
  });

  test('empty and broken payloads are answered, never a 500', async () => {
    for (const [body, expected] of [
      ['{}', 200],
      ['{"entry":[]}', 200],
      ['{"entry":[{"changes":[]}]}', 200],
      ['[]', 400],
      ['no json', 400],
      ['', 400],
    ] as const) {
      assert.equal((await post(body)).status, expected, body);
    }
  });

  test('a batch of 1,000 updates in one post', async () => {
    const message = await send();
    const statuses = Array.from({ length: 1_000 }, (_, i) =>
      status(message, ['sent', 'delivered', 'read'][i % 3]!),
    );
    assert.equal((await post(payload(change({ statuses })))).status, 200);
    assert.equal(await statusOf(message.id), 'read');
  });

  test('an incoming message can be marked as read, once it has come; a replay changes nothing', async () => {
    const { wamid } = await must<{ wamid: string }>(
      call(`${gateway.simulatorUrl}/control/phones/905320000009/messages`, {
        body: { phone_number_id: tenant.phoneNumberId, type: 'text', text: { body: 'Hi' } },
      }),
    );
    const mark = () =>
      call(`${gateway.url}/v25.0/${tenant.phoneNumberId}/messages`, {
        key: tenant.key,
        body: { messaging_product: 'whatsapp', status: 'read', message_id: wamid },
      });
    let answer = await mark();
    for (let i = 0; answer.status !== 200 && i < 100; i++) answer = await mark();
    assert.deepEqual(answer.body, { success: true });
    const incoming = payload(
      change({
        messages: [
          { from: '905320000009', id: wamid, timestamp: '1750000000', type: 'text', text: { body: 'Hi' } },
        ],
      }),
    );
    assert.equal((await post(incoming)).status, 200);
    assert.equal((await post(incoming)).status, 200);
    const foreign = await call(`${gateway.url}/v25.0/${other.phoneNumberId}/messages`, {
      key: other.key,
      body: { messaging_product: 'whatsapp', status: 'read', message_id: wamid },
    });
    assert.notEqual(foreign.status, 200);
  });
});
