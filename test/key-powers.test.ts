/** What API keys may do and how much: powers, addresses, caps, limits. As a stranger sees it. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { onEachEngine } from './harness/engines.ts';
import {
  assertMissing,
  type KeyCalls,
  keyCalls,
  keysOf,
  type Made,
  type Problem,
  template,
  text,
} from './harness/keys.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant } from './harness/tenant.ts';

type Json = Record<string, unknown>;

onEachEngine(engine => {
  let place: Place;
  let gateway: Program;
  let own: TestTenant;
  let other: TestTenant;
  let secondNumberId: number;

  let calls: KeyCalls;
  const api: KeyCalls['api'] = (...given) => calls.api(...given);
  const newKey: KeyCalls['newKey'] = (...given) => calls.newKey(...given);
  const change: KeyCalls['change'] = (...given) => calls.change(...given);
  const send: KeyCalls['send'] = (...given) => calls.send(...given);

  before(async () => {
    place = await newPlace(engine);
    gateway = await startGateway(place, {
      env: { WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'warn' },
    });
    const templates = ['receipt', 'promo'].map((name, i) => ({
      ...{ id: String(i + 1), name, language: 'en', status: 'APPROVED', category: 'UTILITY' },
      components: [{ type: 'BODY', text: 'Hello' }],
    }));
    own = await newTenant(gateway, gateway.simulatorUrl, { templates });
    other = await newTenant(gateway, gateway.simulatorUrl);
    calls = keyCalls(gateway, own);
    const n = String(randomInt(1e9, 1e10));
    const account = {
      wabaId: `21${n}`,
      phoneNumberId: `31${n}`,
      accessToken: `EAAG-${n}`,
      appSecret: `s-${n}`,
    };
    await must(
      call(`${gateway.simulatorUrl}/control/accounts`, {
        body: {
          ...{ wabaId: account.wabaId, app: { id: `41${n}`, secret: account.appSecret } },
          ...{ accessToken: account.accessToken, webhookUrl: `${gateway.url}/webhooks/meta`, templates: [] },
          phoneNumbers: [
            { id: account.phoneNumberId, displayPhoneNumber: `+1 666 ${n}`, verifiedName: 'Second' },
          ],
        },
      }),
    );
    secondNumberId = (
      await must<{ id: number }>(api(`/tenants/${own.tenantId}/numbers`, operatorKey, 'POST', account))
    ).id;
  });
  after(async () => {
    await gateway?.stop();
    await place?.remove();
  });

  describe('powers', () => {
    test('a key that may only read, and one that may only send, at every route of a tenant', async () => {
      const reading = await newKey({ powers: { access: 'read' } });
      const sending = await newKey({ powers: { access: 'send' } });
      interface Operation {
        security: Json[];
      }
      const document = await must<{ paths: Record<string, Record<string, Operation>> }>(
        call(`${gateway.url}/api/v1/openapi.json`),
      );
      let routes = 0;
      for (const [path, methods] of Object.entries(document.paths)) {
        for (const [name, { security }] of Object.entries(methods)) {
          // A send door that takes any key is tried by itself below.
          if (
            !('tenant' in (security?.[0] ?? {})) ||
            !path.startsWith('/api/v1/') ||
            /whatsapp|applications|stream|listen/.test(path)
          )
            continue;
          if (name === 'post' && path.startsWith('/api/v1/messages')) continue;
          routes++;
          const method = name.toUpperCase();
          const url = path.replace('/api/v1', '').replace(/\{\w+\}/g, 'x');
          const body = ['POST', 'PATCH', 'PUT'].includes(method) ? {} : undefined;
          assertMissing(await api(url, sending.key, method, body), 'it may only send');
          const read = await api(url, reading.key, method, body);
          if (method === 'GET') assert.notEqual(read.status, 403, `${url}: ${read.text}`);
          else assertMissing(read, 'it may only read');
        }
      }
      assert.ok(routes >= 9, String(routes));
      assert.equal((await send(sending.key)).status, 200);
      assertMissing(await send(reading.key), 'it may only read');
    });

    test('only these templates', async () => {
      const { key } = await newKey({ powers: { templates: ['receipt'] } });
      assert.equal((await send(key, template('receipt'))).status, 200);
      assertMissing(await send(key, template('promo')), 'it may only send the template receipt');
      assertMissing(await send(key), 'it may only send the template receipt');
      assert.equal((await api('/messages', key)).status, 200);
    });

    test('only these numbers: for sending, and for all that is read', async () => {
      const { key } = await newKey({ powers: { numbers: [secondNumberId] } });
      const both = await newKey({ powers: { numbers: [secondNumberId, own.numberId] } });
      const first = await must<{ id: string }>(send(own.key, { ...text, number: own.numberId }));
      assertMissing(
        await send(key, { ...text, number: own.numberId }),
        `it may only use number ${secondNumberId}`,
      );
      const mine = await must<{ id: string }>(send(key));
      const ids = async (path: string, by: string) =>
        (await must<{ data: { id: unknown }[] }>(api(path, by))).data.map(({ id }) => id);
      assert.deepEqual(await ids('/messages', key), [mine.id]);
      assert.deepEqual((await ids('/messages?limit=2', both.key)).sort(), [first.id, mine.id].sort());
      assert.deepEqual(await ids('/numbers', key), [secondNumberId]);
      assert.equal((await ids('/numbers', both.key)).length, 2);
      assert.deepEqual(await ids('/templates', key), []);
      assert.equal((await ids('/templates', both.key)).length, 2);
      assert.equal((await api(`/messages/${first.id}`, key)).status, 404);
      assert.equal((await api(`/messages/${first.id}`, both.key)).status, 200);
      assertMissing(
        await api(`/messages?number=${own.numberId}`, key),
        `it may only use number ${secondNumberId}`,
      );
      assert.equal((await api(`/messages?number=${other.numberId}`, key)).status, 404);
      const erasure = await api('/erasures', key, 'POST', { recipient: text.to });
      assert.equal(erasure.body.code, 'conflict', erasure.text);
      const { key: bound } = await newKey({
        numberId: secondNumberId,
        powers: { numbers: [secondNumberId] },
      });
      assert.deepEqual(await ids('/numbers', bound), [secondNumberId]);
    });

    test('only from these addresses, and a forwarded address counts from a trusted proxy only', async () => {
      const here = await newKey({ powers: { addresses: ['127.0.0.0/8', '::1'] } });
      const elsewhere = await newKey({ powers: { addresses: ['203.0.113.0/24', '2001:db8::/32'] } });
      const from = (address: string) => ({ 'x-forwarded-for': address });
      assert.equal((await api('/messages', here.key)).status, 200);
      assert.equal((await send(here.key)).status, 200);
      assertMissing(await api('/messages', elsewhere.key), 'it may not be used from 127.0.0.1');
      assertMissing(await send(elsewhere.key), 'it may not be used from 127.0.0.1');
      // Nobody is trusted: what a caller writes there is its own invention.
      assertMissing(
        await api('/messages', elsewhere.key, 'GET', undefined, from('203.0.113.9')),
        'it may not be used from 127.0.0.1',
      );

      const ofProxy = await newPlace(engine);
      const behind = await startGateway(ofProxy, {
        env: {
          ...{ WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'warn' },
          WAGATE_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8',
        },
      });
      try {
        const tenant = await newTenant(behind, behind.simulatorUrl);
        const path = `${behind.url}/api/v1/tenants/${tenant.tenantId}/api-keys`;
        const powers = { addresses: ['203.0.113.0/24', '2001:db8::/32'] };
        const { key } = await must<Made>(call(path, { key: operatorKey, body: { name: 'k', powers } }));
        for (const [chain, status] of [
          ['203.0.113.9', 200],
          ['2001:db8::7', 200],
          ['198.51.100.1, 203.0.113.9, 10.1.2.3', 200],
          // The last that no proxy of ours has written is the caller; what stands before it is its invention.
          ['203.0.113.9, 198.51.100.1', 403],
          ['203.0.113.9, 198.51.100.1, 10.1.2.3', 403],
          ['nobody', 403],
          ['', 403],
        ] as const) {
          for (const url of ['/api/v1/messages', '/v1/wa/message']) {
            const answer = await call(behind.url + url, {
              ...{ key, headers: { ...from(chain), 'x-api-key': key } },
              ...(url === '/api/v1/messages' ? {} : { body: { ...text, messaging_product: 'whatsapp' } }),
            });
            assert.equal(answer.status, status, `${chain} ${url}: ${answer.text}`);
          }
        }
      } finally {
        await behind.stop();
        await ofProxy.remove();
      }
    });

    test('so many messages a day: parallel calls get exactly the cap', async () => {
      const { id, key } = await newKey({ powers: { messagesPerDay: 7 } });
      const answers = await Promise.all([
        ...Array.from({ length: 6 }, () => send(key)),
        ...Array.from({ length: 8 }, () => send(key, text, { prefer: 'respond-async' })),
      ]);
      const granted = answers.filter(({ status }) => status < 300);
      assert.equal(granted.length, 7);
      for (const answer of answers.filter(({ status }) => status >= 300))
        assertMissing(answer, 'it may send 7 messages a day (UTC); 0 are left today, and this is 1');
      const shown = await must<{ today: Json }>(api(`${keysOf(own)}/${id}`, operatorKey));
      assert.deepEqual(shown.today, { messages: 7, micros: 0 });
    });

    test('so much money a day, also with a full wallet; a fake message takes nothing of it', async () => {
      const tenant = await newTenant(gateway, gateway.simulatorUrl);
      const tenantPath = `/tenants/${tenant.tenantId}`;
      await must(api(tenantPath, operatorKey, 'PATCH', { billing: 'prepaid' }));
      await must(api(`${tenantPath}/top-ups`, operatorKey, 'POST', { amount: '100.00' }));
      const probe = await newKey({ powers: { microsPerDay: 1e12 } }, tenant);
      const spent = async ({ id }: Made) =>
        (await must<{ today: { micros: number } }>(api(`${keysOf(tenant)}/${id}`, operatorKey))).today.micros;
      await must(send(probe.key));
      const price = await spent(probe);
      assert.ok(price > 0);
      const key = await newKey({ powers: { microsPerDay: 2 * price } }, tenant);
      await must(send(key.key, { ...text, fake: true }));
      assert.equal(await spent(key), 0);
      const answers = await Promise.all(Array.from({ length: 5 }, () => send(key.key)));
      assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 403, 403, 403]);
      assert.match(
        answers.find(({ status }) => status === 403)!.text,
        /it may spend .* a day \(UTC\); 0\.00 is left today/,
      );
      assert.equal(await spent(key), 2 * price);
      assert.equal((await send(tenant.key)).status, 200);
    });

    for (const [powers, field] of [
      [{ access: 'write' }, 'powers.access'],
      [{ acess: 'read' }, 'powers.acess'],
      [{ templates: [] }, 'powers.templates'],
      [{ templates: [''] }, 'powers.templates[0]'],
      [{ numbers: ['7'] }, 'powers.numbers[0]'],
      [{ messagesPerDay: 0 }, 'powers.messagesPerDay'],
      [{ microsPerDay: 1.5 }, 'powers.microsPerDay'],
      // Its tenant pays nothing here, so the cap would never be reached.
      [{ microsPerDay: 5_000_000 }, 'powers.microsPerDay'],
      [{ addresses: ['127.0.0.1', '10.0.0.0/33'] }, 'powers.addresses[1]'],
      [{ addresses: ['localhost'] }, 'powers.addresses[0]'],
      ['read', 'powers'],
    ] as const) {
      test(`${JSON.stringify(powers)} is refused by name`, async () => {
        const { id } = await newKey({});
        for (const answer of [
          await api<Problem>(keysOf(own), operatorKey, 'POST', { name: 'k', powers }),
          await change(id, { powers }),
        ]) {
          assert.equal(answer.status, 400, answer.text);
          assert.equal(answer.body.errors[0]?.field, field);
        }
      });
    }

    test("another tenant's number, and one beside the number the key is bound to, are no powers", async () => {
      const foreign = { powers: { numbers: [other.numberId] } };
      assert.equal((await api(keysOf(own), operatorKey, 'POST', { name: 'k', ...foreign })).status, 404);
      const bound = await newKey({ numberId: secondNumberId });
      assert.equal((await change(bound.id, foreign)).status, 404);
      const beside = await change(bound.id, { powers: { numbers: [own.numberId] } });
      assert.equal(beside.body.errors[0]?.field, 'powers.numbers');
    });
  });

  describe('limits', () => {
    const limitOf = async (key: string) => (await send(key)).headers.get('ratelimit-policy') ?? '';

    test('key before tenant before what the dialect documents, changed at once', async () => {
      const tenant = { ...(await newTenant(gateway, gateway.simulatorUrl)) };
      tenant.key = (await newKey({}, tenant)).key;
      const tenantPath = `/tenants/${tenant.tenantId}`;
      const usual = await limitOf(tenant.key);
      assert.match(usual, /\b80\b/);
      const changed = await must<Json>(
        api(tenantPath, operatorKey, 'PATCH', { perSecond: 33, perMinute: 444 }),
      );
      assert.deepEqual([changed.perSecond, changed.perMinute], [33, 444]);
      assert.match(await limitOf(tenant.key), /\b33\b.*\b444\b/);
      const made = await newKey({ perSecond: 11 }, tenant);
      assert.match(await limitOf(made.key), /\b11\b.*\b444\b/);
      const keyPath = `${keysOf(tenant)}/${made.id}`;
      await must(api(keyPath, operatorKey, 'PATCH', { perSecond: 'inherit', perMinute: 555 }));
      assert.match(await limitOf(made.key), /\b33\b.*\b555\b/);
      await must(api(tenantPath, operatorKey, 'PATCH', { perSecond: 'inherit', perMinute: 'inherit' }));
      assert.equal(await limitOf(tenant.key), usual);
      // Null is what generated clients write for what they leave out.
      await must(api(keyPath, operatorKey, 'PATCH', { perMinute: null, name: 'renamed' }));
      assert.match(await limitOf(made.key), /\b80\b.*\b555\b/);
    });

    for (const limit of [0, -1, 1.5, 'none', 60_000_001]) {
      test(`${limit} is no limit`, async () => {
        const { id } = await newKey({});
        for (const answer of [
          await change(id, { perSecond: limit }),
          await api<Problem>(`/tenants/${own.tenantId}`, operatorKey, 'PATCH', { perSecond: limit }),
          await api<Problem>(keysOf(own), operatorKey, 'POST', { name: 'k', perSecond: limit }),
        ]) {
          assert.equal(answer.status, 400, answer.text);
          assert.deepEqual(
            answer.body.errors.map(({ field }) => field),
            ['perSecond'],
          );
        }
      });
    }
  });
});
