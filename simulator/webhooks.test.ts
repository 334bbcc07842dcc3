import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { createTestbed, phoneId, secret } from './testbed.ts';

let bed: Awaited<ReturnType<typeof createTestbed>>;
before(async () => {
  bed = await createTestbed();
});
beforeEach(async () => {
  await bed.reset();
  const { status } = await bed.subscribe();
  assert.equal(status, 200);
});
after(() => bed.close());

const text = { type: 'text', text: { body: 'hello' } };
const kinds = () => bed.receiver.updates().map(({ item }) => item.status);

test('sent, delivered and read, as Meta writes them', async () => {
  const { json } = await bed.send({ ...text, biz_opaque_callback_data: 'our-id' });
  assert.ok(await bed.idle());
  assert.deepEqual(kinds(), ['sent', 'delivered', 'read']);
  const [sent, , read] = bed.receiver.updates();
  assert.deepEqual(sent?.value.metadata, { display_phone_number: '15550783881', phone_number_id: phoneId });
  assert.equal(sent?.value.contacts[0].wa_id, '905321112233');
  assert.equal(sent?.value.contacts[0].user_id, sent?.item.recipient_user_id);
  assert.match(sent?.item.timestamp, /^\d{10}$/);
  assert.deepEqual(
    { ...sent?.item, timestamp: '', recipient_user_id: '' },
    {
      id: json.messages[0].id,
      status: 'sent',
      timestamp: '',
      recipient_id: '905321112233',
      recipient_user_id: '',
      biz_opaque_callback_data: 'our-id',
      pricing: { billable: true, pricing_model: 'PMP', category: 'service', type: 'regular' },
    },
  );
  assert.equal(read?.item.pricing, undefined);
});

test('the signature is over the escaped bytes', async () => {
  await bed.write({ text: 'Günaydın 🎉', profile_name: 'Şule' });
  assert.ok(await bed.idle());
  const [hook] = bed.receiver.hooks();
  assert.ok(hook);
  assert.match(hook.body, /G\\u00fcnayd\\u0131n \\ud83c\\udf89/);
  assert.doesNotMatch(hook.body, /[^\x20-\x7e]/);
  const expected = `sha256=${createHmac('sha256', secret).update(hook.body).digest('hex')}`;
  assert.equal(hook.signature, expected);
  const [update] = hook.updates;
  assert.equal(update?.item.text.body, 'Günaydın 🎉');
  assert.equal(update?.value.contacts[0].profile.name, 'Şule');
});

test('an incoming message of any type, with a quote', async () => {
  const wamid = await bed.write({
    type: 'interactive',
    interactive: { type: 'button_reply', button_reply: { id: 'b', title: 'B' } },
    reply_to: 'wamid.before',
  });
  assert.ok(await bed.idle());
  const item = bed.receiver.updates()[0]?.item;
  assert.equal(item.id, wamid);
  assert.deepEqual(item.context, { from: '15550783881', id: 'wamid.before' });
  assert.equal(item.interactive.button_reply.id, 'b');
  assert.equal(item.text, undefined);
});

test('anything but 200 is tried again', async () => {
  await bed.settings({ retryBaseMs: 1, delays: { delivered: null, read: null } });
  bed.receiver.answers([500, 204, 302]);
  const { json } = await bed.send(text);
  assert.ok(await bed.idle());
  const bodies = bed.receiver.hooks().map(({ body }) => body);
  assert.equal(bodies.length, 4);
  assert.equal(new Set(bodies).size, 1);
  const { webhooks } = (await bed.call('GET', '/control/summary')).json;
  assert.equal(webhooks.failedAttempts, 3);
  assert.equal(webhooks.delivered, 1);
  const received = (await bed.call('GET', `/control/received/${json.messages[0].id}`)).json;
  assert.ok(received.statuses[0].deliveredWebhookAt >= received.statuses[0].at);
  const attempts = (await bed.call('GET', '/control/webhooks?limit=2')).json.data;
  assert.deepEqual(
    attempts.map(({ status, attempt }: { status: number; attempt: number }) => [status, attempt]),
    [
      [200, 4],
      [302, 3],
    ],
  );
});

