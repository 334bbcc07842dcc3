import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { createTestbed, phoneId, wabaId } from './testbed.ts';

const hourMs = 3_600_000;
const delays = { sent: 1, delivered: 2, read: 3 };
let nowMs = Date.now();
let bed: Awaited<ReturnType<typeof createTestbed>>;
before(async () => {
  bed = await createTestbed({ now: () => nowMs, settings: { enforce: { pair: true }, delays } });
});
beforeEach(async () => {
  await bed.reset();
  await bed.subscribe();
});
after(() => bed.close());

const text = { type: 'text', text: { body: 'a' } };
const utility = { type: 'template', template: { name: 'order_confirmation', language: { code: 'en_US' } } };
const marketing = {
  type: 'template',
  template: {
    ...{ name: 'weekly_newsletter', language: { code: 'en_US' } },
    components: [{ type: 'body', parameters: [{ type: 'text', text: 'soup' }] }],
  },
};

const enforce = (limits: Record<string, boolean>) => bed.settings({ enforce: limits });
const outcome = ({ status, json }: Awaited<ReturnType<typeof bed.send>>): number | 'ok' =>
  status === 200 ? 'ok' : json.error.code;

/** The code of the failure that was told of an accepted message; undefined when it went well. */
async function failureOf({ text, json }: Awaited<ReturnType<typeof bed.send>>): Promise<number | undefined> {
  assert.ok(json.messages, text);
  assert.ok(await bed.idle());
  const told = bed.receiver.updates().filter(({ item }) => item.id === json.messages[0].id);
  assert.ok(told.length > 0);
  return told.find(({ item }) => item.status === 'failed')?.item.errors[0].code;
}

async function limitedOf(id = phoneId): Promise<Record<string, number>> {
  const { limited } = (await bed.call('GET', '/control/summary')).json.phoneNumbers[id];
  return Object.fromEntries(Object.entries<number>(limited).filter(([, count]) => count > 0));
}

/** Another account; its token is `t` and its id, its one number the id with a 1 behind it. */
async function newAccount(id: string, more: Record<string, unknown> = {}, throughput = 'STANDARD') {
  const number = { id: `${id}1`, displayPhoneNumber: `+90 850 ${id}`, verifiedName: 'Shop', throughput };
  const spec = {
    ...{ wabaId: id, app: { id: '1', secret: 's' }, accessToken: `t${id}`, phoneNumbers: [number] },
    templates: [
      { name: 'hi', language: 'tr', category: 'UTILITY', components: [{ type: 'BODY', text: 'Merhaba' }] },
      { name: 'offer', language: 'tr', category: 'MARKETING', components: [{ type: 'BODY', text: 'Ucuz' }] },
    ],
  };
  assert.equal((await bed.call('POST', '/control/accounts', { ...spec, ...more })).status, 200);
}
const sendFrom = (account: string, to: string, name = 'hi') =>
  bed.call(
    'POST',
    `/v25.0/${account}1/messages`,
    {
      ...{ messaging_product: 'whatsapp', to, type: 'template' },
      template: { name, language: { code: 'tr' } },
    },
    { authorization: `Bearer t${account}` },
  );

test('throughput: one too many in a second is refused, and does not count against the next', async () => {
  await newAccount('300', {}, 'NOT_APPLICABLE');
  await newAccount('301');
  for (let at = 0; at < 20; at += 1)
    assert.equal((await sendFrom('300', `9050000000${10 + at}`)).status, 200);
  nowMs += 999;
  const refused = await sendFrom('300', '905000000100');
  assert.equal(refused.status, 400);
  assert.equal(refused.json.error.message, '(#130429) Rate limit hit');
  assert.equal(refused.json.error.error_data.details, 'Cloud API message throughput has been reached.');
  assert.equal((await sendFrom('301', '905000000100')).status, 200, 'another number');
  nowMs += 1;
  assert.equal((await sendFrom('300', '905000000100')).status, 200);
  assert.deepEqual(await limitedOf('3001'), { throughput: 1 });
  await enforce({ throughput: false });
  for (let at = 0; at < 21; at += 1)
    assert.equal((await sendFrom('300', `9050000001${10 + at}`)).status, 200);
});

test('pair: past the burst that recipient has to wait, others do not', async () => {
  await bed.settings({ pairBurst: 3 });
  for (let count = 0; count < 3; count += 1) assert.equal((await bed.send(utility)).status, 200);
  const refused = await bed.send(utility);
  assert.equal(refused.status, 400);
  assert.equal(
    refused.json.error.message,
    '(#131056) (Business Account, Consumer Account) pair rate limit hit',
  );
  assert.equal((await bed.send({ ...utility, to: '905001112233' })).status, 200);
  nowMs += 17_999;
  assert.equal(outcome(await bed.send(utility)), 131056);
  nowMs += 1;
  assert.equal((await bed.send(utility)).status, 200);
  assert.deepEqual(await limitedOf(), { pair: 2 });
  await enforce({ pair: false });
  for (let count = 0; count < 4; count += 1) assert.equal((await bed.send(utility)).status, 200);
});

