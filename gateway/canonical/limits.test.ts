import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Content } from './content.ts';
import type { Json, JsonObject } from './json.ts';
import { checkContent } from './limits.ts';

/** What is wrong, as `path rule`. */
function wrong(content: JsonObject): string[] {
  return checkContent(content as Content).map(({ path, rule }) => `${path} ${rule}`);
}

type Case = [about: string, content: JsonObject, issues: string[]];

function table(name: string, cases: Case[]): void {
  describe(name, () => {
    for (const [about, content, issues] of cases) it(about, () => assert.deepEqual(wrong(content), issues));
  });
}

const of = (length: number) => 'x'.repeat(length);
const text = (members: Json): JsonObject => ({ type: 'text', text: members });
const image = (members: Json): JsonObject => ({ type: 'image', image: members });

table('text and media', [
  ['a text', text({ body: 'hi', preview_url: true }), []],
  ['4096 characters', text({ body: of(4096) }), []],
  ['4096 emoji are 4096 characters', text({ body: '😀'.repeat(4096) }), []],
  ['4097 characters', text({ body: of(4097) }), ['text.body length']],
  ['an empty text', text({ body: '' }), ['text.body length']],
  ['null is absent', text({ body: null }), ['text.body required']],
  ['no text object', { type: 'text' }, ['text required']],
  ['a text that is a string', text('hi'), ['text type']],
  ['a body that is an object', text({ body: {} }), ['text.body type']],
  ['preview_url in words', text({ body: 'hi', preview_url: 'maybe' }), ['text.preview_url type']],
  ['an unknown member passes', text({ body: 'hi', shiny: { new: 1 } }), []],
  ['a media id as a number', image({ id: 1234567890 }), []],
  ['a number that has lost digits is no id', image({ id: 2 ** 60 }), ['image.id type']],
  ['neither id nor link', image({}), ['image required']],
  ['both id and link', image({ id: '1', link: 'https://a.b/c.jpg' }), ['image conflict']],
  ['link null is absent', image({ id: '1', link: null }), []],
  ['a link without http', image({ link: 'ftp://a.b/c' }), ['image.link format']],
  ['a caption of 1025', image({ id: '1', caption: of(1025) }), ['image.caption length']],
  ['context', { ...text({ body: 'hi' }), context: { message_id: 'wamid.x' } }, []],
  ['context without its id', { ...text({ body: 'hi' }), context: {} }, ['context.message_id required']],
]);

const location = (members: JsonObject): JsonObject => ({ type: 'location', location: members });
const contacts = (...list: Json[]): JsonObject => ({ type: 'contacts', contacts: list });
const jo = { name: { formatted_name: 'Jo' } };

table('location, contacts, reaction', [
  ['numbers', location({ latitude: 37.7, longitude: -122.4 }), []],
  ['strings', location({ latitude: '37.7', longitude: '-122.4' }), []],
  [
    'words',
    location({ latitude: 'north', longitude: '' }),
    ['location.latitude type', 'location.longitude type'],
  ],
  ['off the globe', location({ latitude: 91, longitude: 0 }), ['location.latitude format']],
  ['no longitude', location({ latitude: 1 }), ['location.longitude required']],
  ['one contact', contacts(jo), []],
  ['none', contacts(), ['contacts count']],
  ['257', contacts(...Array.from({ length: 257 }, () => jo)), []],
  ['258', contacts(...Array.from({ length: 258 }, () => jo)), ['contacts count']],
  ['contacts that are an object', { type: 'contacts', contacts: jo }, ['contacts type']],
  ['a contact that is a string', contacts('Jo'), ['contacts[0] type']],
  ['no name', contacts({}), ['contacts[0].name required']],
  ['no formatted name', contacts({ name: {} }), ['contacts[0].name.formatted_name required']],
  ['a phone without number', contacts({ ...jo, phones: [{}] }), ['contacts[0].phones[0].phone required']],
  ['a wrong birthday', contacts({ ...jo, birthday: '1.2.2000' }), ['contacts[0].birthday format']],
  ['a reaction', { type: 'reaction', reaction: { message_id: 'wamid.x', emoji: '😀' } }, []],
  ['a reaction taken back', { type: 'reaction', reaction: { message_id: 'wamid.x', emoji: '' } }, []],
  [
    'a reaction to nothing',
    { type: 'reaction', reaction: { emoji: '😀' } },
    ['reaction.message_id required'],
  ],
]);