test('an update too old is dropped', async () => {
  await bed.settings({ retryBaseMs: 1, maxAgeMs: 20, delays: { delivered: null, read: null } });
  bed.receiver.answers([], 500);
  await bed.send(text);
  assert.ok(await bed.idle());
  const { webhooks } = (await bed.call('GET', '/control/summary')).json;
  assert.equal(webhooks.dropped, 1);
  assert.equal(webhooks.pending, 0);
});

test('each webhook twice', async () => {
  await bed.settings({ duplicate: 2 });
  await bed.send(text);
  assert.ok(await bed.idle());
  assert.deepEqual(kinds().sort(), ['delivered', 'delivered', 'read', 'read', 'sent', 'sent']);
  assert.equal((await bed.call('GET', '/control/summary')).json.webhooks.delivered, 3);
});

test('out of order', async () => {
  await bed.settings({ shuffle: true, shuffleMs: 200 });
  for (let count = 0; count < 20; count += 1) await bed.send(text);
  assert.ok(await bed.idle());
  assert.equal(kinds().length, 60);
  const ladder = ['sent', 'delivered', 'read'];
  const ranks = new Map<string, number[]>();
  for (const { item } of bed.receiver.updates()) {
    ranks.set(item.id, [...(ranks.get(item.id) ?? []), ladder.indexOf(item.status)]);
  }
  assert.ok([...ranks.values()].some(list => list.join() !== '0,1,2'));
});

for (const shape of ['values', 'changes', 'entries']) {
  test(`held, then all at once, in batches of ${shape}`, async () => {
    await bed.settings({
      paused: true,
      batch: 1000,
      batchShape: shape,
      delays: { sent: 0, delivered: 0, read: 0 },
    });
    for (let count = 0; count < 10; count += 1) await bed.send(text);
    assert.equal(await bed.idle(60), false);
    assert.equal(bed.receiver.hooks().length, 0);
    await bed.settings({ paused: false });
    assert.ok(await bed.idle());
    assert.equal(bed.receiver.updates().length, 30);
    const first = bed.receiver.hooks().map(({ body }) => JSON.parse(body))[0];
    assert.equal(bed.receiver.hooks().length, 1);
    assert.equal(first.entry.length, shape === 'entries' ? 30 : 1);
    assert.equal(first.entry[0].changes.length, shape === 'changes' ? 30 : 1);
  });
}

test('a flood after silence: repeated, and in any order', async () => {
  await bed.settings({ paused: true, delays: { sent: 0, delivered: null, read: null } });
  const sent: unknown[] = [];
  for (let count = 0; count < 100; count += 1) sent.push((await bed.send(text)).json.messages[0].id);
  assert.equal(await bed.idle(60), false);
  await bed.settings({ paused: false, shuffle: true, duplicate: 2, concurrency: 1 });
  assert.ok(await bed.idle());
  const got = bed.receiver.updates().map(({ item }) => item.id);
  assert.equal(got.length, 200);
  const firsts = [...new Set(got)];
  assert.deepEqual([...firsts].sort(), [...sent].sort());
  // One order in 100! is the one in which they were made.
  assert.notDeepEqual(firsts, sent);
});

test('a reaction is only sent, and only to what a phone wrote', async () => {
  const wamid = await bed.write({ text: 'hi' });
  await bed.send({ type: 'reaction', reaction: { message_id: wamid, emoji: '👍' } });
  assert.ok(await bed.idle());
  assert.deepEqual(kinds(), [undefined, 'sent']);
  await bed.send({ type: 'reaction', reaction: { message_id: 'wamid.unknown', emoji: '👍' } });
  assert.ok(await bed.idle());
  const last = bed.receiver.updates().at(-1);
  assert.equal(last?.item.status, 'failed');
  assert.equal(last?.item.errors[0].code, 131009);
});

