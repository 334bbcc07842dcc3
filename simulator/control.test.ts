import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { createTestbed, phoneId, wabaId } from './testbed.ts';

let bed: Awaited<ReturnType<typeof createTestbed>>;
before(async () => {
  bed = await createTestbed();
});
beforeEach(() => bed.reset());
after(() => bed.close());

const text = { type: 'text', text: { body: 'a' } };
const fault = (action: Record<string, unknown>, more: Record<string, unknown> = {}) =>
  bed.call('POST', '/control/faults', { rules: [{ action, ...more }] });
const accepted = async () => (await bed.call('GET', '/control/summary')).json.accepted;

test('an error, for the sends it matches, as often as asked', async () => {
  await fault(
    { kind: 'error', code: 130429, status: 429, details: 'Cloud API message throughput has been reached.' },
    { match: { to: '905001112233' }, times: 2 },
  );
  assert.equal((await bed.send(text)).status, 200);
  for (let count = 0; count < 2; count += 1) {
    const { status, json } = await bed.send({ ...text, to: '+90 500 111 22 33' });
    assert.equal(status, 429);
    assert.equal(json.error.message, '(#130429) Rate limit hit');
    assert.equal(json.error.error_data.details, 'Cloud API message throughput has been reached.');
  }
  assert.equal((await bed.send({ ...text, to: '905001112233' })).status, 200);
  assert.equal((await bed.call('GET', '/control/faults')).json.data[0].left, 0);
});

test('an error of always, until the rules are taken away', async () => {
  await fault({ kind: 'error', code: 131000 }, { times: 'always' });
  assert.equal((await bed.send(text)).status, 500);
  assert.equal((await bed.send(text)).status, 500);
  await bed.call('DELETE', '/control/faults');
  assert.equal((await bed.send(text)).status, 200);
});

test('the connection is cut before or after acceptance', async () => {
  await fault({ kind: 'reset_before' });
  await assert.rejects(bed.send(text));
  assert.equal(await accepted(), 0);
  await fault({ kind: 'reset_after' });
  await assert.rejects(bed.send(text));
  assert.equal(await accepted(), 1);
});

test('a hang has no answer, a delay a late one that its statuses overtake', async () => {
  await bed.subscribe();
  await fault({ kind: 'hang', ms: 5 });
  await assert.rejects(bed.send(text));
  assert.equal(await accepted(), 0);
  await fault({ kind: 'delay', ms: 300 });
  let answered = false;
  const answer = bed.send(text).finally(() => {
    answered = true;
  });
  await bed.receiver.until(() => bed.receiver.updates().length === 3);
  assert.equal(answered, false);
  assert.equal((await answer).status, 200);
});

test('an answer that is not JSON, and a failure told later', async () => {
  await bed.subscribe();
  await fault({ kind: 'html', status: 502 });
  const html = await bed.send(text);
  assert.deepEqual([html.status, html.headers.get('content-type')], [502, 'text/html; charset=utf-8']);
  await fault({ kind: 'status_failed', code: 131049, title: 'Healthy', details: 'Not delivered' });
  assert.equal((await bed.send(text)).status, 200);
  assert.ok(await bed.idle());
  const [update] = bed.receiver.updates();
  assert.equal(update?.item.status, 'failed');
  assert.deepEqual(update?.item.errors[0].error_data, { details: 'Not delivered' });
  assert.equal((await fault({ kind: 'nonsense' })).status, 400);
});

test('received, page by page', async () => {
  for (const to of ['905000000001', '905000000002', '905000000001', '905000000003']) {
    await bed.send({ ...text, to, biz_opaque_callback_data: `for ${to}` });
  }
  const first = (await bed.call('GET', '/control/received?limit=3')).json;
  assert.equal(first.data.length, 3);
  const rest = (await bed.call('GET', `/control/received?limit=3&after=${first.cursor}`)).json;
  assert.equal(rest.data[0].to, '905000000003');
  const one = (await bed.call('GET', `/control/received?to=905000000001&phone_number_id=${phoneId}`)).json;
  assert.equal(one.data.length, 2);
  assert.equal(one.data[0].endpoint, 'messages');
  const { json } = await bed.call('GET', `/control/summary?waba_id=${wabaId}`);
  assert.deepEqual([json.accepted, json.distinctBizOpaque, json.doubled], [4, 3, 1]);
  assert.deepEqual(json.doubledValues, ['for 905000000001']);
  const { limited: _, ...counts } = json.phoneNumbers[phoneId];
  assert.deepEqual(counts, { arrived: 4, accepted: 4, recipients: 3, peakPerSecond: 4 });
});

test('the oldest are forgotten, the counts are not', async () => {
  const small = await createTestbed({ keepReceived: 10 });
  try {
    for (let count = 0; count < 25; count += 1) await small.send(text);
    const { data } = (await small.call('GET', '/control/received?to=905321112233')).json;
    assert.equal(data.length, 10);
    const { accepted: all, forgotten } = (await small.call('GET', '/control/summary')).json;
    assert.deepEqual([all, forgotten], [25, 15]);
  } finally {
    await small.close();
  }
});

test('idle waits for the last webhook', async () => {
  assert.ok(await bed.idle(0));
  await bed.subscribe();
  await bed.settings({ delays: { read: 100 } });
  await bed.send(text);
  const early = await bed.call('GET', '/control/idle?timeout_ms=1');
  assert.deepEqual([early.status, early.json], [408, { idle: false }]);
  assert.ok(await bed.idle());
  assert.equal(bed.receiver.updates().length, 3);
});

test('reset brings back the seed', async () => {
  await bed.settings({ batch: 7 });
  await bed.call('POST', '/control/accounts', {
    wabaId: '1',
    app: { id: '1', secret: 's' },
    accessToken: 't',
    phoneNumbers: [],
  });
  await bed.reset();
  assert.equal((await bed.call('GET', '/control/settings')).json.batch, 1);
  assert.deepEqual(
    (await bed.call('GET', '/control/accounts')).json.data.map(
      (account: { wabaId: string }) => account.wabaId,
    ),
    [wabaId],
  );
});

test('an account that lacks a part is refused in one sentence', async () => {
  const { status, json } = await bed.call('POST', '/control/accounts', { wabaId: '1', phoneNumbers: [] });
  assert.deepEqual([status, json], [400, { error: 'app.id must be a non-empty string' }]);
});
