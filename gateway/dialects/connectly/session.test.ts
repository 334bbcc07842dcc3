import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Content } from '../../canonical/content.ts';
import type { Json, JsonObject } from '../../canonical/json.ts';
import { checkContent } from '../../canonical/limits.ts';
import { isRefusal } from '../../canonical/refusal.ts';
import { isTemplateNeed, type SendCommand } from '../dialect.ts';
import { codeOfIssue } from './codes.ts';
import { connectly } from './connectly.ts';

const [session, templated] = connectly.doors;

function read(body: Json | undefined, door = session!) {
  return door.read({ ip: '127.0.0.1', params: { businessId: 'b-1' }, query: {}, headers: {}, body });
}

const recipient = { id: '+16044441111', channelType: 'whatsapp' };

function command(body: JsonObject): SendCommand {
  const outcome = read({ recipient, ...body });
  assert.ok(!isRefusal(outcome) && outcome.kind === 'send', JSON.stringify(outcome));
  return outcome;
}

function content(message: JsonObject): Content {
  const { content } = command({ message });
  assert.ok(!isRefusal(content) && !isTemplateNeed(content));
  return content;
}

/** `path rule → code` of the first issue. */
function refused(body: Json | undefined, door = session!): string {
  const refusal = read(body, door);
  assert.ok(isRefusal(refusal) && refusal.code === 'field_invalid', JSON.stringify(refusal));
  const [issue] = refusal.issues;
  return `${issue.path} ${issue.rule} → ${codeOfIssue(issue).replace('ERROR_CODE_', '')}`;
}

test('a session message is read around its content', () => {
  const sent = command({
    sender: { id: '+1 (415) 111-1234', channelType: 'whatsapp' },
    message: { id: '01FPW47QF69Y5JZH24605VAKQB', isEcho: true, text: 'Hello!' },
    campaignName: 'test_campaign_2022-03-12',
    callbackData: { order_id: [1, null] },
    surprise: true,
  });
  assert.deepEqual(sent, {
    kind: 'send',
    number: { by: 'displayNumber', digits: '14151111234', path: 'sender.id' },
    tenant: 'b-1',
    recipients: [{ kind: 'phone', digits: '16044441111', to: '+16044441111' }],
    tags: [],
    content: { type: 'text', text: { body: 'Hello!' } },
    endpoint: 'messages',
    fake: false,
    wait: 'commit',
    callbackData: '{"order_id":[1,null]}',
    campaign: 'test_campaign_2022-03-12',
    sendAt: null,
    ttlMs: null,
    fallback: null,
  });
});

test('sender and recipient in every form the pages show', () => {
  const message = { text: 'x' };
  const user = { kind: 'user', id: 'US.13491208655302741918' };
  assert.deepEqual(command({ message }).number, { by: 'only' });
  assert.deepEqual(command({ message, sender: '' }).number, { by: 'only' });
  assert.deepEqual(command({ message, sender: {} }).number, { by: 'only' });
  assert.deepEqual(command({ message, sender: '+14151111234' }).number, {
    by: 'displayNumber',
    digits: '14151111234',
    path: 'sender',
  });
  const forms: JsonObject[] = [
    { id: user.id },
    { id: `bsuid:${user.id}` },
    { userId: user.id },
    { id: '', user_id: user.id },
  ];
  for (const form of forms) {
    assert.deepEqual(command({ message, recipient: { channelType: 'whatsapp', ...form } }).recipients, [
      user,
    ]);
  }
  const loose = command({ message, recipient: { id: '+1(604) 585 2331', channel_type: 'whatsapp' } });
  assert.deepEqual(loose.recipients, [{ kind: 'phone', digits: '16045852331', to: '+16045852331' }]);
});

const url = 'https://cdn.connectly.ai/26fa/26fa1308-d328-41c9-a6a1-d5f4225a3768';
const rows = [{ id: 'r1', text: 'Row', description: 'More' }];
const rowsAtMeta = [{ id: 'r1', title: 'Row', description: 'More' }];
const reply = { type: 'reply', reply: { id: 'b1', title: 'Yes' } };

