/** Meta's own examples of webhooks, word for word, through the real listener: taken, kept, and never in the way of each other. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { onEachEngine } from './harness/engines.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant } from './harness/tenant.ts';

const folder = join(import.meta.dirname, 'meta-examples');
const names = readdirSync(folder).filter(name => name.endsWith('.json'));

interface Example {
  entry: [{ id: string; changes: [{ field: string; value: Value }] }];
}
interface Value {
  metadata: { phone_number_id: string };
  messages?: [{ id: string; from: string; type: string }];
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
    tenant = await newTenant(gateway, gateway.simulatorUrl);
  });
  after(async () => {
    await gateway?.stop();
    await place?.remove();
  });

  /** The example as it would come for our number; several of them have one wamid. */
  function ours(name: string): Example {
    const example = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Example;
    example.entry[0].id = tenant.wabaId;
    example.entry[0].changes[0].value.metadata.phone_number_id = tenant.phoneNumberId;
    for (const message of example.entry[0].changes[0].value.messages ?? []) message.id = `wamid.${name}`;
    return example;
  }
  const post = (payload: unknown) => {
    const body = JSON.stringify(payload);
    const signature = createHmac('sha256', tenant.appSecret).update(body).digest('hex');
    const headers = { 'x-hub-signature-256': `sha256=${signature}` };
    return call(`${gateway.url}/webhooks/meta`, { method: 'POST', headers, body });
  };
  const conversation = (person: string) =>
    must<{ incoming: { wamid: string; type: string; message: Record<string, unknown> }[] }>(
      call(`${gateway.url}/api/v1/conversations/${person}`, { key: tenant.key }),
    );

  test('there are examples', () => assert.ok(names.length >= 16));

  for (const name of names) {
    test(name, async () => {
      const example = ours(name);
      // As Meta may: twice.
      for (let i = 0; i < 2; i++) assert.equal((await post(example)).status, 200);
      const [message] = example.entry[0].changes[0].value.messages ?? [];
      if (message === undefined) return;
      const { incoming } = await conversation(message.from);
      const stored = incoming.filter(({ wamid }) => wamid === message.id);
      assert.equal(stored.length, 1);
      assert.equal(stored[0]?.type, message.type);
      assert.deepEqual(stored[0]?.message, message);
    });
  }

  test('all of them in one post, with three broken ones among them', async () => {
    const next = ours('text-message.json');
    const [message] = next.entry[0].changes[0].value.messages ?? [];
    assert.ok(message);
    message.id = 'wamid.in-company';
    const entry = [...names.flatMap(name => ours(name).entry), null, { changes: [{}] }, 7, ...next.entry];
    assert.equal((await post({ object: 'whatsapp_business_account', entry })).status, 200);
    const { incoming } = await conversation(message.from);
    assert.equal(incoming.filter(({ wamid }) => wamid === message.id).length, 1);
  });
});
