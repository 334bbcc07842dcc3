/** Limits, previews and stories through the real doors: what accept decides, as callers see it. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
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
import { liveEnv, must, newTenant, operatorKey, type TestTenant, until } from './harness/tenant.ts';

onEachEngine(engine => {
  let place: Place;
  let simulator: Program;
  const gateways: Program[] = [];
  let tenant: TestTenant;

  before(async () => {
    place = await newPlace(engine);
    simulator = await startSimulator();
    const env = liveEnv(simulator.url);
    for (let i = 0; i < (engine === 'postgres' ? 2 : 1); i++)
      gateways.push(await startGateway(place, { env }));
    tenant = await newTenant(gateways[0]!, simulator.url, { key: { perSecond: 50, perMinute: 50 } });
  });
  after(async () => {
    for (const gateway of gateways) await gateway.stop();
    await simulator?.stop();
    await place?.remove();
  });

  const newKey = async (body: Record<string, unknown>) =>
    (
      await must<{ key: string }>(
        call(`${gateways[0]!.url}/api/v1/tenants/${tenant.tenantId}/api-keys`, {
          key: operatorKey,
          body: { name: 'k', ...body },
        }),
      )
    ).key;
  const text = (to: string) => ({ to, type: 'text', text: { body: 'hi' } });
  const received = async (of: { to: string } | { phone_number_id: string }) =>
    (
      await must<{ data: unknown[] }>(
        call(`${simulator.url}/control/received?${new URLSearchParams(of).toString()}`),
      )
    ).data.length;

  test('a key takes exactly its limit, through however many processes', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        call(`${gateways[i % gateways.length]!.url}/api/v1/messages`, {
          key: tenant.key,
          headers: { prefer: 'respond-async' },
          body: text(String(905_324_460_000 + i)),
        }),
      ),
    );
    const refused = answers.filter(({ status }) => status === 429);
    assert.equal(answers.filter(({ status }) => status === 202).length, 50);
    assert.equal(refused.length, 150);
    for (const { headers, body } of refused) {
      assert.equal(body.code, 'rate_limited');
      assert.ok(Number(headers.get('retry-after')) >= 1 && Number(headers.get('retry-after')) <= 60);
    }
    await until(async () => (await received({ phone_number_id: tenant.phoneNumberId })) === 50);
  });

  test('a balance for exactly so many messages lets exactly so many go, through however many processes', async () => {
    const payer = await newTenant(gateways[0]!, simulator.url);
    const operator = { key: operatorKey };
    const path = `${gateways[0]!.url}/api/v1/tenants/${payer.tenantId}`;
    await must(
      call(`${gateways[0]!.url}/api/v1/prices`, {
        ...operator,
        body: { csv: 'market,category,valid_from,price\n90,service,2025-01-01,0.004\n' },
      }),
    );
    // Fee 0.001 and price 0.004 each: 30 of them, and all but a micro of one more.
    await must(call(`${path}/top-ups`, { ...operator, body: { amount: '0.154999' } }));
    await must(call(path, { ...operator, method: 'PATCH', body: { billing: 'prepaid' } }));
    const answers = await Promise.all(
      Array.from({ length: 120 }, (_, i) =>
        call(`${gateways[i % gateways.length]!.url}/api/v1/messages`, {
          key: payer.key,
          body: text(String(905_324_450_000 + i)),
        }),
      ),
    );
    const sent = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status === 402);
    assert.deepEqual([sent.length, refused.length], [30, 90], JSON.stringify(answers.map(one => one.status)));
    for (const { body } of refused) assert.equal(body.code, 'balance_insufficient');
    const { data } = await must<{ data: { bizOpaqueCallbackData: string }[] }>(
      call(`${simulator.url}/control/received?phone_number_id=${payer.phoneNumberId}&limit=1000`),
    );
    assert.deepEqual(
      data.map(one => one.bizOpaqueCallbackData).sort(),
      sent.map(({ body }) => String(body.id)).sort(),
    );
    const listed = await must<{ data: unknown[] }>(
      call(`${gateways[0]!.url}/api/v1/messages?limit=200`, { key: payer.key }),
    );
    assert.equal(listed.data.length, 30);
    const { available, charged, held } = await must<
      Record<'available' | 'charged' | 'held', { micros: number }>
    >(call(`${gateways.at(-1)!.url}/api/v1/balance`, { key: payer.key }));
    assert.equal(available.micros, 4_999);
    assert.equal(charged.micros + held.micros, 150_000);
  });

  test("Connexease's headers stand on every answer of a send, in its own case", async () => {
    const key = await newKey({ perSecond: 1_000, perMinute: 2 });
    const ask = () =>
      raw(`${gateways[0]!.url}/v1/wa/message`, key, {
        ...text('905324440002'),
        messaging_product: 'whatsapp',
      });
    const answers = [await ask(), await ask(), await ask()];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 429],
    );
    for (const [i, { headers }] of answers.entries()) {
      const at = (name: string) => headers[headers.indexOf(name) + 1];
      assert.ok(headers.includes('X-RateLimit-min-Remaining'), headers.join(' '));
      assert.equal(at('X-RateLimit-sec-Limit'), '1000');
      assert.equal(at('X-RateLimit-min-Limit'), '2');
      assert.equal(at('X-RateLimit-min-Remaining'), String(Math.max(0, 1 - i)));
    }
    const wrong = await raw(`${gateways[0]!.url}/v1/wa/message`, key, { messaging_product: 'whatsapp' });
    assert.equal(wrong.status, 400);
    assert.equal(wrong.headers[wrong.headers.indexOf('X-RateLimit-min-Remaining') + 1], '0');
    const { code, params } = (JSON.parse(answers[2]!.text) as { errors: { code: string; params: unknown } })
      .errors;
    assert.equal(code, 'RATE_001');
    assert.equal((params as { limit_type: string }).limit_type, 'min');
  });

  test('a preview tells what a send would come to, in every dialect, and sends and uses up nothing', async () => {
    const key = await newKey({ perSecond: 1, perMinute: 1 });
    const to = '905324440003';
    const previews = [
      ['/api/v1/messages/preview', text(to)],
      ['/api/v1/messages?preview=true', text(to)],
      [
        `/v25.0/${tenant.phoneNumberId}/messages?preview=true`,
        { ...text(to), messaging_product: 'whatsapp' },
      ],
      ['/v1/wa/message?preview=1', { ...text(to), messaging_product: 'whatsapp' }],
      [
        `/v1/businesses/${tenant.tenantId}/send/messages?preview=true`,
        { recipient: { id: `+${to}`, channelType: 'whatsapp' }, message: { text: 'hi' } },
      ],
      [
        `/api/v1/whatsapp/${tenant.numberId}/messages?preview=true`,
        { phone_number: to, type: 'text', message: 'hi' },
      ],
    ] as const;
    for (const [path, body] of previews) {
      const preview = await must<{
        wouldSend: boolean;
        limits: { remainingMinute: number };
        messages: { toMeta: Record<string, unknown> }[];
      }>(call(`${gateways[0]!.url}${path}`, { key, headers: { 'x-api-key': key }, body }));
      assert.equal(preview.wouldSend, true, path);
      assert.deepEqual(preview.messages[0]?.toMeta, {
        ...{ messaging_product: 'whatsapp', recipient_type: 'individual' },
        ...text(path.includes('businesses') || path.includes('whatsapp/') ? `+${to}` : to),
      });
    }
    const sent = await call(`${gateways[0]!.url}/api/v1/messages`, { key, body: text(to) });
    assert.equal(sent.status, 200);
    const full = await must<{ wouldSend: boolean; refusal: { code: string } }>(
      call(`${gateways[0]!.url}/api/v1/messages/preview`, { key, body: text(to) }),
    );
    assert.deepEqual([full.wouldSend, full.refusal.code], [false, 'rate_limited']);
    assert.equal(await received({ to }), 1);
    const wrong = await call(`${gateways[0]!.url}/api/v1/messages/preview`, {
      key,
      body: { to, type: 'text', text: {} },
    });
    assert.equal(wrong.status, 400);
  });

  test('a message tells its story', async () => {
    const key = await newKey({ perSecond: 100 });
    const rule = { match: { to: '905324440004' }, times: 1, action: { kind: 'error', code: 131026 } };
    await must(call(`${simulator.url}/control/faults`, { body: rule }));
    const refused = await call(`${gateways[0]!.url}/api/v1/messages`, { key, body: text('905324440004') });
    const id = String(refused.body.messageId);
    const story = await must<{ story: string[]; next: string; todo: string | null }>(
      call(`${gateways[0]!.url}/api/v1/messages/${id}/explain`, { key }),
    );
    assert.match(story.story[0]!, /taken through the native API, a message of type text/);
    assert.match(story.story.join('\n'), /try 1: Meta refused it \(131026/);
    assert.equal(story.next, 'Nothing more.');
    assert.ok(story.todo !== null && story.todo.length > 10);
    const other = await newTenant(gateways[0]!, simulator.url);
    const foreign = await call(`${gateways[0]!.url}/api/v1/messages/${id}/explain`, { key: other.key });
    assert.equal(foreign.status, 404);
  });
});

/** With header names as they came. */
function raw(
  url: string,
  key: string,
  body: unknown,
): Promise<{ status: number; headers: string[]; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    request(url, { method: 'POST', headers }, response => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.rawHeaders, text }),
      );
    })
      .on('error', reject)
      .end(JSON.stringify(body));
  });
}
