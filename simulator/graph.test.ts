import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { createTestbed, phoneId, token, wabaId } from './testbed.ts';

let bed: Awaited<ReturnType<typeof createTestbed>>;
before(async () => {
  bed = await createTestbed();
});
beforeEach(() => bed.reset());
after(() => bed.close());

const other = {
  wabaId: '200',
  app: { id: '1', secret: 's' },
  accessToken: 'other-token',
  phoneNumbers: [{ id: '201', displayPhoneNumber: '+90 850 111 2233', verifiedName: 'Other' }],
};

test('tokens and objects', async () => {
  const path = `/v25.0/${phoneId}`;
  const none = await bed.call('GET', path, undefined, { authorization: '' });
  assert.deepEqual([none.status, none.json.error.code], [401, 104]);
  const wrong = await bed.call('POST', `${path}/messages`, {}, { authorization: 'Bearer no' });
  assert.deepEqual([wrong.status, wrong.json.error.code], [401, 190]);
  const query = await bed.call('GET', `${path}?access_token=${token}`, undefined, { authorization: '' });
  assert.equal(query.status, 200);
  await bed.call('POST', '/control/accounts', other);
  for (const [method, id] of [
    ['POST', '201/messages'],
    ['POST', '999/messages'],
    ['GET', '999'],
  ] as const) {
    const { status, json } = await bed.call(method, `/v25.0/${id}`, method === 'POST' ? {} : undefined);
    assert.deepEqual([status, json.error.code, json.error.error_subcode], [400, 100, 33]);
    assert.match(json.error.message, new RegExp(`^Unsupported ${method.toLowerCase()} request`));
    assert.ok(json.error.fbtrace_id);
  }
  const path2 = await bed.call('GET', '/v25.0/1/2/3');
  assert.equal(path2.json.error.code, 2500);
});

test('a phone number, its default fields and others', async () => {
  const { json } = await bed.call('GET', `/${phoneId}`);
  assert.deepEqual(json, {
    verified_name: 'Wagate Demo',
    display_phone_number: '+1 555-078-3881',
    quality_rating: 'GREEN',
    id: phoneId,
  });
  const asked = await bed.call('GET', `/v25.0/${phoneId}?fields=throughput,status`);
  assert.deepEqual(asked.json, { throughput: { level: 'HIGH' }, status: 'CONNECTED', id: phoneId });
  assert.equal((await bed.call('GET', `/${phoneId}?fields=nonsense`)).json.error.code, 100);
  assert.equal((await bed.call('GET', `/${wabaId}`)).json.name, 'Wagate Demo');
  assert.equal((await bed.call('GET', `/${wabaId}/phone_numbers`)).json.data[0].id, phoneId);
});

test('templates by pages, there and back', async () => {
  const path = `/v25.0/${wabaId}/message_templates`;
  const all = (await bed.call('GET', path)).json;
  assert.equal(all.data.length, 16);
  assert.equal(all.data[0].id, '1000000000000001');
  assert.equal(all.paging.next, undefined);
  const names: string[] = [];
  let next: string | undefined = `${path}?limit=5&fields=name`;
  let last: { paging: { cursors: { before: string }; previous: string } } | undefined;
  while (next) {
    const page: Awaited<ReturnType<typeof bed.call>> = await bed.call(
      'GET',
      next.replace(/^http:\/\/[^/]+/, ''),
    );
    for (const { name } of page.json.data) names.push(name);
    last = page.json;
    next = page.json.paging.next;
  }
  assert.deepEqual(
    names,
    all.data.map(({ name }: { name: string }) => name),
  );
  const before = await bed.call('GET', `${path}?limit=5&before=${last?.paging.cursors.before}`);
  assert.equal(before.json.data[4].name, names[14]);
  assert.ok(last?.paging.previous);
});

