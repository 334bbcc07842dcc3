/** Who may what: keys of other tenants, of other numbers, revoked and expired, at every door of every dialect. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { onEachEngine } from './harness/engines.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import {
  must,
  newTenant,
  operatorKey,
  type TestTenant,
  unlimited,
  until,
  waitForStatus,
} from './harness/tenant.ts';

interface Door {
  name: string;
  path(tenant: TestTenant): string;
  body(phone: string): unknown;
  /** Whether the path names the number or the tenant; where it does not, the key alone decides who sends. */
  named: boolean;
}

const text = (phone: string) => ({
  messaging_product: 'whatsapp',
  to: phone,
  type: 'text',
  text: { body: 'x' },
});
const template = (phone: string) => ({
  ...text(phone),
  type: 'template',
  template: { name: 'hello_world', language: { code: 'en_US' } },
});

const doors: Door[] = [
  { name: 'cloud', path: t => `/v25.0/${t.phoneNumberId}/messages`, body: text, named: true },
  { name: 'cloud without version', path: t => `/${t.phoneNumberId}/messages`, body: text, named: true },
  {
    name: 'cloud marketing',
    path: t => `/v25.0/${t.phoneNumberId}/marketing_messages`,
    body: template,
    named: true,
  },
  { name: 'connexease', path: () => '/v1/wa/message', body: text, named: false },
  {
    name: 'connectly session',
    path: t => `/v1/businesses/${t.tenantId}/send/messages`,
    body: phone => ({ recipient: { id: `+${phone}`, channelType: 'whatsapp' }, message: { text: 'x' } }),
    named: true,
  },
  {
    name: 'connectly templated',
    path: t => `/v1/businesses/${t.tenantId}/send/whatsapp_templated_messages`,
    body: phone => ({ number: `+${phone}`, templateName: 'hello_world', language: 'en_US' }),
    named: true,
  },
  {
    name: 'autokonnect',
    path: t => `/api/v1/whatsapp/${t.numberId}/messages`,
    body: phone => ({ phone_number: phone, type: 'text', message: 'x' }),
    named: true,
  },
  {
    name: 'native',
    path: () => '/api/v1/messages',
    body: phone => ({ to: phone, type: 'text', text: { body: 'x' } }),
    named: false,
  },
];