test('window: closed, a free-form message is accepted and fails; what a phone writes opens it for a day', async () => {
  assert.equal(await failureOf(await bed.send(text)), 131047);
  assert.equal(await failureOf(await bed.send(utility)), undefined);
  await bed.write({ text: 'Hi' });
  assert.equal(await failureOf(await bed.send(text)), undefined);
  nowMs += 24 * hourMs - 1;
  assert.equal(await failureOf(await bed.send(text)), undefined);
  nowMs += 1;
  assert.equal(await failureOf(await bed.send(text)), 131047);
  assert.deepEqual(await limitedOf(), { window: 2 });
  await enforce({ window: false });
  assert.equal(await failureOf(await bed.send(text)), undefined);
});

test("window: open for every name of who wrote, from Meta's time of the message, at that number only", async () => {
  await newAccount('310');
  await bed.call('PUT', '/control/phones/905321112233', { wa_id: '905321112234' });
  await bed.write({ text: 'Hi' });
  await bed.receiver.until(() => bed.receiver.updates().some(({ kind }) => kind === 'messages'));
  const [incoming] = bed.receiver.updates().filter(({ kind }) => kind === 'messages');
  const recipient = incoming?.item.from_user_id;
  assert.equal(await failureOf(await bed.send({ ...text, to: '905321112234' })), undefined);
  assert.equal(await failureOf(await bed.send({ ...text, to: undefined, recipient })), undefined);
  const yesterday = String(Math.floor((nowMs - 24 * hourMs) / 1000));
  const write = '/control/phones/905001112233/messages';
  await bed.call('POST', write, { phone_number_id: phoneId, text: 'Late', timestamp: yesterday });
  assert.equal(await failureOf(await bed.send({ ...text, to: '905001112233' })), 131047);
  await bed.call('POST', write, { phone_number_id: '3101', text: 'To another' });
  assert.equal(await failureOf(await bed.send({ ...text, to: '905001112233' })), 131047);
  await bed.call('POST', write, { phone_number_id: phoneId, type: 'system', system: { body: 'moved' } });
  assert.equal(await failureOf(await bed.send({ ...text, to: '905001112233' })), 131047);
});

test('portfolio: so many new users in a moving day, of all its accounts; replies go on', async () => {
  const limits = { portfolio: 'p', messagingLimit: 'TIER_50' };
  await newAccount('320', limits);
  await newAccount('321', limits);
  for (let at = 0; at < 50; at += 1) {
    nowMs += 1000;
    assert.equal((await sendFrom(at % 2 ? '320' : '321', `9050000000${10 + at}`)).status, 200);
  }
  const refused = await sendFrom('320', '905000000100');
  assert.deepEqual([refused.status, refused.json.error.code], [400, 131048]);
  nowMs += 6_000;
  assert.equal((await sendFrom('320', '905000000010')).status, 200, 'no new user');
  await bed.call('POST', '/control/phones/905000000101/messages', { phone_number_id: '3201', text: 'Hi' });
  assert.equal((await sendFrom('320', '905000000101')).status, 200, 'a reply');
  await bed.settings({ spamAs: 'failed' });
  const accepted = await sendFrom('320', '905000000100');
  assert.equal(accepted.status, 200);
  assert.ok(await bed.idle());
  const wamid = accepted.json.messages[0].id;
  assert.equal((await bed.call('GET', `/control/received/${wamid}`)).json.statuses[0].status, 'failed');
  nowMs += 24 * hourMs;
  await bed.settings({ spamAs: 'error' });
  assert.equal((await sendFrom('320', '905000000100')).status, 200);
  assert.deepEqual(await limitedOf('3201'), { portfolio: 2 });
  const { json } = await bed.call(
    'GET',
    '/v25.0/3201?fields=whatsapp_business_manager_messaging_limit',
    undefined,
    { authorization: 'Bearer t320' },
  );
  assert.equal(json.whatsapp_business_manager_messaging_limit, 'TIER_50');
});

test('portfolio: who cannot be reached does not count', async () => {
  await newAccount('330', { messagingLimit: 'TIER_50' });
  await bed.settings({ unknown: ['9059*'] });
  for (let at = 0; at < 60; at += 1)
    assert.equal((await sendFrom('330', `9059000000${10 + at}`)).status, 200);
  assert.equal((await sendFrom('330', '905000000100')).status, 200);
  assert.deepEqual(await limitedOf('3301'), { unknown: 60 });
});

