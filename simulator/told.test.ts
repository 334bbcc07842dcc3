import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { createTestbed, phoneId, wabaId } from './testbed.ts';

let bed: Awaited<ReturnType<typeof createTestbed>>;
before(async () => {
  bed = await createTestbed();
});
beforeEach(async () => {
  await bed.reset();
  await bed.subscribe();
});
after(() => bed.close());

type Entry = { id: string; time?: number; changes: { field: string; value: Record<string, unknown> }[] };
const entries = (): Entry[] =>
  bed.receiver.hooks().flatMap(({ body }) => (JSON.parse(body) as { entry: Entry[] }).entry);
const account = `/control/accounts/${wabaId}`;

test('any field, with the time of its entry, of the account or of one number', async () => {
  const before = Math.floor(Date.now() / 1000);
  const change = (body: Record<string, unknown>) => bed.call('POST', `${account}/changes`, body);
  assert.equal((await change({ field: 'account_update', value: { event: 'X' } })).status, 200);
  await change({ field: 'security', value: { event: 'Y' }, time: 5 });
  await change({ field: 'messages', value: { errors: [{ code: 1 }] }, time: null, phone_number_id: phoneId });
  await bed.receiver.until(() => entries().length === 3);
  const told = entries();
  const of = (field: string) => told.find(({ changes }) => changes[0]?.field === field);
  assert.ok((of('account_update')?.time ?? 0) >= before);
  assert.equal(of('security')?.time, 5);
  assert.deepEqual(of('messages'), {
    id: wabaId,
    changes: [
      {
        field: 'messages',
        value: {
          messaging_product: 'whatsapp',
          metadata: { display_phone_number: '15550783881', phone_number_id: phoneId },
          errors: [{ code: 1 }],
        },
      },
    ],
  });
  assert.equal((await change({ field: 'x' })).status, 400);
  assert.equal((await change({ field: 'x', value: {}, phone_number_id: '1' })).status, 404);
});

test('what shares a POST with statuses has an entry of its own', async () => {
  await bed.settings({ paused: true, batch: 10 });
  await bed.write({ text: 'a' });
  await bed.write({ text: 'b' });
  await bed.call('POST', `${account}/changes`, { field: 'account_update', value: { event: 'X' } });
  await bed.settings({ paused: false });
  await bed.receiver.until(() => entries().length === 2);
  assert.equal(bed.receiver.hooks().length, 1);
  assert.deepEqual(
    entries().map(({ time, changes }) => [time === undefined, changes.map(({ field }) => field)]),
    [
      [false, ['account_update']],
      [true, ['messages']],
    ],
  );
});

test('a template that changes is told, listed so, and sent or refused accordingly', async () => {
  const { status } = await bed.call('PATCH', `${account}/templates/hello_world/en_US`, {
    ...{ status: 'PAUSED', quality: 'RED', category: 'MARKETING' },
  });
  assert.equal(status, 200);
  await bed.receiver.until(() => entries().length === 3);
  assert.deepEqual(
    entries()
      .map(({ changes }) => changes[0]?.field)
      .sort(),
    ['message_template_quality_update', 'message_template_status_update', 'template_category_update'],
  );
  const listed = await bed.call(
    'GET',
    `/v25.0/${wabaId}/message_templates?name=hello_world&fields=status,category,quality_score`,
  );
  assert.deepEqual(
    [listed.json.data[0].status, listed.json.data[0].category, listed.json.data[0].quality_score.score],
    ['PAUSED', 'MARKETING', 'RED'],
  );
  const template = { name: 'hello_world', language: { code: 'en_US' } };
  assert.equal((await bed.send({ type: 'template', template })).json.error.code, 132015);
  assert.equal((await bed.call('PATCH', `${account}/templates/none/en`, {})).status, 404);
});

test('a status out of the ordinary, with more or less in it than usual', async () => {
  await bed.settings({ delays: { sent: null, delivered: null, read: null } });
  const { json } = await bed.send({ type: 'text', text: { body: 'a' }, biz_opaque_callback_data: 'x' });
  const wamid = json.messages[0].id as string;
  const tell = (body: Record<string, unknown>) =>
    bed.call('POST', `/control/received/${encodeURIComponent(wamid)}/statuses`, body);
  await tell({ status: 'played', recipient_id: null, conversation: { id: 'c' }, contact: null });
  await bed.receiver.until(() => bed.receiver.updates().length === 1);
  const [{ item, value } = { item: {}, value: {} }] = bed.receiver.updates();
  assert.deepEqual(
    [item.id, item.status, 'recipient_id' in item, item.conversation, item.biz_opaque_callback_data],
    [wamid, 'played', false, { id: 'c' }, 'x'],
  );
  assert.equal('contacts' in value, false);
  assert.equal((await tell({})).status, 400);
});

test('a person with a username and no number to be seen', async () => {
  await bed.write({ text: 'a', hide_number: true, username: 'ada', parent_user_id: 'TR.ENT.1' });
  await bed.receiver.until(() => bed.receiver.updates().length === 1);
  const [{ item, value } = { item: {}, value: {} }] = bed.receiver.updates();
  assert.deepEqual([item.from, item.from_parent_user_id], [undefined, 'TR.ENT.1']);
  const [contact] = value.contacts;
  assert.deepEqual(
    [contact.wa_id, contact.profile.username, contact.user_id === item.from_user_id],
    [undefined, 'ada', true],
  );
});
