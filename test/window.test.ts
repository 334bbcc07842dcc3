/** The 24-hour window from the outside: what opens it, who checks it, and what is sent where it is closed. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { onEachEngine } from './harness/engines.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant, until, waitForStatus } from './harness/tenant.ts';

const demoKey = 'pk_demodemodemodemodemodemodemodemo';
const demoPhoneNumberId = '106540352242922';
const demoNumberId = 123;
const hourMs = 3_600_000;

interface NumberForm {
  windowPolicy: string;
  listeningSince: string | null;
}

interface Conversation {
  windows: { number: number; open: boolean; closesAt: string; freeUntil: string | null }[];
}

interface Sent {
  id: string;
  code?: string;
  wamid?: string;
  window?: { open: boolean; closesAt: string | null; sent: string; reason?: string };
}

onEachEngine(engine => {
  let place: Place;
  let gateway: Program;
  let tenant: TestTenant;

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
    tenant = await newTenant(gateway, gateway.simulatorUrl);
  });
  after(async () => {
    await gateway?.stop();
    await place?.remove();
  });

  const send = (to: unknown, more: object = {}, key = demoKey) =>
    call<Sent>(`${gateway.url}/api/v1/messages`, {
      key,
      body: { to, type: 'text', text: { body: 'hi' }, ...more },
    });
  const conversation = (recipient: string, key = demoKey) =>
    must<Conversation>(call(`${gateway.url}/api/v1/conversations/${recipient}`, { key }));
  const write = async (phone: string, more: object = {}) => {
    await must(
      call(`${gateway.simulatorUrl}/control/phones/${phone}/messages`, {
        body: { phone_number_id: demoPhoneNumberId, text: 'Hi', ...more },
      }),
    );
    await until(async () => (await conversation(phone)).windows.some(({ open }) => open));
  };
  const ofNumber = (path = '', method = 'GET', body?: unknown) =>
    call<NumberForm>(`${gateway.url}/api/v1/tenants/${tenant.tenantId}/numbers/${tenant.numberId}${path}`, {
      ...{ key: operatorKey, method },
      ...(body === undefined ? {} : { body }),
    });
  const post = (value: object, field = 'messages') => {
    const body = JSON.stringify({
      entry: [
        {
          id: tenant.wabaId,
          changes: [
            {
              field,
              value: { metadata: { phone_number_id: tenant.phoneNumberId }, ...value },
            },
          ],
        },
      ],
    });
    const signature = createHmac('sha256', tenant.appSecret).update(body).digest('hex');
    return must(
      call(`${gateway.url}/webhooks/meta`, {
        method: 'POST',
        headers: { 'x-hub-signature-256': `sha256=${signature}` },
        body,
      }),
    );
  };

  test('outside the window free-form content is refused before Meta is called; inside it goes', async () => {
    const phone = '905321200001';
    const refused = await send(phone);
    assert.deepEqual([refused.status, refused.body.code], [422, 'window_closed'], refused.text);
    const { data } = await must<{ data: unknown[] }>(
      call(`${gateway.simulatorUrl}/control/received?to=${phone}`),
    );
    assert.deepEqual(data, []);
    const template = {
      type: 'template',
      text: null,
      template: { name: 'hello_world', language: { code: 'en_US' } },
    };
    assert.equal((await send(phone, template)).status, 200);
    await write(phone);
    const sent = await send(phone);
    assert.equal(sent.status, 200, sent.text);
  });

  test('a person is let in by phone number and user id, whichever it wrote under', async () => {
    const phone = '16505551234';
    const userId = 'US.13491208655302741918';
    for (const to of [phone, { user: userId }]) assert.equal((await send(to)).status, 200);
    assert.equal((await send({ user: 'US.1' })).body.code, 'window_closed');
    // Meta knows this phone without its ninth digit, and people dial it with it.
    await write('551187654321');
    assert.equal((await send('+55 11 98765-4321')).status, 200);
  });

  test('where it is closed the fallback is sent instead, and the answer says so', async () => {
    const phone = '905321200002';
    const window = { fallback: { template: { name: 'hello_world', language: { code: 'en_US' } } } };
    const typeOf = async ({ wamid }: Sent) =>
      (await must<{ type: string }>(call(`${gateway.simulatorUrl}/control/received/${wamid}`))).type;
    const closed = await send(phone, { window });
    assert.equal(closed.status, 200, closed.text);
    assert.deepEqual(closed.body.window, {
      ...{ open: false, closesAt: null, sent: 'fallback' },
      reason: 'The recipient has not written within 24 hours.',
    });
    assert.equal(await typeOf(closed.body), 'template');
    await write(phone);
    const open = await send(phone, { window });
    assert.equal(await typeOf(open.body), 'text');
    const [own] = (await conversation(phone)).windows;
    assert.deepEqual(open.body.window, { open: true, closesAt: own?.closesAt, sent: 'content' });
  });

  test('a call of the person opens the window as a message does, one of ours does not', async () => {
    const [phone, userId] = ['905321200008', 'TR.8'];
    const at = Math.floor(Date.now() / 1000) - 3_600;
    const rings = (more: object) =>
      post(
        {
          calls: [
            {
              ...{ id: 'wacid.1', from: phone, from_user_id: userId, to: '15550000000', event: 'connect' },
              ...{ timestamp: String(at), direction: 'USER_INITIATED' },
              ...more,
            },
          ],
        },
        'calls',
      );
    const closesAt = async (name = phone) =>
      (await conversation(name, tenant.key)).windows.map(window => Date.parse(window.closesAt) - 24 * hourMs);
    await rings({ direction: 'BUSINESS_INITIATED' });
    await rings({ event: 'terminate', status: 'FAILED' });
    assert.deepEqual(await closesAt(), []);
    await rings({});
    for (const name of [phone, userId]) assert.deepEqual(await closesAt(name), [at * 1_000]);
    // Its end tells nothing new, and a late earlier call takes nothing back.
    await rings({ event: 'terminate', status: 'COMPLETED', timestamp: String(at + 60), start_time: at });
    await rings({ id: 'wacid.0', timestamp: String(at - 60) });
    assert.deepEqual(await closesAt(), [at * 1_000]);
    await rings({ id: 'wacid.2', timestamp: String(at + 120) });
    assert.deepEqual(await closesAt(), [(at + 120) * 1_000]);
  });

  test('a repeat under an Idempotency-Key hears the same of the window, whatever has become of it', async () => {
    const phone = '905321200007';
    const window = { fallback: { template: { name: 'hello_world', language: { code: 'en_US' } } } };
    for (const prefer of ['respond-sync', 'respond-async']) {
      const ask = () =>
        call<Sent>(`${gateway.url}/api/v1/messages`, {
          key: demoKey,
          headers: { 'idempotency-key': `window-${prefer}`, prefer },
          body: { to: phone, type: 'text', text: { body: 'hi' }, window },
        });
      const first = await ask();
      assert.ok(first.status < 300, first.text);
      assert.equal(first.body.window?.sent, prefer === 'respond-sync' ? 'fallback' : 'content');
      await write(phone);
      const again = await ask();
      assert.equal(again.headers.get('idempotency-replayed'), 'true');
      assert.deepEqual(
        [again.status, again.body.id, again.body.window],
        [first.status, first.body.id, first.body.window],
      );
    }
    // At once, where the first is of the same batch.
    const twins = await Promise.all(
      [1, 2, 3, 4].map(() =>
        call<Sent>(`${gateway.url}/api/v1/messages`, {
          key: demoKey,
          headers: { 'idempotency-key': 'window-twins' },
          body: { to: phone, type: 'text', text: { body: 'hi' } },
        }),
      ),
    );
    assert.deepEqual(new Set(twins.map(({ body }) => body.window?.sent)), new Set(['content']));
  });

  test('a number listens from its first webhook of messages on, also when it is connected again', async () => {
    assert.equal((await ofNumber()).body.listeningSince, null);
    // What is not about messages tells nothing of them.
    await post({ anything: 1, statuses: [null] });
    assert.equal((await ofNumber()).body.listeningSince, null);
    const before = Date.now();
    await post({ statuses: [{ id: 'wamid.of-another', status: 'sent', timestamp: '1750000000' }] });
    const since = (await ofNumber()).body.listeningSince;
    assert.ok(
      since !== null && Date.parse(since) >= before && Date.parse(since) <= Date.now(),
      String(since),
    );
    await post({ statuses: [{ id: 'wamid.of-another', status: 'read', timestamp: '1750000000' }] });
    assert.equal((await ofNumber('', 'PATCH', {})).status, 200);
    assert.equal((await ofNumber()).body.listeningSince, since);
    // Younger than a day: nobody here can know the window.
    assert.equal((await send('905321200003', {}, tenant.key)).status, 200);
  });

  test('a number may let Meta decide, and what Meta finds late is told in the same words', async () => {
    assert.equal((await ofNumber()).body.windowPolicy, 'check');
    assert.equal((await ofNumber('', 'PATCH', { windowPolicy: 'meta' })).body.windowPolicy, 'meta');
    assert.equal((await ofNumber('', 'PATCH', { perSecond: 80 })).body.windowPolicy, 'meta');
    const wrong = await ofNumber('', 'PATCH', { windowPolicy: 'never' });
    assert.equal(wrong.status, 400);
    const phone = '905321200004';
    await must(
      call(`${gateway.simulatorUrl}/control/faults`, {
        body: { match: { to: phone }, times: 1, action: { kind: 'status_failed', code: 131047 } },
      }),
    );
    const { body } = await send(phone, {}, tenant.key);
    const { timeline } = await waitForStatus(gateway.url, tenant.key, body.id, 'failed');
    assert.equal(
      timeline.at(-1)?.reason,
      '131047 Re-engagement message: The recipient has not written within 24 hours; send a template',
    );
  });

  test("who came by an ad: Meta's word on until when it is free is shown, and the window closes as before", async () => {
    const phone = '905321200005';
    const at = Math.floor(Date.now() / 1000);
    await post({
      messages: [
        {
          ...{ from: phone, id: 'wamid.ad', timestamp: String(at), type: 'text', text: { body: 'Hi' } },
          referral: { source_type: 'ad', source_id: '1', source_url: 'https://fb.me/1' },
        },
      ],
    });
    const [before] = (await conversation(phone, tenant.key)).windows;
    assert.equal(before?.freeUntil, null);
    await post({
      statuses: [
        {
          ...{ id: 'wamid.answer', status: 'sent', timestamp: String(at), recipient_id: phone },
          conversation: {
            id: 'c',
            expiration_timestamp: String(at + 72 * 3600),
            origin: { type: 'referral_conversion' },
          },
        },
      ],
    });
    const [now] = (await conversation(phone, tenant.key)).windows;
    assert.equal(now?.freeUntil, new Date((at + 72 * 3600) * 1000).toISOString());
    assert.equal(now?.closesAt, new Date(at * 1000 + 24 * hourMs).toISOString());
  });

  test('our first answer to who came by an ad opens the free entry point', async () => {
    const phone = '905321200006';
    await write(phone, { referral: { source_type: 'ad', source_id: '1', source_url: 'https://fb.me/1' } });
    const before = Date.now();
    assert.equal((await send(phone)).status, 200);
    const [window] = (await conversation(phone)).windows.filter(({ number }) => number === demoNumberId);
    assert.ok(window?.freeUntil !== null && window?.freeUntil !== undefined);
    const opened = Date.parse(window.freeUntil) - 72 * hourMs;
    assert.ok(opened >= before && opened <= Date.now(), window.freeUntil);
  });
});
