/** The native API as a stranger sees it: who may do what, what is told, and that the document tells the same. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Compile } from 'typebox/schema';
import { onEachEngine } from './harness/engines.ts';
import { type Answer, call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { listen } from './harness/sse.ts';
import {
  must,
  newTenant,
  operatorKey,
  setMeta,
  type TestTenant,
  until,
  waitForStatus,
} from './harness/tenant.ts';

type Json = Record<string, unknown>;
interface Page {
  data: (Json & { id: string })[];
  next: string | null;
}
interface Operation {
  operationId: string;
  security: Record<string, unknown>[];
  responses: Record<string, { content?: Record<string, { schema: Json }> }>;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Json> };
}

onEachEngine(engine => {
  let place: Place;
  let gateway: Program;
  let a: TestTenant;
  let b: TestTenant;
  let document: Document;
  /** Of tenant a, read by now. */
  let messageId: string;

  const api = <T = Json>(path: string, key?: string, method = 'GET', body?: unknown): Promise<Answer<T>> =>
    call<T>(`${gateway.url}/api/v1${path}`, {
      method,
      ...(key === undefined ? {} : { key }),
      ...(body === undefined ? {} : { body }),
    });
  const send = (tenant: { key: string }, more: Json = {}) =>
    must<{ id: string }>(
      api('/messages', tenant.key, 'POST', {
        to: '+90 532 123 45 67',
        type: 'text',
        text: { body: 'Hi' },
        ...more,
      }),
    );

  before(async () => {
    place = await newPlace(engine);
    gateway = await startGateway(place, {
      env: { WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'warn' },
    });
    await must(
      call(`${gateway.simulatorUrl}/control/settings`, {
        method: 'PUT',
        body: { delays: { sent: 1, delivered: 2, read: 3 } },
      }),
    );
    const template = {
      id: '1',
      name: 'hello',
      language: 'en',
      status: 'APPROVED',
      category: 'UTILITY',
      components: [],
    };
    a = await newTenant(gateway, gateway.simulatorUrl, { templates: [template] });
    b = await newTenant(gateway, gateway.simulatorUrl);
    document = await must<Document>(api('/openapi.json'));
    messageId = (await send(a)).id;
    await waitForStatus(gateway.url, a.key, messageId, 'read');
  });
  after(async () => {
    await gateway.stop();
    await place.remove();
  });

  /** Every operation of the native API beside the send door, with tenant a's ids in its path. */
  function* operations() {
    const keyId = 'x';
    const ids: Record<string, string> = {
      tenantId: a.tenantId,
      numberId: String(a.numberId),
      messageId,
      keyId,
      erasureId: 'x',
    };
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        const [kind] = Object.keys(operation.security?.[0] ?? {});
        // Vendors' doors that begin alike refuse in the vendor's words.
        const isNative = path.startsWith('/api/v1/') && !/whatsapp|applications/.test(path);
        if (kind === undefined || !isNative) continue;
        const url = path.replace('/api/v1', '').replace(/\{(\w+)\}/g, (_, name: string) => ids[name]!);
        yield { kind, url, method: method.toUpperCase(), name: operation.operationId };
      }
    }
  }

  /** A schema of the document with its references put in, checked as it stands. */
  function assertTold(operationId: string, status: number, body: unknown): void {
    const all = Object.values(document.paths).flatMap(methods => Object.values(methods));
    const operation = all.find(one => one.operationId === operationId);
    const schema = operation?.responses[status]?.content?.['application/json']?.schema;
    assert.ok(schema, `${operationId} ${status} is not in the document`);
    const inlined = JSON.stringify(schema, (_key, value: { $ref?: string }) =>
      typeof value?.$ref === 'string' ? document.components.schemas[value.$ref.split('/').at(-1)!] : value,
    );
    const [good, errors] = Compile(JSON.parse(inlined)).Errors(body);
    assert.ok(good, `${operationId}: ${JSON.stringify(errors)} in ${JSON.stringify(body)}`);
  }

  describe('keys', () => {
    test('every route refuses no key, an unknown key and the other kind of key, in problem form', async () => {
      let routes = 0;
      for (const { kind, url, method, name } of operations()) {
        routes++;
        // An import takes a file.
        const takesJson = (method === 'POST' || method === 'PATCH') && name !== 'importContacts';
        const body = takesJson ? {} : undefined;
        const other = kind === 'operator' ? a.key : operatorKey;
        for (const [key, code] of [
          [undefined, 'credential_missing'],
          [`pk_${'x'.repeat(32)}`, 'credential_invalid'],
          [other, 'credential_invalid'],
        ] as const) {
          const answer = await api(url, key, method, body);
          assert.equal(answer.status, 401, `${method} ${url}: ${answer.text}`);
          assert.equal(answer.body.code, code);
          assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
        }
      }
      assert.equal(routes, 97);
    });

    test("another tenant's key gets nothing of a tenant", async () => {
      for (const { kind, url, method, name } of operations()) {
        if (kind !== 'tenant' || method !== 'GET' || name.startsWith('follow')) continue;
        const answer = await api(url, b.key);
        for (const trace of [messageId, a.tenantId, a.phoneNumberId, a.wabaId]) {
          assert.ok(
            !answer.text.includes(trace) || answer.status === 404,
            `${url} tells ${trace}: ${answer.text}`,
          );
        }
      }
      assert.equal((await api(`/messages/${messageId}`, b.key)).status, 404);
      assert.deepEqual((await api<Page>('/messages', b.key)).body.data, []);
      assert.equal((await api(`/messages?number=${a.numberId}`, b.key)).status, 404);
      assert.equal(
        (
          await api('/messages', b.key, 'POST', {
            number: a.numberId,
            to: '905321234567',
            type: 'text',
            text: { body: 'x' },
          })
        ).status,
        403,
      );
    });

    test('an id of one tenant is not found under another', async () => {
      const made = await must<{ id: string }>(
        api(`/tenants/${a.tenantId}/api-keys`, operatorKey, 'POST', { name: 'n' }),
      );
      const under = `/tenants/${b.tenantId}`;
      for (const [method, path] of [
        ['GET', `${under}/numbers/${a.numberId}`],
        ['PATCH', `${under}/numbers/${a.numberId}`],
        ['POST', `${under}/numbers/${a.numberId}/templates/pull`],
        ['DELETE', `${under}/api-keys/${made.id}`],
      ] as const) {
        const answer = await api(path, operatorKey, method, method === 'PATCH' ? {} : undefined);
        assert.equal(answer.status, 404, `${method} ${path}: ${answer.text}`);
      }
      assert.equal(
        (await api(`${under}/api-keys`, operatorKey, 'POST', { name: 'n', numberId: a.numberId })).status,
        404,
      );
      const listed = await must<Page>(api(`${under}/api-keys`, operatorKey));
      assert.ok(!listed.data.some(({ id }) => id === made.id));
    });

    test('a key is shown once, works until it is revoked, and not past its time', async () => {
      const path = `/tenants/${a.tenantId}/api-keys`;
      const made = await api<Json & { id: string; key: string }>(path, operatorKey, 'POST', { name: 'shop' });
      assertTold('createApiKey', 201, made.body);
      const { id, key } = made.body;
      assert.match(key, /^pk_[A-Za-z0-9]{32}$/);
      assert.equal((await api('/messages', key)).status, 200);
      const list = await api<Page>(path, operatorKey);
      assertTold('listApiKeys', 200, list.body);
      assert.ok(!list.text.includes(key));
      assert.equal(list.body.data.find(one => one.id === id)?.hint, key.slice(-4));
      for (let i = 0; i < 2; i++)
        assertTold('revokeApiKey', 200, (await api(`${path}/${id}`, operatorKey, 'DELETE')).body);
      assert.equal((await api('/messages', key)).status, 401);
      assert.equal((await api(`${path}/nope`, operatorKey, 'DELETE')).status, 404);

      for (const expiresAt of ['tomorrow', '2020-01-01T00:00:00Z', '2030-01-01']) {
        assert.equal((await api(path, operatorKey, 'POST', { name: 'x', expiresAt })).status, 400, expiresAt);
      }
      const newKeyFor = async (ms: number) => {
        const expiresAt = new Date(Date.now() + ms).toISOString();
        return must<{ key: string }>(api(path, operatorKey, 'POST', { name: 'short', expiresAt }));
      };
      const [long, short] = [await newKeyFor(3_600_000), await newKeyFor(300)];
      await until(async () => (await api('/messages', short.key)).status === 401);
      assert.equal((await api('/messages', long.key)).status, 200);
    });

    test('a key bound to a number sees and uses that number only', async () => {
      const second = await secondNumber(a);
      const bound = await must<{ key: string }>(
        api(`/tenants/${a.tenantId}/api-keys`, operatorKey, 'POST', { name: 'bound', numberId: second.id }),
      );
      assert.deepEqual(
        (await must<Page>(api('/numbers', bound.key))).data.map(({ id }) => id),
        [second.id],
      );
      assert.equal((await api(`/messages/${messageId}`, bound.key)).status, 404);
      assert.equal((await api(`/messages?number=${a.numberId}`, bound.key)).status, 404);
      assert.deepEqual((await must<Page>(api('/templates', bound.key))).data, []);
      const own = await send(bound);
      assert.deepEqual(
        (await must<Page>(api('/messages', bound.key))).data.map(({ id }) => id),
        [own.id],
      );

      const heard = await listen(`${gateway.url}/api/v1/messages/stream`, bound.key);
      const other = await send(a, { number: a.numberId });
      const mine = await send(bound);
      await heard.heard(({ data }) => data.id === mine.id && data.status === 'read');
      assert.ok(!heard.events.some(({ data }) => data.id === other.id));
      await heard.stop();
    });
  });

  describe('tenants and numbers', () => {
    test('a tenant is made, listed and shown; what is wrong is named', async () => {
      const made = await api<{ id: string }>('/tenants', operatorKey, 'POST', { name: 'Ünal & Co' });
      assertTold('createTenant', 201, made.body);
      assert.equal(made.headers.get('location'), `/api/v1/tenants/${made.body.id}`);
      assertTold('getTenant', 200, (await api(`/tenants/${made.body.id}`, operatorKey)).body);
      const list = await api<Page>('/tenants', operatorKey);
      assertTold('listTenants', 200, list.body);
      assert.ok(list.body.data.some(({ id }) => id === made.body.id));
      for (const id of ['nope', '..%2F', '%00', 'x'.repeat(150)]) {
        assert.equal((await api(`/tenants/${id}`, operatorKey)).status, 404, id);
      }
      const wrong = await api<{ errors: { field: string }[] }>('/tenants', operatorKey, 'POST', { nam: 'x' });
      assert.equal(wrong.status, 400);
      assert.deepEqual(
        wrong.body.errors.map(({ field }) => field),
        ['name', 'nam'],
      );
    });

    test('a number is told without its secrets, everywhere', async () => {
      const path = `/tenants/${a.tenantId}/numbers`;
      const texts: string[] = [];
      for (const [operation, url, key, method] of [
        ['listNumbers', path, operatorKey, 'GET'],
        ['getNumber', `${path}/${a.numberId}`, operatorKey, 'GET'],
        ['reconnectNumber', `${path}/${a.numberId}`, operatorKey, 'PATCH'],
        ['listOwnNumbers', '/numbers', a.key, 'GET'],
      ] as const) {
        const answer = await api(url, key, method, method === 'PATCH' ? {} : undefined);
        assertTold(operation, 200, answer.body);
        texts.push(answer.text);
      }
      for (const secret of [a.accessToken, a.appSecret, a.verifyToken]) {
        assert.ok(!texts.some(text => text.includes(secret)));
      }
      assert.match(texts[1]!, /"status":"connected".*"perSecond":1000/);
    });

    test('a number that Meta does not know is not stored', async () => {
      const path = `/tenants/${b.tenantId}/numbers`;
      const before = (await must<Page>(api(path, operatorKey))).data.length;
      const known = {
        phoneNumberId: a.phoneNumberId,
        wabaId: a.wabaId,
        accessToken: a.accessToken,
        appSecret: 'x',
      };
      for (const [body, status, code] of [
        [{ ...known, accessToken: 'wrong' }, 422, 'meta_rejected'],
        [{ ...known, phoneNumberId: '99' }, 422, 'meta_rejected'],
        [{ ...known, wabaId: '99' }, 422, 'meta_rejected'],
        [known, 409, 'conflict'],
        [{ ...known, wabaId: '../1' }, 400, 'field_invalid'],
        [{ ...known, accessToken: 'a\r\nb' }, 400, 'field_invalid'],
        [{ ...known, perSecond: 0 }, 400, 'field_invalid'],
        [{}, 400, 'field_invalid'],
      ] as const) {
        const answer = await api(path, operatorKey, 'POST', body);
        assert.equal(answer.status, status, answer.text);
        assert.equal(answer.body.code, code);
      }
      assert.equal((await must<Page>(api(path, operatorKey))).data.length, before);
    });

    test('an account that is not the one of the number is refused', async () => {
      const token = { accessToken: a.accessToken, appSecret: 'x' };
      const other = await account(a.accessToken);
      const body = { ...token, phoneNumberId: other.phoneNumberId, wabaId: a.wabaId };
      const answer = await api<{ errors: { field: string }[] }>(
        `/tenants/${b.tenantId}/numbers`,
        operatorKey,
        'POST',
        body,
      );
      assert.equal(answer.status === 400 ? answer.body.errors[0]?.field : answer.body, 'wabaId');
    });

    test('a verify token is made and shown once', async () => {
      const made = await secondNumber(b);
      assert.match(String(made.verifyToken), /^\w{32}$/);
      assertTold('connectNumber', 201, made);
      const shown = await api(`/tenants/${b.tenantId}/numbers/${made.id}`, operatorKey);
      assert.ok(!shown.text.includes(String(made.verifyToken)));
      const handshake = `${gateway.url}/webhooks/meta?hub.mode=subscribe&hub.challenge=7&hub.verify_token=${made.verifyToken}`;
      assert.equal((await call(handshake)).text, '7');
    });

    test('new credentials are tried before they are kept, and the rate can be set', async () => {
      const path = `/tenants/${b.tenantId}/numbers/${b.numberId}`;
      const wrong = await api(path, operatorKey, 'PATCH', { accessToken: 'wrong' });
      assert.equal(wrong.body.code, 'meta_rejected');
      await send(b, { number: b.numberId });
      assert.equal((await api(path, operatorKey, 'PATCH', { perSecond: 20 })).body.perSecond, 20);
      assert.equal(
        (await api(path, operatorKey, 'PATCH', { accessToken: b.accessToken })).body.perSecond,
        20,
      );
    });

    test('a disconnected number is told so, and what waited is sent once it is connected again', async () => {
      const tenant = await newTenant(gateway, gateway.simulatorUrl);
      const path = `/tenants/${tenant.tenantId}/numbers/${tenant.numberId}`;
      await must(
        call(`${gateway.simulatorUrl}/control/faults`, {
          body: {
            match: { phone_number_id: tenant.phoneNumberId },
            times: 1,
            action: { kind: 'error', status: 401, code: 190, message: 'Session has expired' },
          },
        }),
      );
      const waiting = await send(tenant, { sendAt: new Date(Date.now() + 400).toISOString() });
      const refused = await api('/messages', tenant.key, 'POST', {
        to: '905321234567',
        type: 'text',
        text: { body: 'x' },
      });
      assert.equal(refused.body.code, 'number_disconnected', refused.text);
      const shown = await api(path, operatorKey);
      assert.equal(shown.body.status, 'disconnected');
      assert.match(String(shown.body.reason), /190/);
      await new Promise(resolve => setTimeout(resolve, 700));
      assert.notEqual((await api(`/messages/${waiting.id}`, tenant.key)).body.status, 'read');
      assert.equal((await api(path, operatorKey, 'PATCH', {})).body.status, 'connected');
      await waitForStatus(gateway.url, tenant.key, waiting.id, 'read');
    });

    test('the demo tenant takes no other number', async () => {
      const demo = (await must<Page>(api('/tenants', operatorKey))).data.find(({ name }) => name === 'Demo');
      const { phoneNumberId, wabaId, accessToken } = await account();
      const answer = await api(`/tenants/${demo?.id}/numbers`, operatorKey, 'POST', {
        phoneNumberId,
        wabaId,
        accessToken,
        appSecret: 'x',
      });
      assert.equal(answer.body.code, 'conflict');
    });

    test('templates are pulled and listed', async () => {
      const pulled = await api(
        `/tenants/${a.tenantId}/numbers/${a.numberId}/templates/pull`,
        operatorKey,
        'POST',
      );
      assert.deepEqual(pulled.body, { templates: 1 });
      const listed = await api<Page>('/templates', a.key);
      assertTold('listTemplates', 200, listed.body);
      assert.deepEqual(
        listed.body.data.map(({ name, metaId }) => [name, metaId]),
        [['hello', '1']],
      );
    });
  });

  describe('messages', () => {
    test('one message with everything that happened', async () => {
      const callbackData = '{"order": 7}';
      const { id } = await send(a, { callbackData, campaign: 'spring' });
      await waitForStatus(gateway.url, a.key, id, 'read');
      const { body } = await api<Json & { content: Json; timeline: { status: string; at: string }[] }>(
        `/messages/${id}`,
        a.key,
      );
      assertTold('getMessage', 200, body);
      assert.equal(body.callbackData, callbackData);
      assert.equal(body.campaign, 'spring');
      assert.deepEqual(body.content, {
        messaging_product: 'whatsapp',
        recipient_type: 'individual',
        to: '+90 532 123 45 67',
        type: 'text',
        text: { body: 'Hi' },
      });
      const steps = body.timeline.map(({ status }) => status).filter(status => status !== 'sending');
      assert.deepEqual(steps, ['queued', 'accepted', 'sent', 'delivered', 'read']);
      for (const { at } of body.timeline) assert.equal(new Date(at).toISOString(), at);
    });

    test("a message that Meta refused tells Meta's error and what to do", async () => {
      const refused = await api<{ messageId: string }>('/messages', a.key, 'POST', {
        to: '905321234567',
        type: 'template',
        template: { name: 'no_such', language: { code: 'en' } },
      });
      assert.equal(refused.status, 422);
      const { body } = await api<Json & { error: { action: string; meta: { code: number } } }>(
        `/messages/${refused.body.messageId}`,
        a.key,
      );
      assertTold('getMessage', 200, body);
      assert.equal(body.error.meta.code, 132001);
      assert.match(body.error.action, /Check name and language/);
    });

    test('filters', async () => {
      const start = new Date(Date.now()).toISOString();
      const campaign = `c${randomInt(1e9)}`;
      const text = await send(b, { campaign, number: b.numberId });
      const image = await send(b, {
        campaign,
        to: '254700000009',
        type: 'image',
        image: { link: 'https://example.com/a.png' },
        text: null,
      });
      const { body: cloud } = await call<{ messages: { id: string }[] }>(
        `${gateway.url}/v25.0/${b.phoneNumberId}/messages`,
        {
          key: b.key,
          body: { messaging_product: 'whatsapp', to: '254700000009', type: 'text', text: { body: 'x' } },
        },
      );
      const wamid = cloud.messages[0]!.id;
      await waitForStatus(gateway.url, b.key, text.id, 'read');
      const found = async (query: string) =>
        (await must<Page>(api(`/messages?since=${start}&${query}`, b.key))).data.map(({ id, dialect }) =>
          dialect === 'cloud' ? 'cloud' : id,
        );
      const every = ['cloud', image.id, text.id];
      assert.deepEqual(await found(''), every);
      assert.deepEqual(await found(`campaign=${campaign}`), [image.id, text.id]);
      assert.deepEqual(await found('to=%2B90 (532) 123-45-67'), [text.id]);
      assert.deepEqual(await found('to=254700000009'), ['cloud', image.id]);
      assert.deepEqual(await found('type=image'), [image.id]);
      assert.deepEqual(await found('dialect=cloud'), ['cloud']);
      assert.deepEqual(await found(`wamid=${encodeURIComponent(wamid)}`), ['cloud']);
      assert.deepEqual(await found(`number=${b.numberId}`), every);
      assert.deepEqual(await found('status=failed'), []);
      assert.deepEqual(await found(`until=${start}`), []);
      assert.deepEqual(await found('campaign=%00'), []);
    });

    for (const query of [
      'status=lost',
      'statu=read',
      'limit=0',
      'limit=201',
      'limit=x',
      'since=yesterday',
      'cursor=!!',
      'type=fax',
    ]) {
      test(`?${query} is refused by name`, async () => {
        const answer = await api<{ code: string; errors: { field: string }[] }>(`/messages?${query}`, a.key);
        assert.equal(answer.status, 400);
        assert.equal(answer.body.errors[0]?.field, query.split('=')[0]);
      });
    }

    test('pages neither overlap nor leave out', async () => {
      const tenant = await newTenant(gateway, gateway.simulatorUrl);
      const sent: string[] = [];
      for (let i = 0; i < 7; i++) sent.push((await send(tenant, { fake: true })).id);
      const read: string[] = [];
      let cursor: string | null = '';
      let pages = 0;
      while (cursor !== null) {
        const answer: Answer<Page> = await api<Page>(`/messages?limit=3&cursor=${cursor}`, tenant.key);
        assertTold('listMessages', 200, answer.body);
        read.push(...answer.body.data.map(({ id }) => id));
        cursor = answer.body.next;
        pages++;
      }
      assert.deepEqual(read, sent.reverse());
      assert.equal(pages, 3);
    });
  });

  describe('streams', () => {
    test('each step of a message is heard by its tenant and the operator, and by nobody else', async () => {
      const [own, other, all] = await Promise.all([
        listen(`${gateway.url}/api/v1/messages/stream`, a.key),
        listen(`${gateway.url}/api/v1/messages/stream`, b.key),
        listen(`${gateway.url}/api/v1/stream`, operatorKey),
      ]);
      const { id } = await send(a, { number: a.numberId });
      // A status may overtake Meta's own answer: what is told is complete, not ordered.
      for (const status of ['accepted', 'read'])
        await own.heard(({ data }) => data.id === id && data.status === status);
      const steps = own.events.filter(({ data }) => data.id === id);
      assert.equal(steps[0]!.data.status, 'queued');
      assert.deepEqual(steps.map(({ data }) => data.status).sort(), [
        'accepted',
        'delivered',
        'queued',
        'read',
        'sent',
      ]);
      assert.deepEqual(
        Object.fromEntries(
          ['number', 'to', 'type', 'dialect', 'tenantId'].map(name => [name, steps[0]!.data[name]]),
        ),
        { number: a.numberId, to: '905321234567', type: 'text', dialect: 'native', tenantId: undefined },
      );
      const seen = await all.heard(({ data }) => data.id === id && data.status === 'read');
      assert.equal(seen.data.tenantId, a.tenantId);
      assert.ok(!other.events.some(({ data }) => data.id === id));
      await Promise.all([own.stop(), other.stop(), all.stop()]);
    });

    test('the stop of the gateway ends them and says so', async () => {
      const place = await newPlace(engine);
      const short = await startGateway(place, { env: { WAGATE_OPERATOR_KEY: operatorKey } });
      const heard = await listen(`${short.url}/api/v1/stream`, operatorKey);
      // A stream never ends by itself: a gateway that waited for its clients would not stop at all.
      assert.equal(await short.stop(), 0);
      await heard.heard(({ event }) => event === 'closed');
      await place.remove();
    });
  });

  test('what is not there is told as a problem', async () => {
    for (const [method, path] of [
      ['GET', '/nope'],
      ['PUT', '/tenants'],
      ['DELETE', '/messages'],
    ] as const) {
      const answer = await api(path, a.key, method);
      assert.equal(answer.status, 404);
      assert.equal(answer.body.code, 'route_not_found');
    }
    const unread = await call(`${gateway.url}/api/v1/tenants`, { key: operatorKey, body: '{"name":' });
    assert.equal(unread.body.code, 'body_unreadable');
  });

  test('the document names every operation once', () => {
    const ids = Object.values(document.paths).flatMap(methods =>
      Object.values(methods).map(one => one.operationId),
    );
    assert.equal(new Set(ids).size, ids.length);
    assert.equal(document.openapi, '3.1.0');
    for (const path of ['/api/v1/messages', '/v1/wa/message', '/api/v1/whatsapp/{id}/messages']) {
      assert.ok(document.paths[path]?.post, path);
    }
  });

  /** An account of its own at the simulator. */
  async function account(accessToken = `EAAG-${randomInt(1e9, 1e10)}`) {
    const n = String(randomInt(1e9, 1e10));
    const made = { wabaId: `21${n}`, phoneNumberId: `31${n}`, accessToken, appSecret: `secret-${n}` };
    await must(
      call(`${gateway.simulatorUrl}/control/accounts`, {
        body: {
          wabaId: made.wabaId,
          app: { id: `41${n}`, secret: made.appSecret },
          accessToken,
          webhookUrl: `${gateway.url}/webhooks/meta`,
          phoneNumbers: [
            { id: made.phoneNumberId, displayPhoneNumber: `+1 666 ${n}`, verifiedName: `Second ${n}` },
          ],
          templates: [],
        },
      }),
    );
    await setMeta(gateway.simulatorUrl, made.wabaId);
    return made;
  }

  async function secondNumber(tenant: TestTenant): Promise<Json & { id: number }> {
    return must<Json & { id: number }>(
      api(`/tenants/${tenant.tenantId}/numbers`, operatorKey, 'POST', await account()),
    );
  }
});
