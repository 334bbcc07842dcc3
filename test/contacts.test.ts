/** Contacts and tags from the outside: what the API makes, finds, changes and removes, and that none of it is another tenant's. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { onEachEngine } from './harness/engines.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant, until } from './harness/tenant.ts';

interface Contact {
  id: number;
  phone: string;
  original: string;
  formerPhones: string[];
  name: string;
  language: string | null;
  timeZone: string | null;
  attributes: Record<string, unknown>;
  tags: number[];
  createdAt: string;
  updatedAt: string;
}

interface Page<T> {
  data: T[];
  next: string | null;
}

const root = join(import.meta.dirname, '..');

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

  const api = <T = Record<string, unknown>>(path: string, key = own.key, method = 'GET', body?: unknown) =>
    call<T>(`${gateway.url}/api/v1${path}`, { method, key, ...(body === undefined ? {} : { body }) });
  const add = (body: object, key = own.key) => must<Contact>(api('/contacts', key, 'POST', body));
  const addTag = async (name: string, key = own.key) =>
    (await must<{ id: number }>(api('/tags', key, 'POST', { name }))).id;
  const get = (id: number, key = own.key) => must<Contact>(api(`/contacts/${id}`, key));
  const list = (query: string, key = own.key) => must<Page<Contact>>(api(`/contacts?${query}`, key));
  const fieldsOf = async (answer: ReturnType<typeof api>) => {
    const { status, body, text } = await answer;
    assert.equal(status, 400, text);
    return (body as { errors: { field: string }[] }).errors.map(({ field }) => field);
  };
  /** A tenant of its own, for what counts all there is. */
  const empty = () => newTenant(gateway, gateway.simulatorUrl);

  test('a contact is made, read, changed and removed', async () => {
    const vip = await addTag('VIP');
    const made = await api<Contact>('/contacts', own.key, 'POST', {
      ...{
        phone: '0532 123 45 67',
        country: 'tr',
        name: 'Ayşe',
        language: 'tr',
        timeZone: 'Europe/Istanbul',
      },
      ...{ attributes: { city: 'Ankara', visits: 3, member: true }, tags: [vip] },
    });
    assert.equal(made.status, 201, made.text);
    const { id, createdAt, updatedAt, ...rest } = made.body;
    assert.equal(made.headers.get('location'), `/api/v1/contacts/${id}`);
    assert.equal(createdAt, updatedAt);
    assert.deepEqual(rest, {
      ...{ phone: '905321234567', original: '0532 123 45 67', formerPhones: [], name: 'Ayşe' },
      ...{ language: 'tr', timeZone: 'Europe/Istanbul' },
      ...{ attributes: { city: 'Ankara', visits: 3, member: true }, tags: [vip] },
    });
    assert.deepEqual(await get(id), made.body);

    const changed = await must<Contact>(
      api(`/contacts/${id}`, own.key, 'PATCH', {
        ...{
          name: '',
          attributes: { city: 'İzmir' },
          removeAttributes: ['member'],
          phone: '+90 532 123 45 68',
        },
      }),
    );
    assert.deepEqual(
      [changed.name, changed.language, changed.attributes, changed.phone, changed.original, changed.tags],
      ['', 'tr', { city: 'İzmir', visits: 3 }, '905321234568', '+90 532 123 45 68', [vip]],
    );
    assert.deepEqual(await get(id), changed);

    assert.equal((await api(`/contacts/${id}`, own.key, 'DELETE')).status, 200);
    for (const method of ['GET', 'DELETE'])
      assert.equal((await api(`/contacts/${id}`, own.key, method)).status, 404);
    const again = await add({ phone: '+905321234567' });
    assert.ok(again.id > id, 'an id is given once');
    assert.deepEqual(again.tags, []);
  });

  test('what is wrong is named, all of it', async () => {
    assert.deepEqual(await fieldsOf(api('/contacts', own.key, 'POST', { phone: '0532 123 45 67' })), [
      'phone',
    ]);
    assert.deepEqual(
      await fieldsOf(
        api('/contacts', own.key, 'POST', {
          ...{ phone: 'Ayşe', language: 'Turkish', timeZone: 'Ankara', tags: [987] },
          attributes: { note: 'x'.repeat(17_000) },
        }),
      ),
      ['phone', 'language', 'timeZone', 'attributes', 'tags'],
    );
    assert.deepEqual(await fieldsOf(api('/contacts', own.key, 'POST', { phone: '+905321', country: 'XX' })), [
      'country',
    ]);
    assert.deepEqual(await fieldsOf(api('/contacts', own.key, 'POST', { number: '+905321234567' })), [
      ...['phone', 'number'],
    ]);
    for (const query of ['phone=abc', 'attribute=city', 'tag=x', 'cursor=zzz', 'limit=0'])
      assert.deepEqual(await fieldsOf(api(`/contacts?${query}`)), [query.split('=')[0]]);
    const { id } = await add({ phone: '905329990001', attributes: { a: 'x'.repeat(16_000) } });
    assert.deepEqual(
      await fieldsOf(api(`/contacts/${id}`, own.key, 'PATCH', { attributes: { b: 'x'.repeat(1_000) } })),
      ['attributes'],
    );
    const taken = await api('/contacts', own.key, 'POST', { phone: '0532 999 00 01', country: 'TR' });
    assert.deepEqual([taken.status, taken.body.code], [409, 'conflict']);
    assert.match(taken.text, new RegExp(`contact ${id}\\b`));
    const second = await add({ phone: '905329990002' });
    assert.equal(
      (await api(`/contacts/${second.id}`, own.key, 'PATCH', { phone: '905329990001' })).status,
      409,
    );
  });

  test('many made at once each have an id of their own', async () => {
    const tenant = await empty();
    const made = await Promise.all(
      Array.from({ length: 40 }, (_, i) => add({ phone: `90532400${1000 + i}` }, tenant.key)),
    );
    assert.deepEqual(
      made.map(({ id }) => id).sort((a, b) => a - b),
      Array.from({ length: 40 }, (_, i) => i + 1),
    );
    const same = await Promise.all(
      Array.from({ length: 10 }, () => api('/contacts', tenant.key, 'POST', { phone: '905325000000' })),
    );
    assert.deepEqual(same.map(({ status }) => status).sort(), [201, ...Array(9).fill(409)]);
  });

  test('contacts are found by phone, name, tag and attribute, page by page', async () => {
    const { key } = await empty();
    const [gold, silver] = [await addTag('Gold', key), await addTag('Silver', key)];
    const names = ['İpek', 'Çağla', 'Jo', 'ipek su', ''];
    const made: Contact[] = [];
    for (const [i, name] of names.entries()) {
      made.push(
        await add(
          {
            ...{ phone: `+9053211100${i % 2}${9 - i}`, name, tags: i < 3 ? [gold] : [silver] },
            attributes: { city: i % 2 === 0 ? 'Ankara' : 'Van', n: i },
          },
          key,
        ),
      );
    }
    const places = async (query: string) =>
      (await list(query, key)).data.map(({ id }) => made.findIndex(one => one.id === id));
    assert.deepEqual(await places(''), [0, 1, 2, 3, 4]);
    assert.deepEqual(await places('name=IPEK'), [0, 3]);
    assert.deepEqual(await places('name=cag'), [1]);
    assert.deepEqual(await places(`tag=${gold}`), [0, 1, 2]);
    assert.deepEqual(await places('attribute=city=Ankara'), [0, 2, 4]);
    assert.deepEqual(await places('attribute=city=Ankara&attribute=n=2'), [2]);
    assert.deepEqual(await places(`attribute=city=Ankara&tag=${silver}`), [4]);
    assert.deepEqual(await places('phone=%2B90%20532%20111001'), [3, 1]);
    assert.deepEqual(await places(`phone=90532&tag=${gold}&name=jo`), [2]);
    assert.deepEqual(await places('phone=44'), []);
    for (const [query, whole] of [
      ['', [0, 1, 2, 3, 4]],
      ['phone=905', [4, 2, 0, 3, 1]],
      [`tag=${gold}`, [0, 1, 2]],
      ['attribute=city=Ankara', [0, 2, 4]],
    ] as const) {
      const seen: number[] = [];
      let cursor = '';
      do {
        const page = await list(`${query}&limit=2${cursor}`, key);
        assert.ok(page.data.length <= 2);
        seen.push(...page.data.map(({ id }) => made.findIndex(one => one.id === id)));
        cursor = page.next === null ? '' : `&cursor=${page.next}`;
      } while (cursor !== '');
      assert.deepEqual(seen, whole, query);
    }
  });

  test('tags: made, counted, renamed, given, taken and removed', async () => {
    const { key } = await empty();
    const made = await api<{ id: number; contacts: number }>('/tags', key, 'POST', { name: 'News', id: 57 });
    assert.deepEqual([made.status, made.body.id, made.body.contacts], [201, 57, 0]);
    assert.equal((await api('/tags', key, 'POST', { name: 'Other', id: 57 })).status, 409);
    assert.equal(await addTag('Next', key), 58);
    const { id } = await add({ phone: '905321000001' }, key);
    const tagged = await must<Contact>(api(`/contacts/${id}/tags/57`, key, 'PUT'));
    assert.deepEqual(tagged.tags, [57]);
    assert.deepEqual(await must(api(`/contacts/${id}/tags/57`, key, 'PUT')), tagged);
    assert.equal((await api(`/contacts/${id}/tags/99`, key, 'PUT')).status, 404);
    assert.equal((await api(`/contacts/99/tags/57`, key, 'PUT')).status, 404);
    await must(api('/tags/57', key, 'PATCH', { name: 'Newsletter' }));
    const { data } = await must<Page<{ id: number; name: string; contacts: number }>>(api('/tags', key));
    assert.deepEqual(
      data.map(one => [one.id, one.name, one.contacts]),
      [
        [57, 'Newsletter', 1],
        [58, 'Next', 0],
      ],
    );
    const page = await must<Page<{ id: number }>>(api('/tags?limit=1', key));
    const second = await must<Page<{ id: number }>>(api(`/tags?limit=1&cursor=${page.next}`, key));
    assert.deepEqual([page.data[0]?.id, second.data[0]?.id, second.next], [57, 58, null]);
    assert.deepEqual((await must<Contact>(api(`/contacts/${id}/tags/57`, key, 'DELETE'))).tags, []);
    await must(api(`/contacts/${id}/tags/57`, key, 'PUT'));
    assert.equal((await api('/tags/57', key, 'DELETE')).status, 200);
    assert.equal((await api('/tags/57', key, 'DELETE')).status, 404);
    assert.deepEqual((await get(id, key)).tags, []);
  });

  test('all that a filter finds are tagged and untagged', async () => {
    const { key } = await empty();
    const tag = await addTag('Ankara', key);
    for (let i = 0; i < 5; i++)
      await add({ phone: `9053210000${10 + i}`, attributes: { city: i < 3 ? 'Ankara' : 'Van' } }, key);
    const change = (body: object) => must(api('/contacts/tags', key, 'POST', body));
    const ankara = { filter: { attributes: { city: 'Ankara' } } };
    assert.deepEqual(await change({ ...ankara, add: [tag] }), {
      matched: 3,
      added: 3,
      removed: 0,
      next: null,
    });
    assert.deepEqual(await change({ ...ankara, add: [tag] }), {
      matched: 3,
      added: 0,
      removed: 0,
      next: null,
    });
    assert.equal((await list(`tag=${tag}`, key)).data.length, 3);
    assert.deepEqual(await change({ filter: { tag }, remove: [tag] }), {
      ...{ matched: 3, added: 0, removed: 3, next: null },
    });
    assert.deepEqual(await fieldsOf(api('/contacts/tags', key, 'POST', { filter: {}, add: [99] })), [
      'add[0]',
    ]);
  });

  test('two contacts become one, which is found by both phones', async () => {
    const { key } = await empty();
    const [a, b] = [await addTag('A', key), await addTag('B', key)];
    const into = await add(
      { phone: '905321000001', name: 'Jo', attributes: { city: 'Van', n: 1 }, tags: [a] },
      key,
    );
    const from = await add(
      {
        ...{ phone: '905321000002', name: 'Joanna', language: 'tr', tags: [a, b] },
        attributes: { city: 'Ankara', plan: 'gold' },
      },
      key,
    );
    const merged = await must<Contact>(api(`/contacts/${into.id}/merge`, key, 'POST', { from: from.id }));
    assert.deepEqual(
      [merged.id, merged.phone, merged.formerPhones, merged.name, merged.language, merged.tags],
      [into.id, '905321000001', ['905321000002'], 'Jo', 'tr', [a, b]],
    );
    assert.deepEqual(merged.attributes, { city: 'Van', plan: 'gold', n: 1 });
    assert.equal((await api(`/contacts/${from.id}`, key)).status, 404);
    assert.equal((await api('/contacts', key, 'POST', { phone: '905321000002' })).status, 409);
    assert.equal(
      (await must<{ contacts: number }>(api(`/tags/${a}`, key))).contacts,
      1,
      'a tag of both counts once',
    );
    for (const [id, expected] of [
      [into.id, 400],
      [99, 404],
    ])
      assert.equal((await api(`/contacts/${into.id}/merge`, key, 'POST', { from: id })).status, expected);
  });

  test('an erasure finds a person by a former phone and by the other way of writing it', async () => {
    const { key } = await empty();
    const into = await add({ phone: '+55 11 98765 4321' }, key);
    const from = await add({ phone: '905321000002' }, key);
    await must(api(`/contacts/${into.id}/merge`, key, 'POST', { from: from.id }));
    const { body } = await api<{ id: string }>('/erasures', key, 'POST', { recipient: '905321000002' });
    const counts = await erased(body.id, key);
    assert.equal(counts.contacts, 1);
    assert.equal((await api(`/contacts/${into.id}`, key)).status, 404);
    const second = await add({ phone: '+55 11 98765 4321' }, key);
    const again = await api<{ id: string }>('/erasures', key, 'POST', { recipient: '551187654321' });
    assert.equal((await erased(again.body.id, key)).contacts, 1);
    assert.equal((await api(`/contacts/${second.id}`, key)).status, 404);
  });

  async function erased(id: string, key: string): Promise<Record<string, number>> {
    const read = () => must<{ status: string; counts: Record<string, number> }>(api(`/erasures/${id}`, key));
    await until(async () => (await read()).status === 'done');
    return (await read()).counts;
  }

  test('no route shows or changes what is another tenant’s, and a key of one number has none', async () => {
    const [mine, theirs] = [await empty(), await empty()];
    const tag = await addTag('Mine', mine.key);
    const contact = await add({ phone: '905321000001', name: 'Jo', tags: [tag] }, mine.key);
    const imported = await call<{ id: string }>(`${gateway.url}/api/v1/contacts/import?id=shared`, {
      ...{ method: 'POST', key: mine.key, headers: { 'content-type': 'text/csv' } },
      body: 'phone\n12\n',
    });
    assert.equal(imported.status, 200, imported.text);
    // Same numbers of contacts and tags, so that their ids exist on both sides.
    const foreign = await add({ phone: '905321000009', name: 'Theirs' }, theirs.key);
    const foreignTag = await addTag('Theirs', theirs.key);
    assert.deepEqual([foreign.id, foreignTag], [contact.id, tag]);
    const bound = await must<{ key: string }>(
      call(`${gateway.url}/api/v1/tenants/${mine.tenantId}/api-keys`, {
        key: operatorKey,
        body: { name: 'bound', numberId: mine.numberId },
      }),
    );
    const reading = await must<{ key: string }>(
      call(`${gateway.url}/api/v1/tenants/${mine.tenantId}/api-keys`, {
        key: operatorKey,
        body: { name: 'reading', powers: { access: 'read' } },
      }),
    );
    const routes: [method: string, path: string, body?: object][] = [
      ['GET', '/contacts'],
      ['GET', `/contacts/${contact.id}`],
      ['GET', '/contacts/export'],
      ['GET', '/contacts/import/shared'],
      ['GET', '/contacts/import/shared/errors'],
      ['GET', '/tags'],
      ['GET', `/tags/${tag}`],
      ['PATCH', `/contacts/${contact.id}`, { name: 'Changed' }],
      ['PUT', `/contacts/${contact.id}/tags/${tag}`],
      ['DELETE', `/contacts/${contact.id}/tags/${tag}`],
      ['POST', `/contacts/${contact.id}/merge`, { from: contact.id + 1 }],
      ['POST', '/contacts/tags', { filter: {}, remove: [tag] }],
      ['POST', '/contacts', { phone: '905321000001', tags: [tag] }],
      ['PATCH', `/tags/${tag}`, { name: 'Changed' }],
      ['POST', '/tags', { name: 'More' }],
      ['DELETE', `/tags/${tag}`],
      ['DELETE', `/contacts/${contact.id}`],
    ];
    const before = [await get(contact.id, mine.key), (await api('/tags', mine.key)).text];
    for (const [method, path, body] of routes) {
      const answer = await api(path, theirs.key, method, body);
      assert.ok(!answer.text.includes('"Jo"') && !answer.text.includes('"Mine"'), `${method} ${path}`);
      assert.equal((await api(path, bound.key, method, body)).status, 409, `${method} ${path}`);
      assert.equal((await api(path, operatorKey, method, body)).status, 401, `${method} ${path}`);
      if (method !== 'GET')
        assert.equal((await api(path, reading.key, method, body)).status, 403, `${method} ${path}`);
    }
    assert.equal((await api('/contacts/import/shared', theirs.key)).status, 404);
    assert.equal((await api('/contacts/import/shared/errors', theirs.key)).status, 404);
    assert.deepEqual([await get(contact.id, mine.key), (await api('/tags', mine.key)).text], before);
    assert.equal((await list('', mine.key)).data.length, 1);
  });

  test('AutoKonnect sends to a tag that was made here', async () => {
    const tag = await addTag('Both');
    for (const phone of ['905321230001', '905321230002']) await add({ phone, tags: [tag] });
    const answer = await call<{ recipients_count: number }>(
      `${gateway.url}/api/v1/whatsapp/${own.numberId}/messages`,
      { key: own.key, body: { contact_tag_id: String(tag), type: 'text', message: 'Hello' } },
    );
    assert.equal(answer.body.recipients_count, 2, answer.text);
  });

  test('the command line', async () => {
    const wagate = (...args: string[]) =>
      new Promise<{ code: number; text: string }>(resolve => {
        execFile(
          process.execPath,
          ['wagate.js', ...args],
          { cwd: root, env: { PATH: process.env.PATH, WAGATE_URL: gateway.url, WAGATE_KEY: other.key } },
          (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), text: stdout + stderr }),
        );
      });
    assert.match((await wagate('contact', 'list')).text, /None\./);
    assert.match((await wagate('tag', 'add', 'Customers', '--id', '42')).text, /id +42/);
    const added = await wagate(
      ...['contact', 'add', '0532 100 00 41', '--country', 'TR', '--name', 'Ayşe', '--tag', '42'],
      ...['--attribute', 'city=Ankara'],
    );
    assert.equal(added.code, 0, added.text);
    assert.match(added.text, /phone +905321000041/);
    assert.match((await wagate('contact', 'list', '--tag', '42')).text, /ID.*\n1 +905321000041 +Ayşe +42/);
    assert.match((await wagate('contact', 'show', '+90 532 100 00 41')).text, /city/);
    assert.match((await wagate('tag', 'list')).text, /42 +Customers +1/);
    const untagged = await wagate('contact', 'untag', '42', '--all', '--attribute', 'city=Ankara');
    assert.match(untagged.text, /removed +1/);
    assert.equal((await wagate('contact', 'tag', '42')).code, 2);
    assert.match((await wagate('contact', 'tag', '42', '1')).text, /tags +42/);
    assert.match((await wagate('contact', 'export')).text, /^phone,name,.*\r\n905321000041,Ayşe,/);
    assert.equal((await wagate('contact', 'remove', '905321000041')).code, 0);
    assert.equal((await wagate('tag', 'remove', '42')).code, 0);
    assert.equal((await wagate('contact', 'show', '1')).code, 1);
  });
});
