/** Meta's webhooks in bulk: large posts are taken whole, and what cannot be taken now is refused at once, for Meta keeps it. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { onEachEngine } from './harness/engines.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant } from './harness/tenant.ts';

onEachEngine(engine => {
  let place: Place;
  let gateway: Program;
  let tenant: TestTenant;

  before(async () => {
    place = await newPlace(engine);
    gateway = await startGateway(place, {
      env: { WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'error', WAGATE_MAX_WAITING: '4' },
    });
    tenant = await newTenant(gateway, gateway.simulatorUrl);
  });
  after(async () => {
    await gateway?.stop();
    await place?.remove();
  });

  const post = (body: string) => {
    const signature = createHmac('sha256', tenant.appSecret).update(body).digest('hex');
    const headers = { 'x-hub-signature-256': `sha256=${signature}` };
    return call(`${gateway.url}/webhooks/meta`, { method: 'POST', headers, body });
  };
  const payload = (messages: unknown[]) =>
    JSON.stringify({
      object: 'whatsapp_business_account',
      entry: [
        {
          id: tenant.wabaId,
          changes: [
            { field: 'messages', value: { metadata: { phone_number_id: tenant.phoneNumberId }, messages } },
          ],
        },
      ],
    });
  const message = (from: string, id: string, body: string) => ({
    ...{ from, id, timestamp: '1790000000', type: 'text', text: { body } },
  });
  const stored = async (person: string) => {
    const { incoming } = await must<{ incoming: { wamid: string }[] }>(
      call(`${gateway.url}/api/v1/conversations/${person}`, { key: tenant.key }),
    );
    return incoming.map(({ wamid }) => wamid).sort();
  };

  test('1,000 updates and 3 MB in one post, escaped as Meta does, and again', async () => {
    const text = 'ğ'.repeat(480);
    const people = Array.from({ length: 1_000 }, (_, i) => `9053300${String(i).padStart(5, '0')}`);
    const body = payload(people.map((from, i) => message(from, `wamid.big.${i}`, text))).replaceAll(
      'ğ',
      '\\u011f',
    );
    assert.ok(body.length > 2_900_000 && body.length < 3.1 * 1024 * 1024, String(body.length));
    for (let i = 0; i < 2; i++) assert.equal((await post(body)).status, 200);
    for (const i of [0, 499, 999]) assert.deepEqual(await stored(people[i]!), [`wamid.big.${i}`]);
  });

  test('a flood is refused in part and at once; with what Meta repeats nothing is lost, and nothing doubled', async () => {
    const person = '905330099999';
    const ids = Array.from({ length: 90 }, (_, i) => `wamid.flood.${i}`).sort();
    let left = ids;
    let refused = 0;
    for (let round = 0; left.length > 0 && round < 200; round++) {
      const answers = await Promise.all(left.map(id => post(payload([message(person, id, 'hi')]))));
      for (const { status, headers, text } of answers) {
        assert.ok(status === 200 || status === 503, `${status} ${text}`);
        if (status === 503) assert.match(headers.get('retry-after') ?? '', /^\d+$/);
      }
      refused += answers.filter(({ status }) => status === 503).length;
      left = left.filter((_, i) => answers[i]?.status !== 200);
    }
    assert.deepEqual(left, []);
    assert.ok(refused > 0);
    // Some of those that were taken come once more, as if the answer had been lost.
    for (const id of ids.slice(0, 3))
      assert.equal((await post(payload([message(person, id, 'hi')]))).status, 200);
    assert.deepEqual(await stored(person), ids);
  });
});
