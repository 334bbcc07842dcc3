/** Broadcasts as a tenant makes them: frozen, fed, paced, paused, resumed, canceled, ended; everybody once. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { broadcasting, doubled, offer, offerTemplate, type TestBroadcast } from './harness/broadcast-flow.ts';
import { onEachEngine } from './harness/engines.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must, newTenant, operatorKey, type TenantOptions, until } from './harness/tenant.ts';

onEachEngine(engine => {
  let place: Place;
  let gateway: Program;

  before(async () => {
    place = await newPlace(engine);
    gateway = await startGateway(place, {
      env: { WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'error' },
    });
  });
  after(async () => {
    await gateway?.stop();
    await place?.remove();
  });

  /** A tenant whose number is new, so that only this test's messages are its. */
  async function newcomer(options: TenantOptions = {}) {
    const tenant = await newTenant(gateway, gateway.simulatorUrl, { templates: [offerTemplate], ...options });
    return { tenant, ...broadcasting(() => gateway, tenant) };
  }

  const control = (path: string, body: unknown, method = 'POST') =>
    must(call(`${gateway.simulatorUrl}/control${path}`, { method, body }));

  const phones = (first: number, count: number) => Array.from({ length: count }, (_, i) => `+${first + i}`);

  test('to people one by one: everyone once, however the phone is written, with variables', async () => {
    const { api, untilState, received } = await newcomer();
    const { id } = await api('/broadcasts', {
      name: 'one by one',
      message: offer('{{name|friend}}'),
      audience: {
        phones: [
          { phone: '+905320000001', variables: { name: 'Ayşe' } },
          ...['905320000001', '+90 532 000 00 02', '+5511987654321', '+551187654321'],
        ],
      },
      launch: true,
    });
    const ended = await untilState(id, 'completed');
    assert.equal(ended.recipients, 3);
    assert.equal(ended.progress.taken, 3);
    const got = (await received()).map(({ to, text }) => `${to} ${text}`);
    assert.deepEqual(got.toSorted(), ['5511987654321 friend', '905320000001 Ayşe', '905320000002 friend']);
  });

  test('to tags, without those left out, opted out or unknown to a variable', async () => {
    const { api, untilState, received, tagged } = await newcomer();
    const [gold, silver, staff] = [
      await tagged('gold', 905_330_000_000, 40, { city: 'Ankara' }),
      await tagged('silver', 905_330_000_030, 40, { city: 'İzmir' }),
      await tagged('staff', 905_330_000_060, 5),
    ];
    await tagged('no city', 905_330_000_100, 2);
    await api('/opt-outs/905330000003', {}, 'PUT');
    const { id } = await api('/broadcasts', {
      name: 'tags',
      message: offer('{{city}}'),
      audience: {
        tags: [gold, silver],
        phones: ['+905330000100', { phone: '+905330000101', variables: { city: 'Bursa' } }],
        exclude: { tags: [staff], phones: ['+905330000000'] },
      },
      launch: true,
    });
    const ended = await untilState(id, 'completed');
    // 70 of the tags less 5 and 1, and the two who are named.
    assert.equal(ended.recipients, 66);
    // One opted out, and of one nobody knows the city.
    assert.equal(ended.skipped, 2);
    const got = await received();
    assert.equal(got.length, 64);
    assert.deepEqual(doubled(got), []);
    assert.deepEqual(new Set(got.map(({ text }) => text)), new Set(['Ankara', 'İzmir', 'Bursa']));
    assert.ok(
      !got.some(({ to }) => ['905330000003', '905330000000', '905330000062', '905330000100'].includes(to)),
    );
  });

  test('what becomes of a contact after the launch changes nothing', async () => {
    const { api, untilState, received, tagged } = await newcomer();
    const tag = await tagged('frozen', 905_340_000_000, 3, { city: 'Ankara' });
    const at = new Date(Date.now() + 3_000).toISOString();
    const { id } = await api('/broadcasts', {
      ...{
        name: 'later',
        message: offer('{{city}}'),
        audience: { tags: [tag] },
        schedule: { at },
        launch: true,
      },
    });
    await until(async () => (await api<TestBroadcast & { isFrozen: boolean }>(`/broadcasts/${id}`)).isFrozen);
    assert.equal((await api(`/broadcasts/${id}`)).state, 'scheduled');
    const { data } = await api<{ data: { id: number }[] }>(`/contacts?tag=${tag}`);
    await api(`/contacts/${data[0]!.id}`, { attributes: { city: 'İzmir' } }, 'PATCH');
    await api(`/contacts/${data[1]!.id}`, undefined, 'DELETE');
    await untilState(id, 'completed');
    const got = await received();
    assert.deepEqual(
      got.map(({ text }) => text),
      ['Ankara', 'Ankara', 'Ankara'],
    );
    assert.ok(got.every(({ acceptedAt }) => acceptedAt >= Date.parse(at)));
  });

  test('paused at once, resumed where it was; canceled, and who waits gets nothing', async () => {
    const { api, untilState, untilQuiet, received } = await newcomer({ throughput: 'STANDARD' });
    const made = () =>
      api('/broadcasts', {
        ...{
          name: 'long',
          message: offer('x'),
          audience: { phones: phones(905_350_000_000, 400) },
          launch: true,
        },
      });
    const { id } = await made();
    await until(async () => (await received()).length >= 20);
    const paused = await api(`/broadcasts/${id}/pause`, undefined, 'POST');
    assert.deepEqual([paused.state, paused.reason], ['paused', 'asked']);
    await untilQuiet(id);
    const before = (await received()).length;
    assert.ok(before < 200, `${before} of 400 were sent`);
    // A send by itself takes its turn meanwhile, and shows that the number still sends.
    const single = await api<{ id: string; status: string }>('/messages', {
      to: '+905359999999',
      ...offer('single'),
    });
    assert.equal(single.status, 'accepted');
    assert.equal((await received()).length, before + 1);
    await api(`/broadcasts/${id}/resume`, {});
    await until(async () => (await received()).length > before + 20);
    const canceled = await api(`/broadcasts/${id}/cancel`, undefined, 'POST');
    assert.equal(canceled.state, 'canceled');
    const quiet = await untilQuiet(id);
    const { counts, waiting } = quiet.progress;
    const sent = await received();
    assert.deepEqual(doubled(sent), []);
    assert.equal(counts.queued ?? 0, 0);
    assert.equal(counts.held ?? 0, 0);
    assert.equal((counts.canceled ?? 0) + waiting + sent.length - 1, 400);
    const again = await made();
    await untilState(again.id, 'completed');
    assert.equal((await received()).length, sent.length + 400);
  });

  test('launched for some only, it pauses when these have their message', async () => {
    const { tenant, api, untilState, received } = await newcomer();
    const { id } = await api('/broadcasts', {
      ...{ name: 'some', message: offer('x'), audience: { phones: phones(905_360_000_000, 30) } },
      ...{ launch: true, limit: 12 },
    });
    const paused = await untilState(id, 'paused');
    assert.equal(paused.reason, 'limit');
    const refused = await call(`${gateway.url}/api/v1/broadcasts/${id}/resume`, {
      ...{ key: tenant.key, body: { limit: 3 } },
    });
    assert.equal(refused.status, 409, refused.text);
    await api(`/broadcasts/${id}/resume`, { limit: 20 });
    assert.equal((await untilState(id, 'paused')).progress.taken, 20);
    await api(`/broadcasts/${id}/resume`, {});
    await untilState(id, 'completed');
    const got = await received();
    assert.equal(got.length, 30);
    assert.deepEqual(doubled(got), []);
  });

  test('an empty balance pauses it, a top-up and a resume bring it to its end', async () => {
    const { tenant, api, untilState, received } = await newcomer();
    const operator = (path: string, body: unknown, method = 'POST') =>
      must(
        call(`${gateway.url}/api/v1/tenants/${tenant.tenantId}${path}`, { key: operatorKey, method, body }),
      );
    await operator('', { billing: 'prepaid' }, 'PATCH');
    // Our fee and the sample price of marketing in Türkiye, for ten.
    await operator('/top-ups', { amount: '0.119' });
    const { id } = await api('/broadcasts', {
      ...{
        name: 'dear',
        message: offer('x'),
        audience: { phones: phones(905_370_000_000, 25) },
        launch: true,
      },
    });
    const paused = await untilState(id, 'paused');
    assert.equal(paused.reason, 'balance');
    await until(async () => (await received()).length === 10);
    await operator('/top-ups', { amount: '1' });
    await api(`/broadcasts/${id}/resume`, {});
    await untilState(id, 'completed');
    const got = await received();
    assert.equal(got.length, 25);
    assert.deepEqual(doubled(got), []);
  });

  test('the caps of the key that launches a draft hold, whoever made it', async () => {
    const { tenant, api, untilState, received } = await newcomer();
    const { key: capped } = await must<{ key: string }>(
      call(`${gateway.url}/api/v1/tenants/${tenant.tenantId}/api-keys`, {
        ...{ key: operatorKey, body: { name: 'capped', powers: { messagesPerDay: 4 } } },
      }),
    );
    const { id } = await api('/broadcasts', {
      ...{ name: 'draft', message: offer('x'), audience: { phones: phones(905_375_000_000, 10) } },
    });
    await must(call(`${gateway.url}/api/v1/broadcasts/${id}/launch`, { key: capped, body: {} }));
    const paused = await untilState(id, 'paused');
    assert.equal(paused.reason, 'key');
    await until(async () => (await received()).length === 4);
  });

  test("Meta's spam limit pauses it, and single sends go on", async () => {
    const { tenant, api, untilState, received } = await newcomer();
    const match = { phone_number_id: tenant.phoneNumberId };
    await control('/faults', { match, times: 1, action: { kind: 'error', code: 131048 } });
    const { id } = await api('/broadcasts', {
      ...{
        name: 'spam',
        message: offer('x'),
        audience: { phones: phones(905_380_000_000, 300) },
        launch: true,
      },
    });
    const paused = await untilState(id, 'paused');
    assert.equal(paused.reason, 'spam', paused.detail ?? '');
    const before = (await received()).length;
    const single = await api<{ status: string }>('/messages', { to: '+905389999999', ...offer('single') });
    assert.equal(single.status, 'accepted');
    assert.ok((await received()).length > before);
  });

  test('what Meta refuses for everyone pauses it with what to do', async () => {
    const { tenant, api, untilState } = await newcomer({ throughput: 'STANDARD' });
    const match = { phone_number_id: tenant.phoneNumberId };
    await control('/faults', { match, times: 'always', action: { kind: 'error', code: 132015 } });
    const { id } = await api('/broadcasts', {
      ...{
        name: 'refused',
        message: offer('x'),
        audience: { phones: phones(905_390_000_000, 1_000) },
        launch: true,
      },
    });
    const paused = await untilState(id, 'paused');
    assert.equal(paused.reason, 'refused');
    assert.match(paused.detail ?? '', /132015 Template is paused/);
    assert.equal(paused.progress.errors[0]?.code, 132015);
    assert.ok(paused.progress.waiting > 0);
    await control('/faults', undefined, 'DELETE');
  });

  test('a small one beside a large one on the same number: each has its share, neither waits for the other', async () => {
    const { api, untilState, received } = await newcomer({ throughput: 'STANDARD' });
    const launched = (name: string, first: number, count: number) =>
      api('/broadcasts', {
        ...{ name, message: offer(name), audience: { phones: phones(first, count) }, launch: true },
      });
    const large = await launched('large', 905_440_000_000, 900);
    await until(async () => (await received()).length > 80);
    const small = await launched('small', 905_445_000_000, 320);
    await untilState(small.id, 'completed');
    const before = await api(`/broadcasts/${large.id}`);
    assert.equal(before.state, 'running');
    assert.ok(before.progress.waiting > 100, `${before.progress.waiting} wait`);
    const got = (await received()).toSorted((a, b) => a.acceptedAt - b.acceptedAt).map(({ text }) => text);
    const during = got.slice(got.indexOf('small'), got.lastIndexOf('small') + 1);
    const ofLarge = during.filter(text => text === 'large').length;
    // Of what each has queued at first, two seconds, the older goes before the newer; from then on half each: 160.
    assert.ok(ofLarge >= 80 && ofLarge <= 320, `${ofLarge} of the large one meanwhile`);
    await untilState(large.id, 'completed');
    const all = await received();
    assert.deepEqual([all.length, doubled(all)], [1_220, []]);
  });

  test('a rate of its own holds in every second', async () => {
    const { api, untilState, received } = await newcomer();
    const { id } = await api('/broadcasts', {
      ...{ name: 'slow', message: offer('x'), audience: { phones: phones(905_400_000_000, 60) } },
      ...{ perSecond: 20, launch: true },
    });
    await untilState(id, 'completed');
    const times = (await received()).map(({ acceptedAt }) => acceptedAt).toSorted((a, b) => a - b);
    assert.equal(times.length, 60);
    assert.ok(times.at(-1)! - times[0]! >= 2_500, `${times.at(-1)! - times[0]!} ms`);
  });

  test("AutoKonnect's call to a large tag is a broadcast: answered at once, the same under the same key", async () => {
    const { tenant, api, untilState, received, tagged } = await newcomer();
    const tags = [await tagged('many', 905_420_000_000, 1_200), await tagged('more', 905_420_001_000, 400)];
    const send = (key: string) =>
      call<{ message: string; recipients_count: number }>(
        `${gateway.url}/api/v1/whatsapp/${tenant.numberId}/messages`,
        {
          key: tenant.key,
          headers: { 'idempotency-key': key },
          body: {
            ...{ type: 'template', template_id: 'offer', language: 'en_US' },
            components: [{ type: 'body', parameters: [{ type: 'text', text: 'all' }] }],
            contact_tag_id: tags.map(String),
            phone_number: ['+905420000000', '+905429999999'],
          },
        },
      );
    const [first, again] = [await send('once'), await send('once')];
    assert.deepEqual(first.body, { message: 'Message queued for sending', recipients_count: 1_401 });
    assert.deepEqual(again.body, first.body);
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
    const { data } = await api<{ data: TestBroadcast[] }>('/broadcasts');
    assert.equal(data.length, 1);
    const ended = await untilState(data[0]!.id, 'completed');
    assert.equal(ended.recipients, 1_401);
    const got = await received();
    assert.equal(got.length, 1_401);
    assert.deepEqual(doubled(got), []);
  });

  test("Connectly's campaigns: a draft says what, entries say to whom", async () => {
    const { tenant, api, untilState, received } = await newcomer();
    const send = (entries: unknown, key = 'k') =>
      call<{ data: unknown[] }>(`${gateway.url}/v1/businesses/${tenant.tenantId}/send/campaigns`, {
        headers: { 'x-api-key': tenant.key, 'idempotency-key': key },
        body: { entries },
      });
    const entries = [
      { client: '+905430000001', campaignName: 'autumn', campaignVersion: '2', variables: { name: 'Ayşe' } },
      {
        client: '+905430000002',
        campaignName: 'autumn',
        campaignVersion: '2',
        variables: { name: 'Ali', code: 'fault' },
      },
      {
        client: '+90 543 000 00 01',
        campaignName: 'autumn',
        campaignVersion: '2',
        variables: { name: 'twice' },
      },
      { client: 'nobody', campaignName: 'autumn', campaignVersion: '2' },
    ];
    assert.equal((await send(entries)).status, 404);
    const draft = await api('/broadcasts', { name: 'autumn', message: offer('{{name}}') });
    assert.equal((await send([{ client: '+905430000001' }])).status, 400);
    const first = await send(entries);
    assert.deepEqual(first.body, {
      data: [
        {
          ...{ campaignName: 'autumn', campaignVersion: '2', acceptedCount: 2, rejectedCount: 2 },
          error: 'client 905430000001 stands twice',
        },
      ],
    });
    assert.deepEqual((await send(entries)).body, first.body);
    const { data } = await api<{ data: TestBroadcast[] }>('/broadcasts?name=autumn');
    assert.equal(data.length, 2);
    await untilState(data[0]!.id, 'completed');
    const got = (await received()).map(({ to, text }) => `${to} ${text}`);
    assert.deepEqual(got.toSorted(), ['905430000001 Ayşe', '905430000002 Ali']);
    assert.equal((await api(`/broadcasts/${draft.id}`)).state, 'draft');
    await api(`/broadcasts/${draft.id}`, undefined, 'DELETE');
    const closed = await send(entries, 'other');
    assert.equal(closed.status, 409, closed.text);
    const other = await newcomer();
    const strange = await call(`${gateway.url}/v1/businesses/${tenant.tenantId}/send/campaigns`, {
      headers: { 'x-api-key': other.tenant.key },
      body: { entries },
    });
    assert.equal(strange.status, 401, strange.text);
  });

  test('another tenant sees and moves nothing of it', async () => {
    const { api } = await newcomer();
    const other = await newcomer();
    const { id } = await api('/broadcasts', {
      ...{ name: 'mine', message: offer('x'), audience: { phones: phones(905_410_000_000, 1) } },
    });
    for (const [path, method] of [
      ['', 'GET'],
      ['', 'PATCH'],
      ['', 'DELETE'],
      ...['launch', 'pause', 'resume', 'cancel'].map(verb => [`/${verb}`, 'POST']),
    ] as const) {
      const { status } = await call(`${gateway.url}/api/v1/broadcasts/${id}${path}`, {
        ...{ key: other.tenant.key, method },
        ...(method === 'GET' || method === 'DELETE' ? {} : { body: {} }),
      });
      assert.equal(status, 404, `${method} ${path}`);
    }
  });
});