test('template filters', async () => {
  const path = `/v25.0/${wabaId}/message_templates`;
  const names = async (query: string) =>
    (await bed.call('GET', `${path}?${query}`)).json.data.map(({ name }: { name: string }) => name);
  assert.deepEqual(await names('status=PAUSED'), ['paused_offer']);
  assert.deepEqual(await names('language=en'), ['welcome_message_v2']);
  assert.deepEqual(await names('category=AUTHENTICATION'), ['otp_verification']);
  assert.deepEqual(await names('name=hello'), ['hello_world']);
  assert.deepEqual((await bed.call('GET', `${path}?name=nobody`)).json, { data: [] });
});

test('a callback is verified before it is used', async () => {
  const path = `/v25.0/${wabaId}/subscribed_apps`;
  const wrong = await bed.call('POST', path, {
    override_callback_uri: bed.receiver.url,
    verify_token: 'wrong',
  });
  assert.deepEqual([wrong.status, wrong.json.error.code], [400, 2200]);
  assert.match(wrong.json.error.message, /403/);
  assert.deepEqual((await bed.call('GET', path)).json, { data: [] });
  assert.deepEqual((await bed.subscribe()).json, { success: true });
  const [app] = (await bed.call('GET', path)).json.data;
  assert.equal(app.override_callback_uri, bed.receiver.url);
  await bed.call('DELETE', path);
  await bed.send({ type: 'text', text: { body: 'a' } });
  assert.ok(await bed.idle());
  assert.equal(bed.receiver.hooks().length, 0);
});

test('forms and multipart', async () => {
  const form = new URLSearchParams({
    messaging_product: 'whatsapp',
    to: '905321112233',
    type: 'text',
    text: '{"body":"a"}',
  });
  const urlencoded = await bed.call('POST', `/${phoneId}/messages`, form.toString(), {
    'content-type': 'application/x-www-form-urlencoded',
  });
  assert.equal(urlencoded.status, 200, urlencoded.text);
  const data = new FormData();
  for (const [key, value] of form) data.set(key, value);
  const response = await fetch(`${bed.url}/v25.0/${phoneId}/messages`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: data,
  });
  assert.equal(response.status, 200, await response.text());
  const { data: received } = (await bed.call('GET', '/control/received')).json;
  assert.deepEqual(
    received.map(({ body }: { body: { text: unknown } }) => body.text),
    [{ body: 'a' }, { body: 'a' }],
  );
  assert.equal((await bed.call('POST', `/${phoneId}/messages`, '{')).json.error.code, 100);
});

test('mark as read and typing', async () => {
  const wamid = await bed.write({ text: 'hi' });
  const read = { messaging_product: 'whatsapp', status: 'read', typing_indicator: { type: 'text' } };
  const known = await bed.call('POST', `/${phoneId}/messages`, { ...read, message_id: wamid });
  assert.deepEqual(known.json, { success: true });
  const written = (await bed.call('GET', `/control/written/${encodeURIComponent(wamid)}`)).json;
  assert.ok(written.readAt && written.typingAt);
  const unknown = await bed.call('POST', `/${phoneId}/messages`, { ...read, message_id: 'wamid.no' });
  assert.equal(unknown.json.error.code, 131009);
});

test('ids have the published form', async () => {
  const { json } = await bed.send({ type: 'text', text: { body: 'a' } });
  const outgoing = partsOf(json.messages[0].id);
  assert.deepEqual(
    [outgoing.head, outgoing.phone, outgoing.kind],
    ['1c180c', '905321112233', '150200111812'],
  );
  assert.match(outgoing.key, /^[0-9A-F]{18}$/);
  const incoming = partsOf(await bed.write({ text: 'a' }));
  assert.deepEqual(
    [incoming.head, incoming.phone, incoming.kind],
    ['1c180c', '905321112233', '150200121814'],
  );
  assert.match(incoming.key, /^3A[0-9A-F]{18}$/);
});

function partsOf(wamid: string) {
  const bytes = Buffer.from(wamid.replace(/^wamid\./, ''), 'base64');
  assert.equal(bytes.at(-1), 0);
  return {
    head: bytes.toString('hex', 0, 3),
    phone: bytes.toString('latin1', 3, 15),
    kind: bytes.toString('hex', 15, 21),
    key: bytes.toString('latin1', 21, bytes.length - 1),
  };
}