test('marketing: a user has enough for today, of all businesses; utility and replies go on', async () => {
  await newAccount('340');
  await bed.settings({ marketingPerDay: 2 });
  nowMs = Math.ceil(nowMs / (24 * hourMs)) * 24 * hourMs;
  assert.equal((await sendFrom('340', '905321112233', 'offer')).status, 200);
  assert.equal(await failureOf(await bed.send(marketing)), undefined);
  assert.equal(await failureOf(await bed.send(marketing)), 131049);
  assert.equal(await failureOf(await bed.send(utility)), undefined);
  assert.equal(await failureOf(await bed.send({ ...marketing, to: '905001112233' })), undefined);
  await bed.write({ text: 'Hi' });
  assert.equal(await failureOf(await bed.send(marketing)), undefined);
  nowMs += 24 * hourMs;
  assert.equal(await failureOf(await bed.send(marketing)), undefined);
  assert.deepEqual(await limitedOf(), { marketing: 1 });
});

test('unknown: by range and by share, as the phone itself tells', async () => {
  await bed.settings({ unknown: ['99955*'], unknownShare: 0.5 });
  assert.equal(await failureOf(await bed.send({ ...utility, to: '999550000001' })), 131026);
  for (let at = 0; at < 20; at += 1) {
    const to = String(905_000_000_000 + at);
    const { on_whatsapp: isOn } = (await bed.call('GET', `/control/phones/${to}`)).json;
    assert.equal(await failureOf(await bed.send({ ...utility, to })), isOn ? undefined : 131026);
  }
  const { unknown = 0 } = await limitedOf();
  assert.ok(unknown > 2 && unknown < 20, `${unknown} of 20`);
});

test('spam: what the business starts is refused, replies pass, until it is over', async () => {
  const path = `/control/numbers/${phoneId}`;
  assert.deepEqual((await bed.call('PUT', path, { spam: true })).json, { id: phoneId, spam: true });
  assert.equal(outcome(await bed.send(utility)), 131048);
  assert.equal(outcome(await bed.send(text)), 131048);
  await bed.write({ text: 'Hi' });
  assert.equal(outcome(await bed.send(text)), 'ok');
  await bed.call('PUT', path, { spam: false });
  assert.equal(outcome(await bed.send({ ...utility, to: '905001112233' })), 'ok');
  await bed.call('PUT', path, { spam: true, forMs: 60_000 });
  await bed.settings({ spamAs: 'failed' });
  assert.equal(await failureOf(await bed.send({ ...utility, to: '905001112233' })), 131048);
  nowMs += 60_000;
  assert.equal(await failureOf(await bed.send({ ...utility, to: '905001112233' })), undefined);
  assert.deepEqual(await limitedOf(), { spam: 3 });
  assert.equal((await bed.call('PUT', path, { spam: 'yes' })).status, 400);
  assert.equal((await bed.call('PUT', '/control/numbers/1', { spam: true })).status, 404);
});

test('limits of one account are its own', async () => {
  await bed.call('PUT', `/control/settings?waba_id=${wabaId}`, { enforce: { window: false } });
  assert.equal(await failureOf(await bed.send(text)), undefined);
  const { enforce: general } = (await bed.call('GET', '/control/settings')).json;
  assert.equal(general.window, true);
  const refused = await bed.settings({ enforce: { windows: false } });
  assert.deepEqual([refused.status, refused.json], [400, { error: 'there is no limit windows' }]);
  assert.equal((await bed.settings({ unknown: ['1*2'] })).status, 400);
  assert.equal((await bed.settings({ unknownShare: 2 })).status, 400);
  const account = { wabaId: '1', app: { id: '1', secret: 's' }, accessToken: 't', phoneNumbers: [] };
  const odd = await bed.call('POST', '/control/accounts', { ...account, messagingLimit: 'TIER_7' });
  assert.match(odd.json.error, /^messagingLimit must be one of TIER_50, /);
});

test('the summary tells recipients, repeated content, and each second', async () => {
  const at = Math.floor(nowMs / 1000) + 10;
  nowMs = at * 1000;
  for (const to of ['905000000001', '905000000002', '905000000002'])
    await bed.send({ ...utility, to, biz_opaque_callback_data: `one of ${nowMs++}` });
  nowMs += 1000;
  await bed.send({ ...text, to: '905000000001' });
  await bed.send({ ...text, to: 'nobody' });
  const { json } = await bed.call('GET', '/control/summary?seconds=10');
  assert.deepEqual([json.repeated, json.repeatedTo, json.doubled], [1, ['905000000002'], 0]);
  assert.equal(json.phoneNumbers[phoneId].recipients, 2);
  assert.deepEqual(json.phoneNumbers[phoneId].seconds, [
    { second: at, arrived: 3, accepted: 3, limited: 0 },
    { second: at + 1, arrived: 2, accepted: 1, limited: 1 },
  ]);
  const latest = (await bed.call('GET', '/control/summary?seconds=1')).json.phoneNumbers[phoneId];
  assert.deepEqual([latest.seconds.length, latest.seconds[0].second], [1, at + 1]);
});
