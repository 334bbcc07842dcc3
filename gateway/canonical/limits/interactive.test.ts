import type { Json, JsonObject } from '../json.ts';
import { of, table } from './test-table.ts';

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
