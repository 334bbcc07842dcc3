/** Meta's own limits, as the simulator enforces them, and what the gateway makes of each: what waits, what ends, who goes on. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { onEachEngine } from './harness/engines.ts';
import {
  call,
  newPlace,
  type Place,
  type Program,
  startGateway,
  startSimulator,
} from './harness/programs.ts';
import {
  liveEnv,
  must,
  type NativeMessage,
  newTenant,
  setMeta,
  type TenantOptions,
  type TestTenant,
  until,
  waitForStatus,
} from './harness/tenant.ts';

interface NumberSummary {
  arrived: number;
  accepted: number;
  recipients: number;
  limited: Record<string, number>;
}

const templates = ['UTILITY', 'MARKETING'].map(category => ({
  ...{ name: category.toLowerCase(), language: 'en', category },
  components: [{ type: 'BODY', text: 'Hello' }],
}));
const text = { type: 'text', text: { body: 'hi' } };
const template = (name: string) => ({ type: 'template', template: { name, language: { code: 'en' } } });

onEachEngine(engine => {
  let place: Place;
  let simulator: Program;
  let gateway: Program;

  before(async () => {
    place = await newPlace(engine);
    simulator = await startSimulator();
    gateway = await startGateway(place, { env: liveEnv(simulator.url) });
    await control('settings', 'PUT', { delays: { sent: 1, delivered: 2, read: 3 } });
  });
  after(async () => {
    await gateway?.stop();
    await simulator?.stop();
    await place?.remove();
  });

  const control = (path: string, method: string, body: unknown) =>
    must(call(`${simulator.url}/control/${path}`, { method, body }));
  const tenantWith = (options: TenantOptions) => newTenant(gateway, simulator.url, { templates, ...options });
  const send = (tenant: TestTenant, to: string, content: object, headers = {}) =>
    call<{ id: string; status: string | number }>(`${gateway.url}/api/v1/messages`, {
      ...{ key: tenant.key, headers, body: { to, ...content } },
    });
  /** Resolves when it is committed, with its id. */
  const queue = async (tenant: TestTenant, to: string, content: object = text) =>
    (await must<{ id: string }>(send(tenant, to, content, { prefer: 'respond-async' }))).id;
  const find = (tenant: TestTenant, id: string) =>
    must<NativeMessage>(call(`${gateway.url}/api/v1/messages/${id}`, { key: tenant.key }));
  const summary = async (tenant: TestTenant) => {
    const all = await must<{ doubled: number; phoneNumbers: Record<string, NumberSummary> }>(
      call(`${simulator.url}/control/summary?waba_id=${tenant.wabaId}`),
    );
    return { doubled: all.doubled, ...all.phoneNumbers[tenant.phoneNumberId]! };
  };
  const repeats = async (tenant: TestTenant, id: string) =>
    (await find(tenant, id)).timeline.flatMap(({ status, reason }) =>
      status === 'queued' && reason !== undefined ? [reason] : [],
    );
  const writes = async (tenant: TestTenant, phone: string) => {
    await control(`phones/${phone}/messages`, 'POST', { phone_number_id: tenant.phoneNumberId, text: 'Hi' });
    await must(call(`${simulator.url}/control/idle?timeout_ms=10000&waba_id=${tenant.wabaId}`));
  };
  const endsWith = async (tenant: TestTenant, id: string, code: number) => {
    const { timeline } = await waitForStatus(gateway.url, tenant.key, id, 'failed');
    assert.match(timeline.at(-1)!.reason!, new RegExp(`^${code} `));
  };

  test('60 messages to one recipient at once: those past the pair rate wait and arrive, nobody else does', async () => {
    const tenant = await tenantWith({ meta: { pairEveryMs: 600_000, enforce: { pair: true } } });
    const crowd = await Promise.all(Array.from({ length: 60 }, () => queue(tenant, '905321234567')));
    await until(async () => (await summary(tenant)).limited.pair! >= 15);
    const others = await Promise.all(
      Array.from({ length: 20 }, (_, i) => send(tenant, String(905_330_000_000 + i), text)),
    );
    for (const { status, body } of others) {
      assert.equal(status, 200);
      assert.deepEqual(await repeats(tenant, body.id), []);
    }
    assert.equal((await summary(tenant)).accepted, 65, 'a burst of 45, and the others');
    // As if the time had passed: in real life it is minutes.
    await setMeta(simulator.url, tenant.wabaId, { enforce: { pair: false } });
    for (const id of crowd) await waitForStatus(gateway.url, tenant.key, id, 'read', 120_000);
    const { limited, accepted, recipients, doubled } = await summary(tenant);
    assert.deepEqual([accepted, recipients, doubled, limited.throughput], [80, 21, 0, 0]);
    const reasons = await Promise.all(crowd.map(id => repeats(tenant, id)));
    assert.ok(
      reasons.flat().every(reason => reason.startsWith('131056 ')),
      JSON.stringify(reasons.flat()),
    );
  });

  test('a number that is slower than its level tells: all arrive at its rate, once each', async () => {
    // Shared with the WhatsApp Business app: 20 a second, which Meta does not say of it.
    const tenant = await tenantWith({ throughput: 'NOT_APPLICABLE' });
    const ids = await Promise.all(
      Array.from({ length: 60 }, (_, i) => queue(tenant, String(905_340_000_000 + i))),
    );
    for (const id of ids) await waitForStatus(gateway.url, tenant.key, id, 'read', 60_000);
    const { limited, accepted, recipients, doubled } = await summary(tenant);
    assert.deepEqual([accepted, recipients, doubled], [60, 60, 0]);
    assert.ok(limited.throughput! > 0, 'the limit bit');
    const reasons = (await Promise.all(ids.map(id => repeats(tenant, id)))).flat();
    assert.ok(reasons.length > 0 && reasons.every(reason => reason.startsWith('130429 ')));
  });

  test('a number under suspicion of spam: what it begins waits, replies go on', async () => {
    const tenant = await tenantWith({ meta: { enforce: { window: true } } });
    await writes(tenant, '905350000001');
    await control(`numbers/${tenant.phoneNumberId}`, 'PUT', { spam: true });
    const begun = await queue(tenant, '905350000002', template('utility'));
    await until(async () => (await repeats(tenant, begun)).some(reason => reason.startsWith('131048 ')));
    const reply = await send(tenant, '905350000001', text);
    assert.equal(reply.status, 200, reply.text);
    assert.equal((await find(tenant, begun)).status, 'queued');
    assert.deepEqual([(await summary(tenant)).limited.spam, (await summary(tenant)).arrived], [1, 2]);
  });

  test('a portfolio that has written to all it may: the rest waits, replies go on', async () => {
    const tenant = await tenantWith({
      account: { messagingLimit: 'TIER_50' },
      meta: { enforce: { window: true } },
    });
    await writes(tenant, '905360000099');
    const ids: string[] = [];
    for (let i = 0; i < 52; i++)
      ids.push(await queue(tenant, String(905_360_000_000 + i), template('utility')));
    await until(async () => (await summary(tenant)).limited.portfolio === 2);
    assert.equal((await send(tenant, '905360000099', text)).status, 200);
    const waiting = (await Promise.all(ids.map(id => find(tenant, id)))).filter(
      ({ status }) => status === 'queued',
    );
    assert.equal(waiting.length, 2);
    assert.equal((await summary(tenant)).accepted, 51);
  });

  test('what Meta takes and then does not deliver ends, with the reason, and is not repeated', async () => {
    const tenant = await tenantWith({
      meta: { enforce: { window: true }, marketingPerDay: 1, unknown: ['999*'] },
    });
    // A number that has just begun to listen cannot know its windows: Meta decides.
    await endsWith(tenant, await queue(tenant, '905370000001'), 131047);
    await endsWith(tenant, await queue(tenant, '999370000001', template('utility')), 131026);
    const offer = await queue(tenant, '905370000002', template('marketing'));
    await waitForStatus(gateway.url, tenant.key, offer, 'read');
    await endsWith(tenant, await queue(tenant, '905370000002', template('marketing')), 131049);
    const { limited, arrived, accepted } = await summary(tenant);
    assert.deepEqual([limited.window, limited.unknown, limited.marketing], [1, 1, 1]);
    assert.deepEqual([arrived, accepted], [4, 4]);
  });
});