const interactive = (members: JsonObject): JsonObject => ({
  type: 'interactive',
  interactive: { body: { text: 'Choose' }, ...members },
});
const reply = (id: string, title: string) => ({ type: 'reply', reply: { id, title } });
const buttons = (...list: Json[]) => interactive({ type: 'button', action: { buttons: list } });
const row = (id: string) => ({ id, title: 'Title' });
const list = (...sections: Json[]) => interactive({ type: 'list', action: { button: 'Open', sections } });
const rows = (from: number, count: number) => Array.from({ length: count }, (_, at) => row(`${from + at}`));
const button0 = 'interactive.action.buttons[0]';

table('buttons and lists', [
  ['three buttons', buttons(reply('a', 'A'), reply('b', 'B'), reply('c', 'C')), []],
  [
    'four',
    buttons(reply('a', 'A'), reply('b', 'B'), reply('c', 'C'), reply('d', 'D')),
    ['interactive.action.buttons count'],
  ],
  ['none', buttons(), ['interactive.action.buttons count']],
  ['a title of 21', buttons(reply('a', of(21))), [`${button0}.reply.title length`]],
  ['an id of 257', buttons(reply(of(257), 'A')), [`${button0}.reply.id length`]],
  [
    'twin titles',
    buttons(reply('a', 'A'), reply('b', 'A')),
    ['interactive.action.buttons[1].reply.title unique'],
  ],
  ['twin ids', buttons(reply('a', 'A'), reply('a', 'B')), ['interactive.action.buttons[1].reply.id unique']],
  ['another type', buttons({ ...reply('a', 'A'), type: 'url' }), [`${button0}.type enum`]],
  ['ten rows', list({ title: 'One', rows: rows(0, 5) }, { title: 'Two', rows: rows(5, 5) }), []],
  [
    'eleven rows',
    list({ title: 'One', rows: rows(0, 6) }, { title: 'Two', rows: rows(6, 5) }),
    ['interactive.action.sections count'],
  ],
  ['one section needs no title', list({ rows: rows(0, 1) }), []],
  [
    'two sections do',
    list({ title: 'One', rows: rows(0, 1) }, { rows: rows(1, 1) }),
    ['interactive.action.sections[1].title required'],
  ],
  [
    'twin rows of two sections',
    list({ title: 'One', rows: rows(0, 1) }, { title: 'Two', rows: rows(0, 1) }),
    ['interactive.action.sections[1].rows[0].id unique'],
  ],
  [
    'a description of 73',
    list({ rows: [{ ...row('1'), description: of(73) }] }),
    ['interactive.action.sections[0].rows[0].description length'],
  ],
  [
    'list headers are text',
    interactive({
      type: 'list',
      header: { type: 'image', image: { id: '1' } },
      action: { button: 'Open', sections: [{ rows: rows(0, 1) }] },
    }),
    ['interactive.header.type enum'],
  ],
]);

const mode = (type: string, action: JsonObject, more: JsonObject = {}) =>
  interactive({ type, action, ...more });
const flow = (members: JsonObject) =>
  mode('flow', {
    name: 'flow',
    parameters: { flow_message_version: '3', flow_cta: 'Go', ...members },
  });
const card = (card_index: number, more: JsonObject = {}) => ({
  card_index,
  type: 'cta_url',
  header: { type: 'image', image: { link: 'https://a.b/c.jpg' } },
  action: { name: 'cta_url', parameters: { display_text: 'See', url: 'https://a.b' } },
  ...more,
});
const carousel = (...cards: Json[]) => mode('carousel', { cards });

