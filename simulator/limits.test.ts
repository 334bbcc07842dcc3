import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestbed } from './testbed.ts';

let bed: Awaited<ReturnType<typeof createTestbed>>;
before(async () => {
  bed = await createTestbed();
});
after(() => bed.close());

type Body = Record<string, unknown>;
const x = (length: number) => 'x'.repeat(length);
const times = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));
const text = (body: string) => ({ type: 'text', text: { body } });
const link = 'https://example.com/a.jpg';
const interactive = (type: string, action: Body, more: Body = {}) => ({
  type: 'interactive',
  interactive: { type, body: { text: 'Hi' }, action, ...more },
});
const buttons = (count: number, title = 'Title', id = 'id') =>
  interactive('button', {
    buttons: times(count, at => ({
      type: 'reply',
      reply: { id: at ? `${id}${at}` : id, title: at ? `${title}${at}` : title },
    })),
  });
const list = (sections: { rows: number; title?: string }[], row: Body = {}, button = 'Choose', body = 'Hi') =>
  interactive(
    'list',
    {
      button,
      sections: sections.map(({ rows, title }) => ({
        ...(title === undefined ? {} : { title }),
        rows: times(rows, at => ({ id: `r${at}`, title: 'Row', ...row })),
      })),
    },
    { body: { text: body } },
  );
const cta = (display_text: string, url = link) =>
  interactive('cta_url', { name: 'cta_url', parameters: { display_text, url } });
const products = (sections: number, each: number, title = 'T') =>
  interactive(
    'product_list',
    {
      catalog_id: '1',
      sections: times(sections, () => ({
        title,
        product_items: times(each, at => ({ product_retailer_id: `p${at}` })),
      })),
    },
    { header: { type: 'text', text: 'Header' } },
  );
const card = (at: number, body = 'Card', display_text = 'Go') => ({
  card_index: at,
  type: 'cta_url',
  header: { type: 'image', image: { link } },
  body: { text: body },
  action: { name: 'cta_url', parameters: { display_text, url: link } },
});
const carousel = (cards: Body[]) => interactive('carousel', { cards });
const flow = (parameters: Body) =>
  interactive('flow', {
    name: 'flow',
    parameters: { flow_message_version: '3', flow_cta: 'Open', flow_id: '1', ...parameters },
  });
const contacts = (count: number) => ({
  type: 'contacts',
  contacts: times(count, () => ({ name: { formatted_name: 'Jo' } })),
});