test('a phone that is not on WhatsApp', async () => {
  await bed.call('PUT', '/control/phones/905321112233', { on_whatsapp: false });
  assert.equal((await bed.send({ ...text, biz_opaque_callback_data: 'x' })).status, 200);
  assert.ok(await bed.idle());
  assert.deepEqual(kinds(), ['failed']);
  const [failed] = bed.receiver.updates();
  assert.equal(failed?.item.errors[0].code, 131026);
  assert.equal(failed?.item.biz_opaque_callback_data, 'x');
  assert.equal(failed?.value.contacts, undefined);
});

test('a business-scoped user id: no phone in the answer, none in the statuses', async () => {
  const { json } = await bed.send({ ...text, to: undefined, recipient: 'TR.ABC123' });
  assert.deepEqual(json.contacts, [{ input: 'TR.ABC123', user_id: 'TR.ABC123' }]);
  assert.ok(await bed.idle());
  assert.equal(bed.receiver.updates()[0]?.item.recipient_id, undefined);
  assert.equal(bed.receiver.updates()[0]?.item.recipient_user_id, 'TR.ABC123');
});

test('settings of one account leave the others alone', async () => {
  await bed.call('PUT', '/control/settings?waba_id=1', { paused: true });
  await bed.send(text);
  assert.ok(await bed.idle());
  assert.equal((await bed.settings({ batch: 0 })).status, 400);
  assert.equal((await bed.settings({ nothing: 1 })).status, 400);
});

test('more pending updates than the cap are dropped, and counted', async () => {
  const small = await createTestbed({
    maxPending: 5,
    settings: { paused: true, delays: { sent: 0, delivered: 0, read: 0 } },
  });
  try {
    await small.subscribe();
    for (let count = 0; count < 3; count += 1) await small.send(text);
    await small.settings({ paused: true });
    let made = 0;
    while (made < 9) {
      const { statuses } = (await small.call('GET', '/control/summary')).json;
      made = statuses.sent + statuses.delivered + statuses.read;
    }
    await small.settings({ paused: false });
    assert.ok(await small.idle());
    const { webhooks } = (await small.call('GET', '/control/summary')).json;
    assert.deepEqual([webhooks.delivered, webhooks.dropped, webhooks.pending], [5, 4, 0]);
  } finally {
    await small.close();
  }
});

test('another account: its own token, secret and callback, also when it is replaced meanwhile', async () => {
  const account = (appSecret: string) => ({
    wabaId: '200',
    app: { id: '1', secret: appSecret },
    accessToken: 'other-token',
    webhookUrl: bed.receiver.url,
    phoneNumbers: [{ id: '201', displayPhoneNumber: '+90 850 111 2233', verifiedName: 'Other' }],
  });
  await bed.call('POST', '/control/accounts', account('first'));
  await bed.call('PUT', '/control/settings?waba_id=200', {
    paused: true,
    delays: { delivered: null, read: null },
  });
  const message = { messaging_product: 'whatsapp', to: '5321112233', ...text };
  const other = { authorization: 'Bearer other-token' };
  await bed.call('PUT', '/control/settings?waba_id=200', { dialling: 'strict' });
  const { json } = await bed.call('POST', '/201/messages', message, other);
  assert.equal(json.contacts[0].wa_id, '905321112233');
  await bed.call('POST', '/control/accounts', account('second'));
  await bed.call('PUT', '/control/settings?waba_id=200', { paused: false });
  assert.ok(await bed.idle());
  const [hook] = bed.receiver.hooks();
  assert.ok(hook);
  assert.equal(hook.signature, `sha256=${createHmac('sha256', 'second').update(hook.body).digest('hex')}`);
  assert.equal(JSON.parse(hook.body).entry[0].id, '200');
});

test('a wa_id that differs from the number dialled', async () => {
  await bed.call('PUT', '/control/phones/5511987654321', { wa_id: '551187654321' });
  const { json } = await bed.send({ ...text, to: '5511987654321' });
  assert.deepEqual(json.contacts, [{ input: '5511987654321', wa_id: '551187654321' }]);
  assert.ok(await bed.idle());
  assert.equal(bed.receiver.updates()[0]?.item.recipient_id, '551187654321');
});