onEachEngine(engine => {
  let place: Place;
  let gateway: Program;
  let own: TestTenant;
  let other: TestTenant;

  before(async () => {
    place = await newPlace(engine);
    gateway = await startGateway(place, {
      env: { WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'error' },
    });
    const templates = [
      {
        id: '77',
        name: 'hello_world',
        language: 'en_US',
        status: 'APPROVED',
        category: 'MARKETING',
        components: [{ type: 'BODY', text: 'Hello' }],
      },
    ];
    own = await newTenant(gateway, gateway.simulatorUrl, { templates });
    other = await newTenant(gateway, gateway.simulatorUrl, { templates });
  });
  after(async () => {
    await gateway?.stop();
    await place?.remove();
  });

  const knock = (door: Door, at: TestTenant, key: string, phone = '905321234567') =>
    call(`${gateway.url}${door.path(at)}`, {
      headers: { authorization: `Bearer ${key}`, 'x-api-key': key },
      body: door.body(phone),
    });
  const gotBy = async (phone: string) =>
    (await must<{ data: unknown[] }>(call(`${gateway.simulatorUrl}/control/received?to=${phone}&limit=1000`)))
      .data.length;
  const newKey = (fields: Record<string, unknown>) =>
    must<{ id: string; key: string }>(
      call(`${gateway.url}/api/v1/tenants/${own.tenantId}/api-keys`, {
        key: operatorKey,
        body: { name: 'k', ...fields },
      }),
    );

  for (const [i, door] of doors.entries()) {
    test(`${door.name}: the own key sends, another tenant's gets nothing`, async () => {
      const phone = `90530000000${i}`;
      assert.equal((await knock(door, own, own.key, phone)).status, 200);
      if (door.named) {
        const refused = await knock(door, own, other.key, phone);
        assert.ok(refused.status >= 400, refused.text);
        assert.ok(!refused.text.includes(own.key));
      }
      for (const nonsense of ['pk_00000000000000000000000000000000', operatorKey, 'x']) {
        assert.equal((await knock(door, own, nonsense, phone)).status, 401, nonsense);
      }
      await until(async () => (await gotBy(phone)) > 0);
      // Whoever else knocked: had it been let in, its message would be there by now or come before the next one does.
      assert.equal((await knock(door, own, own.key, `${phone}1`)).status, 200);
      await until(async () => (await gotBy(`${phone}1`)) > 0);
      assert.equal(await gotBy(phone), 1);
    });

    test(`${door.name}: a revoked and an expired key get nothing`, async () => {
      const revoked = await newKey({});
      assert.equal((await knock(door, own, revoked.key)).status, 200);
      await must(
        call(`${gateway.url}/api/v1/tenants/${own.tenantId}/api-keys/${revoked.id}`, {
          method: 'DELETE',
          key: operatorKey,
        }),
      );
      assert.equal((await knock(door, own, revoked.key)).status, 401);
      const brief = await newKey({ ...unlimited, expiresAt: new Date(Date.now() + 300).toISOString() });
      while ((await knock(door, own, brief.key)).status === 200);
      assert.equal((await knock(door, own, brief.key)).status, 401);
    });
  }

  for (const door of doors) {
    test(`${door.name}: after a rotation both secrets work until the overlap ends`, async () => {
      const { id, key: old } = await newKey({});
      const rotate = (overlapSeconds: number) =>
        must<{ key: string }>(
          call(`${gateway.url}/api/v1/tenants/${own.tenantId}/api-keys/${id}/rotate`, {
            key: operatorKey,
            body: { overlapSeconds },
          }),
        );
      const { key } = await rotate(3_600);
      for (const secret of [old, key]) assert.equal((await knock(door, own, secret)).status, 200);
      const { key: last } = await rotate(0);
      for (const secret of [old, key]) assert.equal((await knock(door, own, secret)).status, 401);
      assert.equal((await knock(door, own, last)).status, 200);
    });

    test(`${door.name}: what a key may not do is refused with the reason, and nothing is sent`, async () => {
      const phone = `90540000000${doors.indexOf(door)}`;
      for (const [powers, reason] of [
        [{ access: 'read' }, 'it may only read'],
        [{ addresses: ['203.0.113.7'] }, 'it may not be used from 127.0.0.1'],
        [{ templates: ['receipt'] }, 'it may only send the template receipt'],
      ] as const) {
        const { key } = await newKey({ powers });
        const refused = await knock(door, own, key, phone);
        assert.ok(refused.status === 403 || refused.status === 400, `${refused.status}: ${refused.text}`);
        assert.ok(refused.text.includes(reason), refused.text);
      }
      const { key } = await newKey({
        powers: { access: 'send', addresses: ['127.0.0.1'], messagesPerDay: 1 },
      });
      assert.equal((await knock(door, own, key, phone)).status, 200);
      const over = await knock(door, own, key, phone);
      assert.ok(over.text.includes('0 are left today'), over.text);
      await until(async () => (await gotBy(phone)) > 0);
      assert.equal((await knock(door, own, own.key, `${phone}1`)).status, 200);
      await until(async () => (await gotBy(`${phone}1`)) > 0);
      assert.equal(await gotBy(phone), 1);
    });
  }

  test('a key bound to a number reaches only that number', async () => {
    const bound = await newKey({ numberId: own.numberId });
    for (const door of doors) assert.equal((await knock(door, own, bound.key)).status, 200, door.name);
    const foreign = await call(`${gateway.url}/api/v1/tenants/${own.tenantId}/api-keys`, {
      key: operatorKey,
      body: { name: 'k', numberId: other.numberId },
    });
    assert.equal(foreign.status, 404, foreign.text);
  });

  test("another tenant's message is not found", async () => {
    const { id } = await must<{ id: string }>(
      call(`${gateway.url}/api/v1/messages`, { key: own.key, body: doors.at(-1)!.body('905321234567') }),
    );
    await waitForStatus(gateway.url, own.key, id, 'read');
    assert.equal((await call(`${gateway.url}/api/v1/messages/${id}`, { key: other.key })).status, 404);
    const list = await must<{ data: { id: string }[] }>(
      call(`${gateway.url}/api/v1/messages`, { key: other.key }),
    );
    assert.ok(list.data.every(message => message.id !== id));
  });

  test('a message for later waits, and is then sent', async () => {
    const sendAt = new Date(Date.now() + 2_500).toISOString();
    const { id, status } = await must<{ id: string; status: string }>(
      call(`${gateway.url}/api/v1/messages`, {
        key: own.key,
        body: { to: '905321234567', type: 'text', text: { body: 'later' }, sendAt },
      }),
    );
    assert.equal(status, 'scheduled');
    const message = await waitForStatus(gateway.url, own.key, id, 'read');
    const accepted = message.timeline.find(moment => moment.status === 'accepted')!;
    assert.ok(accepted.at >= sendAt, `${accepted.at} is before ${sendAt}`);
  });

  test('what is still waiting can be canceled, and is then not sent; what is under way cannot', async () => {
    const schedule = (sendAt: number) =>
      call<{ id: string; status: string }>(`${gateway.url}/api/v1/messages`, {
        key: own.key,
        body: {
          to: '905399990001',
          type: 'text',
          text: { body: 'later' },
          sendAt: new Date(sendAt).toISOString(),
        },
      });
    const { id } = (await schedule(Date.now() + 3_600_000)).body;
    const cancel = (key: string) => call(`${gateway.url}/api/v1/messages/${id}`, { method: 'DELETE', key });
    assert.equal((await cancel(other.key)).status, 404);
    assert.equal((await cancel(own.key)).body.status, 'canceled');
    assert.equal((await cancel(own.key)).status, 409);
    assert.equal(await gotBy('905399990001'), 0);
  });
});