const contents: [about: string, message: JsonObject, expected: JsonObject][] = [
  [
    'text beside zero values',
    { text: 'Hi', attachments: [], location: null },
    { type: 'text', text: { body: 'Hi' } },
  ],
  [
    'image with caption',
    { attachments: [{ type: 'image', url, caption: 'Look', filename: 'x.png' }] },
    { type: 'image', image: { link: url, caption: 'Look' } },
  ],
  ['video', { attachments: [{ type: 'video', url }] }, { type: 'video', video: { link: url } }],
  [
    'audio',
    { attachments: [{ type: 'audio', url, caption: 'no' }] },
    { type: 'audio', audio: { link: url } },
  ],
  [
    'document beside an empty text',
    { text: '', attachments: [{ type: 'document', url, filename: 'a.pdf', caption: '' }] },
    { type: 'document', document: { link: url, filename: 'a.pdf' } },
  ],
  [
    'location',
    { location: { latitude: 49.28, longitude: -123.12, name: 'Office', address: '' } },
    { type: 'location', location: { latitude: 49.28, longitude: -123.12, name: 'Office' } },
  ],
  [
    'list in snake_case',
    {
      text: 'Pick',
      list_message: {
        header: { text: 'H' },
        footer: { text: 'F' },
        button: { text: 'Menu' },
        sections: [{ title: 'S', rows }],
      },
    },
    {
      type: 'interactive',
      interactive: {
        type: 'list',
        header: { type: 'text', text: 'H' },
        body: { text: 'Pick' },
        footer: { text: 'F' },
        action: { button: 'Menu', sections: [{ title: 'S', rows: rowsAtMeta }] },
      },
    },
  ],
  [
    'reply buttons under a document',
    {
      text: 'Sure?',
      replyButtonMessage: {
        header: { text: '', attachment: { type: 'document', url, filename: 'a.pdf', caption: 'dropped' } },
        footer: {},
        buttons: [{ id: 'b1', text: 'Yes' }],
      },
    },
    {
      type: 'interactive',
      interactive: {
        type: 'button',
        header: { type: 'document', document: { link: url, filename: 'a.pdf' } },
        body: { text: 'Sure?' },
        action: { buttons: [reply] },
      },
    },
  ],
  [
    'one product without a body',
    {
      singleProductMessage: {
        footer: { text: 'F' },
        catalogId: '1',
        productItem: { productRetailerId: 'p' },
      },
    },
    {
      type: 'interactive',
      interactive: {
        type: 'product',
        footer: { text: 'F' },
        action: { catalog_id: '1', product_retailer_id: 'p' },
      },
    },
  ],
  [
    'products in snake_case',
    {
      text: 'Ours',
      multi_product_message: {
        header: { text: 'H' },
        catalog_id: '1',
        sections: [{ title: 'S', product_items: [{ product_retailer_id: 'p' }] }],
      },
    },
    {
      type: 'interactive',
      interactive: {
        type: 'product_list',
        header: { type: 'text', text: 'H' },
        body: { text: 'Ours' },
        action: {
          catalog_id: '1',
          sections: [{ title: 'S', product_items: [{ product_retailer_id: 'p' }] }],
        },
      },
    },
  ],
];

for (const [about, message, expected] of contents) {
  test(`content: ${about}`, () => {
    assert.deepEqual(content(message), expected);
    assert.deepEqual(checkContent(expected as Content), []);
  });
}

const attachment = { type: 'image', url };
const message = { text: 'x' };

