/** A thousand messages sent at once through each dialect all end read at the simulator, none missing, none doubled. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { onEachEngine } from './harness/engines.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant } from './harness/tenant.ts';

/** How each dialect says "hello" to a phone. */
const sends: Record<
  string,
  (tenant: TestTenant, phone: string) => { path: string; headers?: Record<string, string>; body: unknown }
> = {
  connexease: (_, phone) => ({
    path: '/v1/wa/message',
    body: { messaging_product: 'whatsapp', to: phone, type: 'text', text: { body: 'hello' } },
  }),
  cloud: ({ phoneNumberId }, phone) => ({
    path: `/v25.0/${phoneNumberId}/messages`,
    body: { messaging_product: 'whatsapp', to: phone, type: 'text', text: { body: 'hello' } },
  }),
  connectly: ({ tenantId, key }, phone) => ({
    path: `/v1/businesses/${tenantId}/send/messages`,
    headers: { 'x-api-key': key },
    body: { recipient: { id: `+${phone}`, channelType: 'whatsapp' }, message: { text: 'hello' } },
  }),
  autokonnect: ({ numberId }, phone) => ({
    path: `/api/v1/whatsapp/${numberId}/messages`,
    body: { phone_number: phone, type: 'text', message: 'hello' },
  }),
  native: (_, phone) => ({
    path: '/api/v1/messages',
    body: { to: phone, type: 'text', text: { body: 'hello' } },
  }),
};

interface Summary {
  accepted: number;
  doubled: number;
}

onEachEngine(engine => {
  let place: Place;
  let gateway: Program;

  before(async () => {
    place = await newPlace(engine);
    gateway = await startGateway(place, {
      env: { WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'warn' },
    });
  });
  after(async () => {
    await gateway?.stop();
    await place?.remove();
  });

  for (const [dialect, send] of Object.entries(sends)) {
    // What a dialect adds is the same on both engines: on the second one of them is enough for the crowd.
    const count = engine === 'sqlite' || dialect === 'native' ? 1_000 : 200;
    test(`${dialect}: ${count}`, async () => {
      const tenant = await newTenant(gateway, gateway.simulatorUrl);
      const phones = Array.from({ length: count }, (_, i) => String(905_000_000_000 + i));
      const answers = await Promise.all(
        phones.map(phone => {
          const { path, headers = {}, body } = send(tenant, phone);
          return call(`${gateway.url}${path}`, { key: tenant.key, headers, body });
        }),
      );
      assert.deepEqual(
        answers.filter(({ status }) => status !== 200).map(({ text }) => text),
        [],
      );
      const deadline = Date.now() + 60_000;
      let read = 0;
      while (read < count && Date.now() < deadline) {
        read = await countMessages(tenant, 'read');
        await call(`${gateway.simulatorUrl}/control/idle?timeout_ms=1000`);
      }
      assert.equal(read, count);
      const got = await receivedBy(tenant);
      assert.deepEqual([...got.keys()].sort(), phones);
      assert.deepEqual(
        [...got].filter(([, times]) => times !== 1),
        [],
      );
      const { doubled } = await must<Summary>(call(`${gateway.simulatorUrl}/control/summary`));
      assert.equal(doubled, 0);
    });
  }

  async function countMessages(tenant: TestTenant, status: string): Promise<number> {
    let total = 0;
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: { data: unknown[]; next: string | null } = await must(
        call(`${gateway.url}/api/v1/messages?status=${status}&limit=200${cursor && `&cursor=${cursor}`}`, {
          key: tenant.key,
        }),
      );
      total += page.data.length;
      cursor = page.next;
    }
    return total;
  }

  /** Phone → how many messages it got from the tenant's number. */
  async function receivedBy(tenant: TestTenant): Promise<Map<string, number>> {
    const got = new Map<string, number>();
    for (let cursor = '0', left = true; left; ) {
      const page = await must<{ data: { to: string }[]; cursor: string }>(
        call(
          `${gateway.simulatorUrl}/control/received?phone_number_id=${tenant.phoneNumberId}&limit=500&after=${cursor}`,
        ),
      );
      for (const { to } of page.data) got.set(to, (got.get(to) ?? 0) + 1);
      cursor = page.cursor;
      left = page.data.length > 0;
    }
    return got;
  }
});