/** At the limit it is taken, one over it is refused. */
const pairs: [name: string, good: Body, bad: Body][] = [
  ['text body', text(x(4096)), text(x(4097))],
  ['text body of wide characters', text('🎉'.repeat(4096)), text('🎉'.repeat(4097))],
  [
    'image caption',
    { type: 'image', image: { link, caption: x(1024) } },
    { type: 'image', image: { link, caption: x(1025) } },
  ],
  ['media id or link', { type: 'audio', audio: { id: 123 } }, { type: 'audio', audio: { id: 123, link } }],
  ['media needs one', { type: 'video', video: { link } }, { type: 'video', video: {} }],
  [
    'media link',
    { type: 'sticker', sticker: { link } },
    { type: 'sticker', sticker: { link: 'file:///etc/passwd' } },
  ],
  [
    'latitude',
    { type: 'location', location: { latitude: '90', longitude: 180 } },
    { type: 'location', location: { latitude: '91', longitude: 180 } },
  ],
  ['contacts', contacts(257), contacts(258)],
  [
    'biz_opaque_callback_data',
    { ...text('a'), biz_opaque_callback_data: x(512) },
    { ...text('a'), biz_opaque_callback_data: x(513) },
  ],
  ['buttons', buttons(3), buttons(4)],
  ['button title', buttons(1, x(20)), buttons(1, x(21))],
  ['button id', buttons(1, 'T', x(256)), buttons(1, 'T', x(257))],
  [
    'button body',
    interactive('location_request_message', { name: 'send_location' }, { body: { text: x(1024) } }),
    interactive('location_request_message', { name: 'send_location' }, { body: { text: x(1025) } }),
  ],
  [
    'footer',
    { ...interactive('catalog_message', { name: 'catalog_message' }, { footer: { text: x(60) } }) },
    interactive('catalog_message', { name: 'catalog_message' }, { footer: { text: x(61) } }),
  ],
  [
    'text header',
    interactive('order_status', orderStatus(), { header: { type: 'text', text: x(60) } }),
    interactive('order_status', orderStatus(), { header: { type: 'text', text: x(61) } }),
  ],
  ['list body', list([{ rows: 1 }], {}, 'Choose', x(4096)), list([{ rows: 1 }], {}, 'Choose', x(4097))],
  ['list button', list([{ rows: 1 }], {}, x(20)), list([{ rows: 1 }], {}, x(21))],
  [
    'list rows together',
    list([
      { rows: 5, title: 'a' },
      { rows: 5, title: 'b' },
    ]),
    list([
      { rows: 5, title: 'a' },
      { rows: 6, title: 'b' },
    ]),
  ],
  [
    'list sections',
    list(times(10, () => ({ rows: 1, title: 'a' }))),
    list(times(11, () => ({ rows: 1, title: 'a' }))),
  ],
  ['list section title', list([{ rows: 1, title: x(24) }]), list([{ rows: 1, title: x(25) }])],
  ['list section titles', list([{ rows: 1 }]), list([{ rows: 1 }, { rows: 1 }])],
  ['list row id', list([{ rows: 1 }], { id: x(200) }), list([{ rows: 1 }], { id: x(201) })],
  ['list row title', list([{ rows: 1 }], { title: x(24) }), list([{ rows: 1 }], { title: x(25) })],
  [
    'list row description',
    list([{ rows: 1 }], { description: x(72) }),
    list([{ rows: 1 }], { description: x(73) }),
  ],
  ['cta label', cta(x(20)), cta(x(21))],
  ['cta address', cta('Go'), cta('Go', 'example')],
  ['product sections', products(10, 3), products(11, 1)],
  ['products', products(3, 10), products(1, 31)],
  ['product section title', products(1, 1, x(24)), products(1, 1, x(25))],
  ['carousel cards', carousel(times(10, at => card(at))), carousel(times(11, at => card(at)))],
  ['carousel has two', carousel([card(0), card(1)]), carousel([card(0)])],
  ['carousel card body', carousel([card(0, x(160)), card(1)]), carousel([card(0, x(161)), card(1)])],
  [
    'carousel card lines',
    carousel([card(0, 'a\nb\nc'), card(1)]),
    carousel([card(0, 'a\nb\nc\nd'), card(1)]),
  ],
  ['carousel card label', carousel([card(0, 'a', x(20)), card(1)]), carousel([card(0, 'a', x(21)), card(1)])],
  ['flow id or name', flow({ flow_name: undefined }), flow({ flow_name: 'n' })],
  [
    'flow data',
    flow({ flow_action_payload: { screen: 'S', data: { a: 1 } } }),
    flow({ flow_action_payload: { screen: 'S', data: {} } }),
  ],
  [
    'voice call',
    interactive('voice_call', { name: 'voice_call', parameters: { ttl_minutes: 43200 } }),
    interactive('voice_call', { name: 'voice_call', parameters: { ttl_minutes: 43201 } }),
  ],
  [
    'header kind',
    interactive('call_permission_request', { name: 'call_permission_request' }),
    interactive(
      'call_permission_request',
      { name: 'call_permission_request' },
      { header: { type: 'text', text: 'no' } },
    ),
  ],
  [
    'product has no header',
    interactive('product', { catalog_id: '1', product_retailer_id: '2' }),
    interactive(
      'product',
      { catalog_id: '1', product_retailer_id: '2' },
      { header: { type: 'text', text: 'no' } },
    ),
  ],
  ['product', { ...text('a'), context: { message_id: 'wamid.x' } }, { ...text('a'), context: {} }],
  ['phone', { ...text('a'), to: '+(90) 532-111-2233' }, { ...text('a'), to: '12ab' }],
  ['own number', text('a'), { ...text('a'), to: '15550783881' }],
  [
    'group types',
    { ...text('a'), recipient_type: 'group', to: 'Y2FwaV9ncm91cDox' },
    { ...buttons(1), recipient_type: 'group', to: 'Y2FwaV9ncm91cDox' },
  ],
  [
    'user id',
    { ...text('a'), to: undefined, recipient: 'US.13491208655302741918' },
    { ...text('a'), to: undefined, recipient: 'US13491208655302741918' },
  ],
  ['type', { type: 'text', text: { body: 1 } }, { type: 'poll', poll: {} }],
  ['product name', text('a'), { ...text('a'), messaging_product: 'sms' }],
  [
    'preview_url',
    { type: 'text', text: { body: 'a', preview_url: 'true' } },
    { type: 'text', text: { body: 'a', preview_url: 'maybe' } },
  ],
];

function orderStatus(): Body {
  return { name: 'review_order', parameters: { reference_id: 'r1', order: { status: 'shipped' } } };
}

for (const [name, good, bad] of pairs) {
  test(`limit: ${name}`, async () => {
    const taken = await bed.send(good);
    assert.equal(taken.status, 200, taken.text);
    const refused = await bed.send(bad);
    assert.equal(refused.status, 400, refused.text);
    assert.ok([100, 131008, 131009, 131021, 131051].includes(refused.json.error.code), refused.text);
    assert.ok(refused.json.error.fbtrace_id);
  });
}

test('equal button titles and equal ids are refused', async () => {
  const reply = (id: string, title: string) => ({ type: 'reply', reply: { id, title } });
  for (const pair of [
    [reply('a', 'T'), reply('b', 'T')],
    [reply('a', 'T'), reply('a', 'U')],
  ]) {
    assert.equal((await bed.send(interactive('button', { buttons: pair }))).json.error.code, 131009);
  }
});

test('errors have the form of their kind', async () => {
  const long = await bed.send(text(x(4097)));
  assert.equal(long.json.error.message, "(#100) Param text['body'] must be at most 4096 characters long.");
  const noRecipient = await bed.send({ ...text('a'), to: undefined });
  assert.equal(noRecipient.json.error.message, '(#100) The parameter to is required.');
  const title = await bed.send(buttons(1, x(21)));
  assert.equal(title.json.error.code, 131009);
  assert.match(title.json.error.error_data.details, /title/);
  const body = await bed.send(interactive('button', { buttons: [] }, { body: undefined }));
  assert.equal(body.json.error.code, 131008);
});