table('other interactive kinds', [
  ['an unknown kind passes', { type: 'interactive', interactive: { type: 'hologram' } }, []],
  ['no kind', { type: 'interactive', interactive: {} }, ['interactive.type required']],
  [
    'a link button',
    mode('cta_url', { name: 'cta_url', parameters: { display_text: 'See', url: 'https://a.b' } }),
    [],
  ],
  [
    'a link button to nowhere',
    mode('cta_url', { name: 'cta_url', parameters: { display_text: 'See', url: 'nowhere' } }),
    ['interactive.action.parameters.url format'],
  ],
  ['a location request', mode('location_request_message', { name: 'send_location' }), []],
  [
    'a location request has no header',
    mode('location_request_message', { name: 'send_location' }, { header: { type: 'text', text: 'Hi' } }),
    ['interactive.header conflict'],
  ],
  ['a flow by id', flow({ flow_id: '1' }), []],
  ['a flow by both', flow({ flow_id: '1', flow_name: 'n' }), ['interactive.action.parameters conflict']],
  ['a flow by neither', flow({}), ['interactive.action.parameters required']],
  [
    'empty flow data',
    flow({ flow_id: '1', flow_action_payload: { screen: 'A', data: {} } }),
    ['interactive.action.parameters.flow_action_payload.data count'],
  ],
  ['two cards', carousel(card(0), card(1)), []],
  ['one card', carousel(card(0)), ['interactive.action.cards count']],
  ['twin indexes', carousel(card(0), card(0)), ['interactive.action.cards[1].card_index unique']],
  [
    'three line breaks',
    carousel(card(0), card(1, { body: { text: 'a\nb\nc\nd' } })),
    ['interactive.action.cards[1].body.text format'],
  ],
  [
    'unlike buttons',
    carousel(
      card(0),
      card(1, { action: { buttons: [{ type: 'quick_reply', quick_reply: { id: '1', title: 'A' } }] } }),
    ),
    ['interactive.action.cards[1].action conflict'],
  ],
  [
    'a product list needs a text header',
    mode('product_list', { catalog_id: '1', sections: [{ product_items: [{ product_retailer_id: 'a' }] }] }),
    ['interactive.header required'],
  ],
  [
    'a call that rings for ever',
    mode('voice_call', { name: 'voice_call', parameters: { ttl_minutes: 43201 } }),
    ['interactive.action.parameters.ttl_minutes format'],
  ],
  ['Direct Send mixes kinds', { ...mode('button', { buttons: [1, 2, 3, 4] }), category: 'utility' }, []],
]);

const template = (members: JsonObject): JsonObject => ({
  type: 'template',
  template: { name: 'n', language: { code: 'en_US' }, ...members },
});
const component = (members: JsonObject) => template({ components: [members] });
const parameter = (members: Json) => component({ type: 'body', parameters: [members] });
const parameter0 = 'template.components[0].parameters[0]';

table('templates', [
  ['no components', template({}), []],
  ['no name', { type: 'template', template: { language: { code: 'en' } } }, ['template.name required']],
  ['no language', { type: 'template', template: { name: 'n' } }, ['template.language required']],
  [
    'language as a string',
    { type: 'template', template: { name: 'n', language: 'en' } },
    ['template.language type'],
  ],
  [
    'another policy',
    template({ language: { code: 'en', policy: 'fallback' } }),
    ['template.language.policy enum'],
  ],
  ['components that are an object', template({ components: {} }), ['template.components type']],
  ['types in capitals', component({ type: 'BODY', parameters: [{ type: 'TEXT', text: 'a' }] }), []],
  ['an unknown component', component({ type: 'boddy' }), ['template.components[0].type enum']],
  ['a scalar text', parameter({ type: 'text', text: true }), []],
  ['no text', parameter({ type: 'text' }), [`${parameter0}.text required`]],
  ['a parameter that is a string', parameter('Jo'), [`${parameter0} type`]],
  ['an unknown parameter passes', parameter({ type: 'hologram' }), []],
  [
    'a currency',
    parameter({ type: 'currency', currency: { fallback_value: '$1', code: 'USD', amount_1000: 1000 } }),
    [],
  ],
  [
    'a currency by its sign',
    parameter({ type: 'currency', currency: { fallback_value: '$1', code: '$', amount_1000: 1000 } }),
    [`${parameter0}.currency.code format`],
  ],
  ['media without id or link', parameter({ type: 'image', image: {} }), [`${parameter0}.image required`]],
  ['index as a string', component({ type: 'button', sub_type: 'url', index: '0' }), []],
  [
    'index 10',
    component({ type: 'button', sub_type: 'url', index: 10 }),
    ['template.components[0].index format'],
  ],
  [
    'a bare button',
    component({ type: 'button' }),
    ['template.components[0].sub_type required', 'template.components[0].index required'],
  ],
  [
    'a coupon of 21',
    component({
      type: 'button',
      sub_type: 'copy_code',
      index: 0,
      parameters: [{ type: 'coupon_code', coupon_code: of(21) }],
    }),
    [`${parameter0}.coupon_code length`],
  ],
  [
    'one card',
    component({ type: 'carousel', cards: [{ card_index: 0 }] }),
    ['template.components[0].cards count'],
  ],
  [
    'a fault inside a card',
    component({
      type: 'carousel',
      cards: [{ card_index: 0 }, { card_index: 1, components: [{ type: 'body', parameters: [{}] }] }],
    }),
    ['template.components[0].cards[1].components[0].parameters[0].type required'],
  ],
]);

