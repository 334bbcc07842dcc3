/** The field `messages` and what is told of people (cloud-api.md §7.3, §7.4): every kind of item, read, kept once and told once. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { newId } from '../../gateway/canonical/ids.ts';
import type { JsonObject } from '../../gateway/canonical/json.ts';
import { findMessage } from '../../gateway/messages/lookup.ts';
import { insertMessages } from '../../gateway/messages/queue.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';
import { newMessage } from '../harness/new-message.ts';
import { openReceiver } from '../harness/receiver.ts';

const start = 1_790_000_000;
const tenantId = 'tenant-a';
const wabaId = '900';
const metadata = { display_phone_number: '15550000007', phone_number_id: '17' };
const number = { id: 7, phoneNumberId: '17', displayNumber: '15550000007', wabaId };
const person = '905321234567';

onEachEngine((_engine, open) => {
  let db: TestDatabase;
  let bed: ReturnType<typeof openReceiver>;
  const clock = { now: 0 };

  beforeEach(async () => {
    clock.now = (start + 60) * 1000;
    db = await open();
    bed = openReceiver(db.database, clock);
    const shared = { tenantId, wabaId, appSecret: 's' };
    await bed.connect({ ...shared, id: 7, phoneNumberId: '17', displayNumber: '15550000007' });
    await bed.connect({ ...shared, id: 8, phoneNumberId: '18', displayNumber: '15550000008' });
  });
  afterEach(async () => {
    await bed.close();
    await db.close();
  });

  const change = (value: JsonObject, field = 'messages') => ({
    field,
    value: { messaging_product: 'whatsapp', metadata, ...value },
  });
  const post = (value: JsonObject, field = 'messages', time?: number) => {
    const entry = { id: wabaId, ...(time === undefined ? {} : { time }), changes: [change(value, field)] };
    return bed.post({ object: 'whatsapp_business_account', entry: [entry] }, 's');
  };
  const drafts = () => bed.told().map(({ draft }) => draft);
  const text = (more: JsonObject = {}): JsonObject => ({
    ...{ from: person, id: `wamid.${newId()}`, timestamp: String(start), type: 'text', text: { body: 'Hi' } },
    ...more,
  });
  const sent = async (overrides: Parameters<typeof newMessage>[0] = {}) => {
    const message = newMessage({ tenantId, status: 'queued', ...overrides });
    await db.database.transact(tx => insertMessages(tx, tenantId, [{ message, claim: null }]));
    return message;
  };
  const statusOf = async (id: string) => (await findMessage(db.database, tenantId, id))?.status;

  test('a message is told whole, with its own contact only, and once', async () => {
    const contacts: JsonObject[] = [
      { profile: { name: 'Somebody' }, wa_id: '1' },
      {
        profile: { name: 'Ayşe', username: 'ayse' },
        wa_id: person,
        user_id: 'TR.1',
        parent_user_id: 'TR.ENT.1',
      },
    ];
    const message = text({ from_user_id: 'TR.1', text: { body: 'çok güzel 👍' } });
    const value = { contacts, messages: [message, message] };
    for (let i = 0; i < 2; i++) assert.equal(await post(value), 'committed');
    const told = drafts();
    assert.deepEqual(told, [
      {
        type: 'message.received',
        at: start * 1000,
        numberId: 7,
        person,
        messageId: null,
        data: {
          message: {
            ...{ id: message.id, type: 'text', from: person, names: [person, 'TR.1'], name: 'Ayşe' },
            ...{ at: new Date(start * 1000).toISOString(), content: message, inReplyTo: null },
          },
          number,
          contact: contacts[1],
        },
        meta: {
          ...{ wabaId, time: null, field: 'messages' },
          value: { messaging_product: 'whatsapp', metadata, contacts: [contacts[1]], messages: [message] },
        },
      },
    ]);
  });

  test('an answer and a reaction name the message of ours', async () => {
    const message = await sent({ wamid: 'wamid.ours', callbackData: '{"a":1}', campaign: 'spring' });
    await post({
      messages: [
        text({ context: { from: '15550000007', id: 'wamid.ours' } }),
        text({ type: 'reaction', reaction: { message_id: 'wamid.ours', emoji: '👍' } }),
        text({ context: { from: '15550000007', id: 'wamid.unknown' } }),
        text({ context: { forwarded: true } }),
      ],
    });
    const inReplyTo = {
      ...{ id: message.id, wamid: 'wamid.ours', dialect: message.dialect },
      ...{ callbackData: '{"a":1}', campaign: 'spring' },
    };
    assert.deepEqual(
      drafts().map(({ data }) => (data.message as JsonObject).inReplyTo),
      [inReplyTo, inReplyTo, null, null],
    );
  });

  test('every type is received under its own name, and whoever it is from', async () => {
    const sample: [type: string, JsonObject][] = [
      ['image', { image: { id: '1', mime_type: 'image/jpeg', sha256: 'x', url: 'https://x' } }],
      ['audio', { audio: { id: '1', mime_type: 'audio/ogg', voice: true } }],
      ['sticker', { sticker: { id: '1', animated: false } }],
      ['contacts', { contacts: [{ name: { formatted_name: 'A' }, origin: 'other', vcard: 'BEGIN' }] }],
      [
        'interactive',
        { interactive: { type: 'nfm_reply', nfm_reply: { name: 'flow', response_json: '{}' } } },
      ],
      ['unsupported', { errors: [{ code: 131051 }], unsupported: { type: 'poll_creation' } }],
      ['edit', { edit: { original_message_id: 'wamid.0', message: { type: 'text', text: { body: 'x' } } } }],
      ['revoke', { revoke: { original_message_id: 'wamid.0' } }],
      ['type_of_the_future', { type_of_the_future: { a: [1, null, { b: true }] } }],
    ];
    await post({ messages: sample.map(([type, more]) => text({ ...more, type })) });
    await post({
      messages: [text({ type: null }), { ...text(), from: undefined as never, from_user_id: 'TR.2' }],
    });
    await post({ messages: [{ id: 'wamid.nobody', type: 'text' }], contacts: [{ user_id: 'TR.3' }] });
    await post({ messages: [text({ group_id: 'g1', type: 'text' })] });
    const told = drafts();
    assert.deepEqual([...new Set(told.map(({ type }) => type))], ['message.received']);
    assert.deepEqual(
      told.map(({ data }) => (data.message as JsonObject).type),
      [...sample.map(([type]) => type), 'unknown', 'text', 'text', 'text'],
    );
    assert.deepEqual(
      told.slice(-3).map(one => one.person),
      ['TR.2', 'TR.3', person],
    );
  });

  test('a change of an earlier message opens no window', async () => {
    for (const type of ['edit', 'revoke', 'system'])
      await post({ messages: [text({ type, from: `90${type.length}` })] });
    const windows = await db.database.all('select recipient from windows where tenant_id = $1', [tenantId]);
    assert.deepEqual(windows, []);
  });

  test('a new number or user id is told once, with what it was before', async () => {
    const system = { type: 'user_changed_number', body: 'User A changed', wa_id: '905329999999' };
    const value = { messages: [text({ type: 'system', system, from_user_id: 'TR.1' })] };
    for (let i = 0; i < 2; i++) await post(value);
    await post({
      messages: [
        text({
          ...{ type: 'system', from_user_id: 'TR.1' },
          system: { type: 'user_changed_user_id', user_id: 'TR.9' },
        }),
      ],
    });
    const item = { wa_id: person, user_id: { previous: 'TR.1', current: 'TR.2' }, timestamp: start };
    for (let i = 0; i < 2; i++) await post({ user_id_update: [item] }, 'user_id_update', start);
    const told = drafts();
    assert.deepEqual(
      told.map(({ type }) => type),
      ['message.received', 'recipient.changed', 'message.received', 'recipient.changed', 'recipient.changed'],
    );
    assert.deepEqual(
      told.filter(({ type }) => type === 'recipient.changed').map(({ data, meta }) => [data, meta?.field]),
      [
        [
          {
            recipient: '905329999999',
            names: ['905329999999', person, 'TR.1'],
            ...{ previous: person, current: '905329999999' },
          },
          undefined,
        ],
        [
          { recipient: 'TR.9', names: ['TR.9', person, 'TR.1'], previous: 'TR.1', current: 'TR.9' },
          undefined,
        ],
        [
          { recipient: 'TR.2', names: ['TR.2', person, 'TR.1'], previous: 'TR.1', current: 'TR.2' },
          'user_id_update',
        ],
      ],
    );
  });

  test('wishes: by word, by WhatsApp, by a send that Meta refused; each told once', async () => {
    const stop = { messages: [text({ from: '1', text: { body: 'STOP' } })] };
    for (let i = 0; i < 2; i++) await post(stop);
    const item = { wa_id: '2', user_id: 'TR.2', category: 'marketing_messages', timestamp: start };
    const preference = (value: string, timestamp = start) => ({
      user_preferences: [{ ...item, value, timestamp }],
    });
    for (let i = 0; i < 2; i++) await post(preference('stop'), 'user_preferences', start);
    await post(preference('resume', start + 1), 'user_preferences', start + 1);
    const message = await sent({ recipient: '3' });
    const status = {
      ...{ id: 'wamid.3', status: 'failed', timestamp: String(start), recipient_id: '3' },
      ...{ biz_opaque_callback_data: message.id, errors: [{ code: 131050, title: 'x' }] },
    };
    for (let i = 0; i < 2; i++) await post({ statuses: [status, { ...status, id: 'wamid.4' }] });
    // Taken back, and then the failure comes once more: nobody asked again.
    await post({ messages: [text({ from: '3', timestamp: String(start + 5), text: { body: 'START' } })] });
    await post({ statuses: [status] });
    assert.deepEqual(
      drafts()
        .filter(({ type }) => type.startsWith('recipient.'))
        .map(({ type, data, meta }) => [type, data.recipient, data.source, meta?.field]),
      [
        ['recipient.opted_out', '1', 'message', undefined],
        ['recipient.opted_out', '2', 'meta', 'user_preferences'],
        ['recipient.opted_in', '2', 'meta', 'user_preferences'],
        ['recipient.opted_out', '3', 'meta', undefined],
        ['recipient.opted_in', '3', 'message', undefined],
      ],
    );
  });

  test("Meta's own errors, and what has no name here, each as one item", async () => {
    const error = { code: 131000, title: 'Something went wrong', error_data: { details: 'x' } };
    await post({ errors: [error], future: { a: 1 }, statuses: 'no list' }, 'messages', start);
    await post({ errors: [error] }, 'messages', start);
    // The same trouble, an hour later.
    await post({ errors: [error] }, 'messages', start + 3600);
    await post({ groups: [{ group_id: 'g' }] }, 'group_lifecycle_update');
    await post({ statuses: [{ id: 'wamid.1', status: 'teleported' }, null, 7] });
    const whose = { messaging_product: 'whatsapp', metadata };
    assert.deepEqual(
      drafts().map(({ type, numberId, data, meta }) => [type, numberId, data, meta?.value]),
      [
        ['meta.error', 7, { number, error }, { ...whose, errors: [error] }],
        [
          'meta.change',
          7,
          { field: 'messages', value: { future: { a: 1 }, statuses: 'no list' } },
          { ...whose, future: { a: 1 }, statuses: 'no list' },
        ],
        ['meta.error', 7, { number, error }, { ...whose, errors: [error] }],
        [
          'meta.change',
          7,
          { field: 'group_lifecycle_update', value: { ...whose, groups: [{ group_id: 'g' }] } },
          { ...whose, groups: [{ group_id: 'g' }] },
        ],
        ...[{ id: 'wamid.1', status: 'teleported' }, null, 7].map(item => [
          'meta.change',
          7,
          { field: 'messages', value: item },
          { ...whose, statuses: [item] },
        ]),
      ],
    );
  });

  test('a status of a group is about the message, not about one who is in it', async () => {
    const message = await sent({ recipientKind: 'group', recipient: 'g1' });
    const participant = { profile: { name: 'A' }, wa_id: '905320000001', user_id: 'TR.1' };
    await post({
      contacts: [participant],
      statuses: [
        {
          ...{ id: 'wamid.g', status: 'read', timestamp: String(start), recipient_id: 'g1' },
          ...{ recipient_type: 'group', recipient_participant_id: '905320000001' },
          biz_opaque_callback_data: message.id,
        },
      ],
    });
    const row = await findMessage(db.database, tenantId, message.id);
    assert.deepEqual([row?.status, row?.waId], ['read', null]);
  });

  test('what no database takes is made fit for one, and costs the others nothing', async () => {
    const message = await sent();
    const good = { id: 'wamid.good', status: 'delivered', timestamp: String(start), recipient_id: person };
    const bad = 'a\0b\ud800';
    await post({
      statuses: [
        { id: `wamid.${bad}`, status: 'sent', timestamp: '1e300', recipient_id: bad, recipient_user_id: bad },
        { id: 'wamid.9', status: 'failed', timestamp: '99999999999999', errors: [{ code: 'x', title: bad }] },
        { ...good, biz_opaque_callback_data: message.id },
      ],
      contacts: [{ wa_id: bad }],
      messages: [text({ from: bad, timestamp: 1e300, type: bad, context: { id: bad } }), text()],
      [bad]: bad,
    });
    assert.equal(await statusOf(message.id), 'delivered');
    assert.deepEqual(
      drafts().map(({ type }) => type),
      ['message.received', 'message.received', 'meta.change'],
    );
    const odd = { metadata: { phone_number_id: bad }, messages: [text()] };
    await bed.post({ entry: [{ id: bad, changes: [{ field: 'messages', value: odd }] }] }, 's');
    await post({ messages: [text()] });
    assert.equal(drafts().length, 1);
  });

  test('garbage of any shape among good items never costs one of them', async () => {
    const junk = fc.jsonValue({ maxDepth: 4 });
    const member = fc.constantFrom(
      ...[
        'statuses',
        'messages',
        'errors',
        'contacts',
        'metadata',
        'calls',
        'user_preferences',
        'user_id_update',
      ],
    );
    const field = fc.constantFrom(
      ...[
        'messages',
        'calls',
        'user_preferences',
        'user_id_update',
        'message_template_status_update',
        'security',
      ],
      ...['account_update', 'phone_number_quality_update', 'business_capability_update', 'x'],
    );
    const oddItem = fc.oneof(
      junk,
      fc.record(
        {
          id: junk,
          status: fc.constantFrom('sent', 'failed', 7, null),
          ...{ timestamp: junk, from: junk, type: junk, errors: junk, pricing: junk, conversation: junk },
          ...{ context: junk, text: junk, interactive: junk, button: junk, system: junk, recipient_id: junk },
        },
        { requiredKeys: [] },
      ),
    );
    const oddValue = fc.oneof(
      junk,
      fc.dictionary(fc.oneof(member, fc.string()), fc.oneof(junk, fc.array(oddItem, { maxLength: 3 }))),
    );
    const oddChange = fc.oneof(junk, fc.record({ field, value: oddValue }, { requiredKeys: [] }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(junk, fc.record({ id: junk, time: junk, changes: fc.array(oddChange, { maxLength: 3 }) })),
          {
            maxLength: 3,
          },
        ),
        fc.array(oddItem, { maxLength: 4 }),
        fc.array(oddChange, { maxLength: 3 }),
        fc.nat(4),
        async (entries, odd, changes, position) => {
          const message = await sent();
          const incoming = text();
          const among = (item: unknown) => [...odd.slice(0, position), item, ...odd.slice(position)];
          const good = {
            field: 'messages',
            value: {
              metadata,
              statuses: among({
                ...{ id: `wamid.${message.id}`, status: 'delivered', timestamp: String(start) },
                biz_opaque_callback_data: message.id,
              }),
              messages: among(incoming),
              errors: odd,
            },
          };
          const entry = [...entries, { id: wabaId, changes: [...changes, good] }];
          assert.equal(await bed.post({ entry }, 's'), 'committed');
          assert.equal(await statusOf(message.id), 'delivered');
          const ids = drafts().map(({ data }) => (data.message as JsonObject | undefined)?.id);
          assert.equal(ids.filter(id => id === incoming.id).length, 1);
        },
      ),
      { numRuns: 60 },
    );
  });
});
