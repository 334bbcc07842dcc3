/** Endpoints from the outside: made, seen, changed and removed by whoever may, and by nobody else. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { onEachEngine } from './harness/engines.ts';
import { keyCalls } from './harness/keys.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant } from './harness/tenant.ts';

type Json = Record<string, unknown>;
interface Endpoint extends Json {
  id: string;
  secret: string;
  secrets: { hint: string; until: string | null }[];
}
interface Problem extends Json {
  code: string;
  errors: { field: string; rule: string; message: string }[];
}

const hook = 'http://127.0.0.1:9/hook';

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
    own = await newTenant(gateway, gateway.simulatorUrl);
    other = await newTenant(gateway, gateway.simulatorUrl);
  });
  after(async () => {
    await gateway?.stop();
    await place?.remove();
  });

  afterEach(async () => {
    for (const { id } of await list()) await must(api(`/endpoints/${id}`, 'DELETE'));
  });

  const api = <T = Problem>(path: string, method = 'GET', body?: unknown, key = own.key) =>
    call<T>(`${gateway.url}/api/v1${path}`, { method, key, ...(body === undefined ? {} : { body }) });
  const make = (fields: Json = {}, key = own.key) =>
    must<Endpoint>(api('/endpoints', 'POST', { url: hook, format: 'standard', ...fields }, key));
  const remove = (id: string) => must(api(`/endpoints/${id}`, 'DELETE'));
  const list = async (key = own.key) =>
    (await must<{ data: Endpoint[] }>(api('/endpoints', 'GET', undefined, key))).data;
  const newKey = (fields: Json) => keyCalls(gateway, own).newKey(fields);

  test('an endpoint is made with defaults, and its secret is told once', async () => {
    const answer = await api<Endpoint>('/endpoints', 'POST', { url: hook, format: 'standard' });
    assert.equal(answer.status, 201, answer.text);
    const { id, secret, ...made } = answer.body;
    assert.equal(answer.headers.get('location'), `/api/v1/endpoints/${id}`);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
    const { createdAt, updatedAt, statusSince, ...rest } = made;
    assert.ok([createdAt, updatedAt, statusSince].every(time => Date.parse(String(time)) > 0));
    assert.deepEqual(rest, {
      ...{ url: hook, format: 'standard', events: ['*'], numberId: null, description: '', ordered: true },
      ...{ batchMax: 1, perSecond: null, headerNames: [], signsWith: 'endpoint', door: 'native' },
      ...{ status: 'active', statusReason: null, secrets: [{ hint: secret.slice(-4), until: null }] },
    });
    const shown = await api<Endpoint>(`/endpoints/${id}`);
    assert.deepEqual(shown.body, {
      ...{ id, ...made, failures: 0, failingSince: null, restsUntil: null },
      ...{ pending: 0, oldestPendingAt: null, givenUp: 0 },
    });
    assert.deepEqual(
      (await list()).map(one => one.id),
      [id],
    );
    assert.ok(!shown.text.includes(secret) && !(await api('/endpoints')).text.includes(secret));
    await remove(id);
    assert.equal((await api(`/endpoints/${id}`)).body.code, 'object_not_found');
    assert.deepEqual(await list(), []);
  });

  test('headers are sent along and never told again but for their names', async () => {
    const headers = { 'X-Shop': 'seven-dwarfs', Authorization: 'Basic c2Vjcmv0' };
    const { id } = await make({ headers, format: 'meta' });
    const shown = await api<Endpoint>(`/endpoints/${id}`);
    assert.deepEqual(shown.body.headerNames, ['X-Shop', 'Authorization']);
    const changed = await api(`/endpoints/${id}`, 'PATCH', { headers: { 'X-Shop': 'snow-white' } });
    for (const { text } of [shown, changed, await api('/endpoints')])
      assert.doesNotMatch(text, /seven-dwarfs|c2Vjcm|snow-white/);
  });

  test('a change takes what is named and leaves the rest', async () => {
    const { id } = await make({ description: 'shop', perSecond: 5 });
    const change = { url: `${hook}/2`, events: ['message.*', 'balance.low'], perSecond: 'unlimited' };
    const { body } = await api<Endpoint>(`/endpoints/${id}`, 'PATCH', { ...change, ordered: false });
    const { url, events, perSecond, ordered, description } = body;
    assert.deepEqual(
      { url, events, perSecond, ordered, description },
      { ...change, perSecond: null, ordered: false, description: 'shop' },
    );
  });

  const wrong: [about: string, fields: Json, field: string, says: RegExp][] = [
    ['no URL', { url: undefined }, 'url', /is required/],
    ['a URL that is none', { url: 'hook' }, 'url', /must begin with https/],
    ['another scheme', { url: 'ftp://shop.example/' }, 'url', /must begin with https/],
    ['a private address', { url: 'https://10.1.2.3/hook' }, 'url', /10\.1\.2\.3 is not a public address/],
    ['the metadata service', { url: 'http://169.254.169.254/latest' }, 'url', /is not a public address/],
    ['credentials in the URL', { url: 'https://a:b@127.0.0.1/' }, 'url', /user name or password/],
    ['a URL without end', { url: `https://127.0.0.1/${'x'.repeat(2_048)}` }, 'url', /at most 2048/],
    ['another format', { format: 'xml' }, 'format', /must be one of standard, meta, connectly/],
    ['an unknown event', { events: ['message.seen'] }, 'events[0]', /is no event: must be \*, one of/],
    ['no events', { events: [] }, 'events', /./],
    ['a header of ours', { headers: { 'Webhook-Signature': 'x' } }, 'headers.Webhook-Signature', /set by/],
    ['a header with a line break', { headers: { 'X-A': 'b\r\nc: d' } }, 'headers.X-A', /printable/],
    ['a name that is none', { headers: { 'X A': 'b' } }, 'headers.X A', /not a name/],
    ['a header twice', { headers: { 'X-A': 'b', 'x-a': 'c' } }, 'headers.X-A', /twice/],
    ['a secret of another form', { secret: 'whsec_short' }, 'secret', /whsec_ and base64/],
    ['signing as the app in our format', { signsWith: 'app' }, 'signsWith', /only where format is meta/],
    ['a member nobody knows', { secrets: [] }, 'secrets', /is not a member/],
    ['a rate of nothing', { perSecond: 0 }, 'perSecond', /at least 1/],
  ];
  for (const [about, fields, field, says] of wrong) {
    test(`refused with the field named: ${about}`, async () => {
      const { status, body, text } = await api('/endpoints', 'POST', {
        ...{ url: hook, format: 'standard' },
        ...fields,
      });
      assert.equal(status, 400, text);
      const issue = body.errors.find(one => one.field === field);
      assert.match(issue?.message ?? text, says);
    });
  }

  test('fifty endpoints and no more', async () => {
    const made: Endpoint[] = [];
    for (let i = 0; i < 49; i++) made.push(await make());
    const last = await Promise.all(
      [1, 2, 3].map(() => api('/endpoints', 'POST', { url: hook, format: 'meta' })),
    );
    assert.deepEqual(last.map(({ status }) => status).sort(), [201, 409, 409]);
    assert.equal(made.length, 49);
  });

  test('a rotated secret overlaps, and ten sign at most', async () => {
    const { id, secret } = await make();
    const rotate = (body: Json = {}) => api<Endpoint>(`/endpoints/${id}/rotate-secret`, 'POST', body);
    const once = await rotate({ overlapSeconds: 3600 });
    assert.equal(once.status, 200, once.text);
    assert.notEqual(once.body.secret, secret);
    const [first, second, ...more] = once.body.secrets;
    assert.deepEqual([first?.hint, first?.until], [once.body.secret.slice(-4), null]);
    assert.equal(second?.hint, secret.slice(-4));
    const left = Date.parse(String(second?.until)) - Date.now();
    assert.ok(left > 3_500_000 && left <= 3_600_000 && more.length === 0, String(left));
    for (let i = 0; i < 8; i++) assert.equal((await rotate()).status, 200);
    const full = await rotate();
    assert.deepEqual([full.status, full.body.code], [409, 'conflict'], full.text);
    const chosen = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
    const alone = await rotate({ overlapSeconds: 0, secret: chosen });
    assert.deepEqual([alone.body.secret, alone.body.secrets.length], [chosen, 1]);
    assert.equal((await rotate({ overlapSeconds: 8 * 86_400 })).status, 400);
  });

  test('signed with the app secret: there is none to rotate, and none to fall back to', async () => {
    const made = await make({ format: 'meta', signsWith: 'app' });
    assert.equal(made.secret, null);
    assert.equal((await api(`/endpoints/${made.id}/rotate-secret`, 'POST', {})).status, 409);
    assert.equal((await api(`/endpoints/${made.id}`, 'PATCH', { signsWith: 'endpoint' })).status, 409);
  });

  test('paused, resumed, and enabled where nothing was disabled', async () => {
    const { id } = await make();
    const act = async (name: string) => {
      const { status, body } = await api(`/endpoints/${id}/${name}`, 'POST', {});
      return [status, body.status];
    };
    assert.deepEqual(await act('pause'), [200, 'paused']);
    assert.deepEqual(await act('pause'), [200, 'paused']);
    assert.equal((await api(`/endpoints/${id}/test`, 'POST', {})).status, 409);
    assert.deepEqual(await act('resume'), [200, 'active']);
    assert.deepEqual(await act('enable'), [200, 'active']);
  });

  test('an endpoint of one number is for a number of the tenant', async () => {
    const { numberId } = await make({ numberId: own.numberId });
    assert.equal(numberId, own.numberId);
    const foreign = await api('/endpoints', 'POST', { url: hook, format: 'meta', numberId: other.numberId });
    assert.deepEqual([foreign.status, foreign.body.code], [404, 'number_not_found'], foreign.text);
  });

  test('a key that is bound to a number sees and makes endpoints of that number only', async () => {
    const bound = (await newKey({ numberId: own.numberId })).key;
    const ofAll = await make();
    const mine = await make({}, bound);
    assert.equal(mine.numberId, own.numberId);
    assert.deepEqual(
      (await list(bound)).map(({ id }) => id),
      [mine.id],
    );
    assert.equal((await api(`/endpoints/${ofAll.id}`, 'GET', undefined, bound)).status, 404);
    assert.equal((await api(`/endpoints/${ofAll.id}`, 'DELETE', undefined, bound)).status, 404);
    assert.equal((await api(`/endpoints/${ofAll.id}/pause`, 'POST', {}, bound)).status, 404);
    assert.equal((await list()).length, 2);
  });

  test('a key may only do what it may', async () => {
    const reader = (await newKey({ powers: { access: 'read' } })).key;
    const sender = (await newKey({ powers: { access: 'send' } })).key;
    const body = { url: hook, format: 'standard' };
    assert.equal((await api('/endpoints', 'POST', body, reader)).body.code, 'power_missing');
    assert.equal((await api('/endpoints', 'GET', undefined, reader)).status, 200);
    assert.equal((await api('/endpoints', 'GET', undefined, sender)).body.code, 'power_missing');
    assert.equal((await api('/endpoints', 'GET', undefined, operatorKey)).status, 401);
  });

  test("another tenant's key gets nothing, at any route", async () => {
    const { id } = await make();
    const { eventId } = await must<{ eventId: string }>(api(`/endpoints/${id}/test`, 'POST', {}));
    const routes: [method: string, path: string, body?: Json][] = [
      ['GET', ''],
      ['PATCH', '', { url: `${hook}/mine` }],
      ['DELETE', ''],
      ...['/pause', '/resume', '/enable', '/rotate-secret', '/test'].map((end): [string, string, Json] => [
        ...(['POST', end, {}] as const),
      ]),
      ['POST', '/replay', { event: eventId }],
      ['POST', '/replay', { from: '2020-01-01T00:00:00Z' }],
      ['GET', '/attempts'],
      ['GET', `/attempts/${eventId}/1`],
    ];
    const before = (await list())[0];
    for (const [method, end, body] of routes) {
      const { status, body: answer } = await api(`/endpoints/${id}${end}`, method, body, other.key);
      assert.deepEqual([status, answer.code], [404, 'object_not_found'], `${method} ${end}`);
    }
    assert.deepEqual((await list())[0], before);
    assert.deepEqual(await list(other.key), []);
    assert.equal((await api(`/events/${eventId}`, 'GET', undefined, other.key)).status, 404);
    const events = await api<{ data: unknown[] }>('/events', 'GET', undefined, other.key);
    assert.deepEqual(events.body.data, []);
    assert.equal((await api(`/events/${eventId}`)).status, 200);
  });

  test('what was said wrong about a replay is told by field', async () => {
    const { id } = await make();
    const replay = (body: Json) => api(`/endpoints/${id}/replay`, 'POST', body);
    const bodies: [Json, string][] = [
      [{}, 'event'],
      [{ event: '01', from: '2026-01-01T00:00:00Z' }, 'from'],
      [{ to: '2026-01-01T00:00:00Z', failedSince: '2026-01-01T00:00:00Z' }, 'to'],
      [{ from: 'yesterday' }, 'from'],
      [{ failedSince: '2026-01-01T00:00:00' }, 'failedSince'],
    ];
    for (const [body, field] of bodies) {
      const { status, body: answer, text } = await replay(body);
      assert.equal(status, 400, text);
      assert.equal(answer.errors[0]?.field, field, text);
    }
    assert.equal((await replay({ event: '01ARZ3NDEKTSV4RRFFQ69G5FAV' })).status, 404);
    assert.deepEqual((await replay({ from: '2026-01-01T00:00:00Z' })).body, { replayed: 0, next: null });
  });
});