const amount = (value: number) => ({ value, offset: 100 });
const order = (total: number) =>
  mode('order_details', {
    name: 'review_and_pay',
    parameters: {
      reference_id: 'order-1',
      type: 'digital-goods',
      currency: 'BRL',
      total_amount: amount(total),
      order: {
        status: 'pending',
        items: [{ name: 'bread', amount: amount(1000), quantity: 1 }],
        subtotal: amount(1000),
        tax: amount(100),
        shipping: amount(50),
        discount: amount(150),
      },
    },
  });

table('payments', [
  ['an order that adds up', order(1000), []],
  ['one that does not', order(999), ['interactive.action.parameters.total_amount.value conflict']],
  [
    'an unknown order status',
    mode('order_status', {
      name: 'review_order',
      parameters: { reference_id: 'a', order: { status: 'eaten' } },
    }),
    ['interactive.action.parameters.order.status enum'],
  ],
]);

describe('whatever a caller writes', () => {
  const name = fc.constantFrom(
    ...['type', 'text', 'body', 'action', 'buttons', 'reply', 'sections', 'rows', 'cards', 'components'],
    ...['parameters', 'header', 'image', 'link', 'id', 'template', 'language', 'code', 'index', '__proto__'],
  );
  const word = fc.constantFrom(
    'text',
    'button',
    'list',
    'carousel',
    'flow',
    'body',
    'image',
    'order_details',
    '',
  );
  const { json } = fc.letrec<{ json: Json }>(tie => ({
    json: fc.oneof(
      { maxDepth: 6 },
      fc.oneof(word, fc.string(), fc.double(), fc.boolean(), fc.constant(null)),
      fc.array(tie('json'), { maxLength: 4 }),
      fc.dictionary(name, tie('json'), { maxKeys: 5 }) as fc.Arbitrary<Json>,
    ),
  }));
  const type = fc.constantFrom(
    'text',
    'image',
    'contacts',
    'location',
    'reaction',
    'interactive',
    'template',
  );

  it('is answered, never thrown at, and every issue names a field under the type or context', () => {
    fc.assert(
      fc.property(type, json, json, (type, body, context) => {
        for (const { path, message } of checkContent({ type, [type]: body, context } as Content)) {
          assert.match(path, new RegExp(`^(${type}|context)([.[]|$)`));
          assert.notEqual(message, '');
        }
      }),
    );
  });

  it('a deep nest is refused before it exhausts the stack', () => {
    let deep: Json = 'x';
    for (let level = 0; level < 100_000; level++) deep = [deep];
    assert.deepEqual(wrong({ type: 'text', text: { body: 'hi' }, more: deep }), ['more format']);
  });

  it('a thousand faults are told by the first fifty', () => {
    const faulty = Array.from({ length: 1000 }, () => ({ type: 'body', parameters: [{}] }));
    assert.equal(wrong(template({ components: faulty })).length, 50);
  });
});
