/** Another tenant's key, id or token gets nothing: every route that the OpenAPI document names is tried, and one that is new fails here until it is. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { onEachEngine } from './harness/engines.ts';
import { type HookServer, startHookServer } from './harness/hook-server.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant, until, waitForStatus } from './harness/tenant.ts';

type Json = Record<string, unknown>;
interface Operation {
  operationId: string;
  security?: Json[];
  requestBody?: object;
  parameters?: { name: string; in: string }[];
}
interface Tried {
  name: string;
  method: string;
  path: string;
  /** Names in the path. */
  params: string[];
  /** Whose key it takes. */
  kind: string;
  query: string[];
  hasBody: boolean;
}

const phone = '905321600001';
const text = { type: 'text', text: { body: 'of b' } };

/** A right body for each route that takes one, so that nothing but whose it is can be wrong with a request. */
const bodies: Record<string, unknown> = {
  sendMessage: { to: phone, ...text },
  previewMessage: { to: phone, ...text },
  '/v1/wa/message': { messaging_product: 'whatsapp', to: phone, ...text },
  '/v1/businesses/{businessId}/send/messages': {
    ...{ recipient: { id: `+${phone}`, channelType: 'whatsapp' }, message: { text: 'of b' } },
  },
  '/v1/businesses/{businessId}/send/whatsapp_templated_messages': {
    ...{ number: `+${phone}`, templateName: 'hello', language: 'en' },
  },
  '/api/v1/whatsapp/{id}/messages': { phone_number: phone, type: 'text', message: 'of b' },
  createApiKey: { name: 'of b' },
  changeApiKey: { name: 'of b' },
  rotateApiKey: {},
  reconnectNumber: { perSecond: 7 },
  changeTenant: { name: 'of b' },
  topUp: { amount: '1', id: 'of-b' },
  addOptOut: {},
  setOptOutWords: { languages: { en: { stop: ['of b'], start: ['of b again'] } } },
  eraseRecipient: { recipient: '905321600009' },
  eraseRecipientOf: { recipient: '905321600009' },
  createEndpoint: { url: 'http://127.0.0.1:9/of-b', format: 'standard', events: ['balance.low'] },
  changeEndpoint: { description: 'of b' },
  enableEndpoint: { pending: 'skip' },
  rotateEndpointSecret: {},
  testEndpoint: {},
  replayEvents: { from: '2020-01-01T00:00:00Z' },
  createContact: { phone: '905321600005', name: 'of b' },
  changeContact: { name: 'of b' },
  mergeContacts: { from: 5 },
  createTag: { name: 'of b' },
  renameTag: { name: 'of b' },
  tagContacts: { filter: { tag: 5 }, add: [5] },
  importContacts: 'phone\n905321600006\n',
  createBroadcast: { name: 'of b', message: text, audience: { phones: [phone] } },
  changeBroadcast: { name: 'of b' },
  addRecipients: 'phone\n905321600007\n',
  launchBroadcast: {},
  resumeBroadcast: {},
  retryBroadcast: {},
  '/v1/businesses/{businessId}/create/webhooks': { topic: 'messages', address: 'http://127.0.0.1:9/of-b' },
  '/v1/businesses/{businessId}/update/webhooks/{webhookId}': { address: 'http://127.0.0.1:9/of-b' },
  '/api/v1/applications/{appId}/webhook': { url: 'http://127.0.0.1:9/of-b' },
  '/api/v1/applications/{appId}/webhook/test': {},
};

/** Taken back: nothing has to answer a handshake. */
const callback = { override_callback_uri: '' };

/** What concerns all tenants and is the operator's alone. */
const ofInstallation = [
  ...['createTenant', 'followAllMessages', 'importPrices', 'listOperatorKeys'],
  ...['listPrices', 'listTenants', 'revokeOperatorKey'],
];

