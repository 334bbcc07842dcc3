/** Idempotency-Key as callers use it, through the real doors: one message, whoever repeats what, when and through which process. */
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
import { liveEnv, must, newTenant, type TestTenant, until } from './harness/tenant.ts';

const templates = [
  {
    ...{ name: 'offer', language: 'en_US', status: 'APPROVED', category: 'MARKETING', id: '9001' },
    components: [{ type: 'BODY', text: 'Come and see' }],
  },
];

onEachEngine(engine => {
  let place: Place;
  let simulator: Program;
  let gateways: Program[];
  let tenant: TestTenant;

  before(async () => {
    place = await newPlace(engine);
    simulator = await startSimulator();
    const env = liveEnv(simulator.url);
    gateways = [];
    for (let i = 0; i < (engine === 'postgres' ? 2 : 1); i++)
      gateways.push(await startGateway(place, { env }));
    tenant = await newTenant(gateways[0]!, simulator.url, { templates });
  });
  after(async () => {
    for (const gateway of gateways ?? []) await gateway.stop();
    await simulator?.stop();
    await place?.remove();
  });

  const received = async (to: string) =>
    (await must<{ data: unknown[] }>(call(`${simulator.url}/control/received?to=${to}`))).data.length;

  const doors = {
    cloud: (to: string, words: string) => ({
      path: `/v25.0/${tenant.phoneNumberId}/messages`,
      headers: {},
      body: { messaging_product: 'whatsapp', to, type: 'text', text: { body: words } },
    }),
    connexease: (to: string, words: string) => ({
      path: '/v1/wa/message',
      headers: {},
      body: { messaging_product: 'whatsapp', to, type: 'text', text: { body: words } },
    }),
    native: (to: string, words: string) => ({
      path: '/api/v1/messages',
      headers: {},
      body: { to, type: 'text', text: { body: words } },
    }),
    connectly: (to: string, words: string) => ({
      path: `/v1/businesses/${tenant.tenantId}/send/messages`,
      headers: { 'x-api-key': tenant.key },
      body: { recipient: { id: `+${to}`, channelType: 'whatsapp' }, message: { text: words } },
    }),
    'cloud, marketing': (to: string, words: string) => ({
      path: `/v25.0/${tenant.phoneNumberId}/marketing_messages`,
      headers: {},
      body: {
        ...{ messaging_product: 'whatsapp', to, type: 'template', biz_opaque_callback_data: words },
        template: { name: 'offer', language: { code: 'en_US' } },
      },
    }),
    'connectly, templated': (to: string, words: string) => ({
      path: `/v1/businesses/${tenant.tenantId}/send/whatsapp_templated_messages`,
      headers: { 'x-api-key': tenant.key },
      body: { number: `+${to}`, templateName: 'offer', language: 'en_US', callbackData: words },
    }),
    autokonnect: (to: string, words: string) => ({
      path: `/api/v1/whatsapp/${tenant.numberId}/messages`,
      headers: {},
      body: { phone_number: to, type: 'text', message: words },
    }),
    'native, at commit': (to: string, words: string) => ({
      path: '/api/v1/messages',
      headers: { prefer: 'respond-async' },
      body: { to, type: 'text', text: { body: words } },
    }),
  };

  for (const [i, [name, door]] of Object.entries(doors).entries()) {
    test(`${name}: 200 at once are one message, and all hear the same`, async () => {
      const to = `90532100000${i}`;
      const { path, headers, body } = door(to, 'once');
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, n) =>
          call(`${gateways[n % gateways.length]!.url}${path}`, {
            key: tenant.key,
            headers: { ...headers, 'idempotency-key': `${name}-1` },
            body,
          }),
        ),
      );
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [answers[0]!.status]);
      assert.ok(answers[0]!.status < 300, JSON.stringify(answers[0]));
      assert.equal(new Set(answers.map(answer => JSON.stringify(idsOf(answer.body)))).size, 1);
      const replayed = answers.filter(answer => answer.headers.get('idempotency-replayed') === 'true');
      assert.equal(replayed.length, 199);
      const other = await call(`${gateways[0]!.url}${path}`, {
        key: tenant.key,
        headers: { ...headers, 'idempotency-key': `${name}-1` },
        body: door(to, 'twice').body,
      });
      assert.ok(other.status >= 400 && other.status < 500, JSON.stringify(other));
      await until(async () => (await received(to)) > 0);
      assert.equal(await received(to), 1);
    });
  }

  test('what Meta refused is told again, and not sent again', async () => {
    const { path, body } = doors.cloud('905321119999', 'no');
    const rule = { match: { to: '905321119999' }, times: 1, action: { kind: 'error', code: 131026 } };
    await must(call(`${simulator.url}/control/faults`, { body: rule }));
    const ask = () =>
      call(`${gateways.at(-1)!.url}${path}`, {
        key: tenant.key,
        headers: { 'idempotency-key': 'no-1' },
        body,
      });
    const first = await ask();
    assert.equal(first.status, 400);
    const again = await ask();
    assert.deepEqual([again.status, again.body], [first.status, { ...first.body, ...again.body }]);
    assert.match(again.text, /131026/);
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
  });

  test('of a send that stayed uncertain a repeat hears that, and sends nothing again', async () => {
    const { path, body } = doors.native('905321115555', 'perhaps');
    const rule = { match: { to: '905321115555' }, times: 1, action: { kind: 'reset_before' } };
    await must(call(`${simulator.url}/control/faults`, { body: rule }));
    const ask = () =>
      call<{ id: string }>(`${gateways[0]!.url}${path}`, {
        key: tenant.key,
        headers: { 'idempotency-key': 'uncertain-1', prefer: 'respond-async' },
        body,
      });
    const first = await ask();
    assert.equal(first.status, 202, first.text);
    const statusNow = async () =>
      (
        await must<{ status: string }>(
          call(`${gateways[0]!.url}/api/v1/messages/${first.body.id}`, { key: tenant.key }),
        )
      ).status;
    await until(async () => (await statusNow()) === 'uncertain');
    const again = await ask();
    assert.deepEqual(
      [again.status, again.body, again.headers.get('idempotency-replayed')],
      [202, { ...first.body, status: 'uncertain' }, 'true'],
    );
    assert.equal(await received('905321115555'), 0);
  });

  test('a validation error is not kept', async () => {
    const ask = (body: object) =>
      call(`${gateways[0]!.url}/api/v1/messages`, {
        key: tenant.key,
        headers: { 'idempotency-key': 'v-1' },
        body,
      });
    assert.equal((await ask({ to: '905321118888', type: 'text', text: {} })).status, 400);
    const good = await ask({ to: '905321118888', type: 'text', text: { body: 'hi' } });
    assert.ok(good.status < 300, JSON.stringify(good));
    assert.equal(good.headers.get('idempotency-replayed'), null);
  });

  test('after a kill a repeat hears how the message stands', async () => {
    // Later, because what is under way at the kill may rightly stay uncertain.
    const sendAt = Date.now() + 1_500;
    const body = { to: '905321117777', type: 'text', text: { body: 'hi' }, sendAt };
    const ask = (gateway: Program) =>
      call(`${gateway.url}/api/v1/messages`, {
        key: tenant.key,
        headers: { 'idempotency-key': 'k-1' },
        body,
      });
    const first = await must<{ id: string }>(ask(gateways[0]!));
    await gateways[0]!.kill();
    const env = liveEnv(simulator.url);
    gateways[0] = await startGateway(place, { env });
    const again = await must<{ id: string }>(ask(gateways[0]!));
    assert.equal(again.id, first.id);
    await until(async () => (await received('905321117777')) > 0);
    assert.equal(await received('905321117777'), 1);
  });

  test('a key that is none is named', async () => {
    const answer = await call(`${gateways[0]!.url}/api/v1/messages`, {
      key: tenant.key,
      headers: { 'idempotency-key': 'x'.repeat(256) },
      body: { to: '905321116666', type: 'text', text: { body: 'hi' } },
    });
    assert.equal(answer.status, 400);
    assert.match(JSON.stringify(answer.body), /Idempotency-Key/);
  });
});

function idsOf(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body, (key, value) => (key === 'status' ? undefined : value)));
}