const refusals: [body: Json | undefined, expected: string][] = [
  [undefined, 'recipient required → UNSPECIFIED'],
  [[], 'body type → UNSPECIFIED'],
  [
    { recipient: { id: '+16044441111' }, message },
    'recipient.channelType required → BUSINESS_MISSES_MATCHING_CHANNEL',
  ],
  [
    { recipient: { ...recipient, channelType: 'sms' }, message },
    'recipient.channelType enum → BUSINESS_MISSES_MATCHING_CHANNEL',
  ],
  [{ recipient: { ...recipient, id: '' }, message }, 'recipient.id required → PHONE_NUMBER_BAD_FORMAT'],
  [{ recipient: { ...recipient, id: 'call me' }, message }, 'recipient.id format → PHONE_NUMBER_BAD_FORMAT'],
  [
    { recipient: { ...recipient, id: '+1604' }, message },
    'recipient.id length → MESSAGE_PHONE_NUMBER_INVALID',
  ],
  [
    { recipient: { ...recipient, id: '0712345678' }, message },
    'recipient.id length → MESSAGE_PHONE_NUMBER_INVALID',
  ],
  [{ sender: 'nobody', recipient, message }, 'sender format → INVALID_SENDER_ID'],
  [{ sender: { id: '1' }, recipient, message }, 'sender.id length → INVALID_SENDER_ID'],
  [{ sender: '16044441111', recipient, message }, 'recipient.id conflict → MESSAGE_SELF_INVALID'],
  [{ recipient }, 'message required → UNSPECIFIED'],
  [{ recipient, message: {} }, 'message.text required → MESSAGE_TEXT_EMPTY'],
  [{ recipient, message: { text: ' ' } }, 'message.text required → MESSAGE_TEXT_EMPTY'],
  [{ recipient, message: { listMessage: {} } }, 'message.text required → MESSAGE_TEXT_EMPTY'],
  [
    { recipient, message: { attachments: [] } },
    'message.attachments count → MESSAGE_ATTACHMENTS_NUMBER_INVALID',
  ],
  [
    { recipient, message: { attachments: [attachment, attachment] } },
    'message.attachments count → MESSAGE_ATTACHMENTS_NUMBER_INVALID',
  ],
  [{ recipient, message: { text: 'x', attachments: [attachment] } }, 'message conflict → UNSPECIFIED'],
  [
    { recipient, message: { attachments: [{ type: 'gif', url }] } },
    'message.attachments[0].type enum → UNSPECIFIED',
  ],
  [
    { recipient, message: { attachments: [{ type: 'image', url: '' }] } },
    'message.attachments[0].url required → MESSAGE_ATTACHMENT_EMPTY',
  ],
  [
    { recipient, message: { attachments: [{ type: 'image', url: 'not a url' }] } },
    'message.attachments[0].url format → MESSAGE_ATTACHMENT_INVALID',
  ],
  [
    { recipient, message: { text: 'x', replyButtonMessage: { header: { attachment: { type: 'image' } } } } },
    'message.replyButtonMessage.header.attachment.url required → MESSAGE_ATTACHMENT_EMPTY',
  ],
  [
    { recipient, message: { text: 'x', list_message: { header: { attachment } } } },
    'message.listMessage.header.attachment conflict → UNSPECIFIED',
  ],
  [{ recipient, message, callbackData: 'x'.repeat(1023) }, 'callbackData length → UNSPECIFIED'],
  [{ recipient, message, campaignName: {} }, 'campaignName type → UNSPECIFIED'],
];

for (const [body, expected] of refusals) {
  test(`refused: ${expected} for ${JSON.stringify(body)?.slice(0, 100)}`, () => {
    assert.equal(refused(body), expected);
  });
}

test('what limits find is told in our words', () => {
  const found = (said: JsonObject) => checkContent(content(said)).map(issue => session!.field(issue.path));
  assert.deepEqual(found({ text: 'x'.repeat(4097) }), ['message.text']);
  assert.deepEqual(
    found({ text: 'x', replyButtonMessage: { buttons: [{ id: 'a', text: 'x'.repeat(21) }] } }),
    ['message.replyButtonMessage.buttons[0].text'],
  );
  assert.deepEqual(found({ text: 'x', listMessage: { sections: [{ rows: [{ id: 'a' }] }] } }), [
    'message.listMessage.button.text',
    'message.listMessage.sections[0].rows[0].text',
  ]);
  assert.deepEqual(
    found({ text: 'x', multiProductMessage: { sections: [{ title: 'S', productItems: [{}] }] } }),
    [
      'message.*.header',
      'message.*.catalogId',
      'message.multiProductMessage.sections[0].productItems[0].productRetailerId',
    ],
  );
  assert.deepEqual(found({ location: { latitude: 91 } }), [
    'message.location.latitude',
    'message.location.longitude',
  ]);
});

test('whatever the body, a door answers with a command or a refusal', () => {
  const word = fc.constantFrom(
    'text',
    'attachments',
    'list_message',
    'listMessage',
    'location',
    'url',
    'type',
    'id',
  );
  const anyMessage = fc.dictionary(
    word,
    fc.oneof(fc.jsonValue(), fc.array(fc.dictionary(word, fc.jsonValue()))),
  );
  const body = fc.record({
    recipient: fc.oneof(fc.jsonValue(), fc.constant(recipient)),
    message: anyMessage,
  });
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), body), fc.constantFrom(session!, templated!), (given, door) => {
      const command = read(given as Json, door);
      if (isRefusal(command) || command.kind !== 'send' || isRefusal(command.content)) return;
      if (!isTemplateNeed(command.content)) checkContent(command.content);
    }),
  );
});