onEachEngine(engine => {
  let place: Place;
  let hooks: HookServer;
  let gateway: Program;
  let a: TestTenant;
  let b: TestTenant;
  let ids: Record<string, string>;
  /** What may be told to nobody but tenant a. */
  let traces: string[];
  let operations: Tried[];

  const api = (path: string, key: string, method = 'GET', body?: unknown) =>
    call<Json>(`${gateway.url}${path}`, {
      ...{ method, key },
      headers: { 'x-api-key': key, ...(typeof body === 'string' ? { 'content-type': 'text/csv' } : {}) },
      ...(body === undefined ? {} : { body }),
    });
  const send = (tenant: TestTenant, more: Json) =>
    must<{ id: string }>(
      api('/api/v1/messages', tenant.key, 'POST', { to: phone, ...text, ...more }) as never,
    );
  const sentBy = async ({ phoneNumberId }: TestTenant) =>
    (
      await must<{ data: unknown[] }>(
        call(`${gateway.simulatorUrl}/control/received?phone_number_id=${phoneNumberId}&limit=1000`),
      )
    ).data.length;

  before(async () => {
    place = await newPlace(engine);
    gateway = await startGateway(place, {
      env: { WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'error' },
    });
    hooks = await startHookServer();
    const template = {
      ...{ id: '1', name: 'hello', language: 'en', status: 'APPROVED', category: 'UTILITY' },
      components: [{ type: 'BODY', text: 'secret words of a' }],
    };
    a = await newTenant(gateway, gateway.simulatorUrl, { templates: [template] });
    b = await newTenant(gateway, gateway.simulatorUrl);
    const { phoneNumberId, wabaId, accessToken, appSecret } = a;
    bodies.connectNumber = { phoneNumberId, wabaId, accessToken, appSecret };
    const tenantPath = `/api/v1/tenants/${a.tenantId}`;
    const sent = await send(a, { campaign: 'campaign-of-a', callbackData: 'secret data of a' });
    await waitForStatus(gateway.url, a.key, sent.id, 'read');
    const later = await send(a, { sendAt: Date.now() + 3_600_000 });
    const key = await must<{ id: string; key: string }>(
      api(`${tenantPath}/api-keys`, operatorKey, 'POST', { name: 'key-of-a' }) as never,
    );
    await must(api(`${tenantPath}/top-ups`, operatorKey, 'POST', { amount: '5', id: 'top-up-of-a' }));
    await must(api(`/api/v1/opt-outs/${phone}`, a.key, 'PUT', {}));
    await must(
      call(`${gateway.simulatorUrl}/control/phones/${phone}/messages`, {
        body: { phone_number_id: a.phoneNumberId, text: 'written to a' },
      }),
    );
    await until(async () =>
      (await api(`/api/v1/conversations/${phone}`, a.key)).text.includes('written to a'),
    );
    const erasure = await must<{ id: string }>(
      api('/api/v1/erasures', a.key, 'POST', { recipient: '905321600008' }) as never,
    );
    await until(async () => (await api(`/api/v1/erasures/${erasure.id}`, a.key)).body.status === 'done');
    const hook = `${hooks.url}/of-a`;
    const endpoint = await must<{ id: string; secret: string }>(
      api('/api/v1/endpoints', a.key, 'POST', {
        ...{ url: hook, format: 'standard', events: ['endpoint.test'], description: 'endpoint-of-a' },
      }) as never,
    );
    const posted = await must<{ eventId: string }>(
      api(`/api/v1/endpoints/${endpoint.id}/test`, a.key, 'POST', { text: 'event of a' }) as never,
    );
    await until(async () =>
      (await api(`/api/v1/endpoints/${endpoint.id}/attempts`, a.key)).text.includes('"delivered"'),
    );
    const webhook = await must<{ data: { secret: string } }>(
      api(`/api/v1/applications/${a.numberId}/webhook`, a.key, 'POST', { url: hook }) as never,
    );
    // Ids count up in each tenant: the fifth of a is nobody's of b.
    for (let n = 1; n <= 5; n++) {
      await must(api('/api/v1/tags', a.key, 'POST', { name: `tag-${n}-of-a` }));
      await must(
        api('/api/v1/contacts', a.key, 'POST', {
          ...{ phone: `90532160001${n}`, name: `contact-${n}-of-a`, tags: [n] },
        }),
      );
    }
    const imported = await must<{ id: string }>(
      call(`${gateway.url}/api/v1/contacts/import`, {
        ...{ method: 'POST', key: a.key, headers: { 'content-type': 'text/csv' } },
        body: 'phone,name\n905321600016,imported-by-a\nx,y\n',
      }) as never,
    );
    const broadcast = await must<{ id: string }>(
      api('/api/v1/broadcasts', a.key, 'POST', {
        ...{ name: 'broadcast-of-a', message: { type: 'text', text: { body: 'broadcast words of a' } } },
        audience: { phones: ['+905321600017'] },
        // A forecast tells when it would end.
        schedule: { at: '2126-12-01T10:00:00Z' },
      }) as never,
    );
    ids = {
      broadcastId: broadcast.id,
      ...{ contactId: '5', tagId: '5', importId: imported.id },
      ...{ messageId: later.id, keyId: key.id, erasureId: erasure.id, recipient: phone },
      ...{ tenantId: b.tenantId, numberId: String(a.numberId), id: String(a.numberId) },
      ...{ businessId: a.tenantId, phoneNumberId: a.phoneNumberId, version: 'v25.0' },
      ...{ endpointId: endpoint.id, eventId: posted.eventId, n: '1', webhookId: endpoint.id },
      ...{ appId: String(a.numberId), wabaId: a.wabaId },
    };
    traces = [
      ...[sent.id, later.id, key.id, key.key, erasure.id, a.tenantId, a.phoneNumberId, a.wabaId],
      ...[endpoint.id, endpoint.secret, posted.eventId, webhook.data.secret, hook],
      ...[broadcast.id, 'broadcast-of-a', 'broadcast words of a', '905321600017'],
      ...['endpoint-of-a', 'event of a', 'tag-5-of-a', 'contact-5-of-a', 'imported-by-a', imported.id],
      ...[
        'campaign-of-a',
        'secret data of a',
        'secret words of a',
        'key-of-a',
        'top-up-of-a',
        'written to a',
      ],
    ];
    const { paths } = await must<{ paths: Record<string, Record<string, Operation>> }>(
      call(`${gateway.url}/api/v1/openapi.json`),
    );
    operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId, security, requestBody, parameters }]) => ({
        ...{ name: operationId, method: method.toUpperCase(), path },
        params: [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!),
        kind: Object.keys(security?.[0] ?? {})[0] ?? 'none',
        query: (parameters ?? []).filter(one => one.in === 'query').map(one => one.name),
        hasBody: requestBody !== undefined,
      })),
    );
  });
  after(async () => {
    await hooks?.close();
    await gateway?.stop();
    await place?.remove();
  });

  const bodyOf = ({ name, path, hasBody }: Tried): unknown => {
    if (!hasBody) return undefined;
    const body = path.endsWith('/messages') || path.endsWith('_messages') ? bodies[path] : undefined;
    if (body !== undefined) return body;
    // Meta's paths stand with and without a version.
    if (path.endsWith('/subscribed_apps')) return callback;
    if (path.endsWith('{phoneNumberId}')) return { webhook_configuration: callback };
    if (path.startsWith('/{')) return { ...(bodies['/v1/wa/message'] as Json) };
    assert.ok(name in bodies || path in bodies, `no body for ${name}: a new route has to be tried here`);
    return bodies[name] ?? bodies[path];
  };
  const urlOf = (path: string) =>
    path.replace(/\{(\w+)\}/g, (_, name: string) => {
      assert.ok(ids[name] !== undefined, `no id of tenant a for {${name}} of ${path}`);
      return ids[name];
    });
  /** What the request named itself may be told back. */
  const assertNothingOfA = (request: string, answer: string) => {
    for (const trace of traces.filter(one => !request.includes(one)))
      assert.ok(!answer.includes(trace), `${request} tells ${trace}: ${answer}`);
  };
  /** All that can be read of tenant a. */
  const everythingOfA = async () => {
    const own: Record<string, string> = { ...ids, tenantId: a.tenantId };
    const told: Record<string, string> = {};
    for (const { name, method, path, kind } of operations) {
      if (method !== 'GET' || name.startsWith('follow') || ofInstallation.includes(name)) continue;
      const url = path.replace(/\{(\w+)\}/g, (_, param: string) => own[param]!);
      // Of a number at Meta's door only its callbacks are told.
      const query = path.endsWith('{phoneNumberId}') ? '?fields=webhook_configuration' : '';
      const answer = await api(url + query, kind === 'operator' ? operatorKey : a.key);
      assert.equal(answer.status, 200, `${name}: ${answer.text}`);
      // A statement ends now when nothing else is said.
      told[name] = name.startsWith('getStatement')
        ? answer.text.replace(/"(from|to)":"[^"]*"/g, '')
        : answer.text;
    }
    return told;
  };

  test("with another tenant's key, and with its ids under another tenant, every route gets and changes nothing", async () => {
    const sentBefore = await sentBy(a);
    const told = await everythingOfA();
    assert.ok(Object.values(told).join().includes('written to a'));
    const untried: string[] = [];
    for (const operation of operations) {
      const { name, method, path, kind, params, query } = operation;
      if (kind === 'none' && !operation.hasBody) continue;
      if (name.startsWith('follow') && kind === 'tenant') continue;
      if (kind === 'operator' && !params.includes('tenantId')) {
        untried.push(name);
        continue;
      }
      const key = kind === 'operator' ? operatorKey : b.key;
      const url = urlOf(path);
      const body = bodyOf(operation);
      const answer = await api(url, key, method, body);
      assertNothingOfA(`${method} ${url} ${JSON.stringify(body)}`, answer.text);
      const namesA =
        name === 'connectNumber' ||
        params.some(param => !['tenantId', 'version', 'recipient'].includes(param));
      if (namesA)
        assert.ok(
          [400, 401, 403, 404, 409].includes(answer.status),
          `${name}: ${answer.status} ${answer.text}`,
        );
      if (namesA && kind === 'operator')
        assert.equal(answer.status, name === 'connectNumber' ? 409 : 404, `${name}: ${answer.text}`);
      for (const filter of query.filter(one => one === 'number')) {
        const filtered = await api(`${url}?${filter}=${a.numberId}`, key, method);
        assertNothingOfA(`${method} ${url}`, filtered.text);
      }
    }
    assert.deepEqual(untried.sort(), ofInstallation.toSorted());
    assert.deepEqual(await everythingOfA(), told);
    assert.equal(await sentBy(a), sentBefore);
  });

  test("another tenant's app secret speaks for none of its numbers", async () => {
    const told = await everythingOfA();
    const body = JSON.stringify({
      entry: [
        {
          id: a.wabaId,
          changes: [
            {
              field: 'messages',
              value: {
                metadata: { phone_number_id: a.phoneNumberId },
                messages: [
                  {
                    from: phone,
                    id: 'wamid.forged',
                    timestamp: '1750000000',
                    type: 'text',
                    text: { body: 'START' },
                  },
                ],
              },
            },
          ],
        },
      ],
    });
    const signature = createHmac('sha256', b.appSecret).update(body).digest('hex');
    const answer = await call(`${gateway.url}/webhooks/meta`, {
      ...{ method: 'POST', body },
      headers: { 'x-hub-signature-256': `sha256=${signature}` },
    });
    assert.ok(answer.status >= 400, answer.text);
    assert.deepEqual(await everythingOfA(), told);
  });
});
