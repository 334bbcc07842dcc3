import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Json, JsonObject } from '../../canonical/json.ts';
import { checkContent } from '../../canonical/limits.ts';
import { isRefusal } from '../../canonical/refusal.ts';
import { isTemplateNeed, type TemplateFacts } from '../dialect.ts';
import { connectly } from './connectly.ts';

const [, door] = connectly.doors;

function need(body: JsonObject) {
  const wire = { ip: '127.0.0.1', params: { businessId: 'b-1' }, query: {}, headers: {} };
  const command = door!.read({ ...wire, body: { number: '+16502223333', templateName: 'promo', ...body } });
  if (isRefusal(command)) return command;
  assert.ok(command.kind === 'send' && !isRefusal(command.content) && isTemplateNeed(command.content));
  return command.content;
}

const body2 = { type: 'BODY', text: 'Hi {{1}}, {{2}} off' };
const image = { type: 'HEADER', format: 'IMAGE' };
const link = 'https://example.com/header.jpg';
const url = { type: 'URL', text: 'Shop', url: 'https://example.com/promo/{{1}}' };

function facts(components: JsonObject[], more: Partial<TemplateFacts> = {}): TemplateFacts {
  const usual = { name: 'promo', language: 'en_US', category: 'MARKETING', status: 'APPROVED' };
  return { ...usual, parameterFormat: 'POSITIONAL', components, ...more };
}

function complete(template: TemplateFacts, parameters: Record<string, Json> | JsonObject[]) {
  const list = Array.isArray(parameters)
    ? parameters
    : Object.entries(parameters).map(([name, value]) => ({ name, value }));
  const wanted = need({ parameters: list });
  return isRefusal(wanted) ? wanted : wanted.complete(template);
}

/** The components Meta receives. */
function components(template: TemplateFacts, parameters: Record<string, Json> | JsonObject[]): Json {
  const content = complete(template, parameters);
  assert.ok(!isRefusal(content), JSON.stringify(content));
  assert.deepEqual(checkContent(content), []);
  return (content.template as JsonObject).components ?? null;
}

function texts(...values: string[]): JsonObject {
  return { type: 'body', parameters: values.map(text => ({ type: 'text', text })) };
}

function button(subType: string, index: string, parameter: JsonObject): JsonObject {
  return { type: 'button', sub_type: subType, index, parameters: [parameter] };
}

test('the need names the template', () => {
  const named = need({ template_name: 'ignored, camelCase counts', language: 'en' });
  assert.deepEqual(!isRefusal(named) && named.template, { by: 'name', name: 'promo', language: 'en' });
  const bare = need({});
  assert.deepEqual(!isRefusal(bare) && bare.template, { by: 'name', name: 'promo', language: null });
});

const promo = facts([image, body2, { type: 'BUTTONS', buttons: [url] }]);
const promoFilled = [
  { type: 'header', parameters: [{ type: 'image', image: { link } }] },
  texts('Dennis', '20% OFF'),
  button('url', '0', { type: 'text', text: 'promo123' }),
];

test('documented names fill header, body and button', () => {
  const values = { button_1_url: 'promo123', body_2: '20% OFF', header_image: link, body_1: 'Dennis' };
  assert.deepEqual(components(promo, values), promoFilled);
  const whole = { ...values, button_1_url: 'https://example.com/promo/promo123' };
  assert.deepEqual(components(promo, whole), promoFilled);
});

const cases: [
  about: string,
  template: TemplateFacts,
  parameters: Record<string, Json> | JsonObject[],
  filled: Json,
][] = [
  ['nothing to fill', facts([{ type: 'BODY', text: 'Hello' }]), [], null],
  ['numbers as numbers', facts([body2]), { body_1: 7, body_2: 0.5 }, [texts('7', '0.5')]],
  ['free names in the order given', facts([body2]), { var1: 'Jo', message: '5%' }, [texts('Jo', '5%')]],
  [
    'named variables by name and by place',
    facts([{ type: 'BODY', text: 'Hi {{first_name}}, on {{day}}' }], { parameterFormat: 'NAMED' }),
    { body_2: 'Monday', first_name: 'Jo' },
    [
      {
        type: 'body',
        parameters: [
          { type: 'text', parameter_name: 'first_name', text: 'Jo' },
          { type: 'text', parameter_name: 'day', text: 'Monday' },
        ],
      },
    ],
  ],
  [
    'a text header',
    facts([
      { type: 'HEADER', format: 'TEXT', text: 'Order {{1}}' },
      { type: 'BODY', text: 'x' },
    ]),
    { header_text: 'A-1' },
    [{ type: 'header', parameters: [{ type: 'text', text: 'A-1' }] }],
  ],
  [
    'a document header with its filename',
    facts([{ type: 'HEADER', format: 'DOCUMENT' }]),
    [{ name: 'header_document', value: 'https://example.com/a.pdf', filename: 'doc.pdf' }],
    [
      {
        type: 'header',
        parameters: [
          { type: 'document', document: { link: 'https://example.com/a.pdf', filename: 'doc.pdf' } },
        ],
      },
    ],
  ],
  [
    'a location header from JSON in a string',
    facts([{ type: 'HEADER', format: 'LOCATION' }]),
    { header_location: '{"latitude":38.4,"longitude":"27.1","name":"Shop","address":"Izmir"}' },
    [
      {
        type: 'header',
        parameters: [
          {
            type: 'location',
            location: { latitude: '38.4', longitude: '27.1', name: 'Shop', address: 'Izmir' },
          },
        ],
      },
    ],
  ],
  [
    'the code of an authentication template, given once',
    facts(
      [
        { type: 'BODY', text: '*{{1}}* is your code.' },
        { type: 'BUTTONS', buttons: [{ ...url, url: 'https://wa/otp{{1}}' }] },
      ],
      {
        category: 'AUTHENTICATION',
      },
    ),
    { body_1: '123456' },
    [texts('123456'), button('url', '0', { type: 'text', text: '123456' })],
  ],
  [
    'button_1_url by rank where the first button has no variable address',
    facts([{ type: 'BUTTONS', buttons: [{ type: 'QUICK_REPLY', text: 'No' }, url] }]),
    { button_1_url: 'a' },
    [button('url', '1', { type: 'text', text: 'a' })],
  ],
  [
    'payload, coupon and flow buttons',
    facts([{ type: 'BUTTONS', buttons: [{ type: 'QUICK_REPLY' }, { type: 'COPY_CODE' }, { type: 'FLOW' }] }]),
    { button_1_payload: 'P', button_2_code: 'SAVE20' },
    [
      button('quick_reply', '0', { type: 'payload', payload: 'P' }),
      button('copy_code', '1', { type: 'coupon_code', coupon_code: 'SAVE20' }),
      button('flow', '2', { type: 'action', action: {} }),
    ],
  ],
  [
    'a carousel, card by card',
    facts([
      { type: 'BODY', text: 'For {{1}}' },
      {
        type: 'CAROUSEL',
        cards: [1, 2].map(() => ({ components: [image, { type: 'BODY', text: 'At {{1}}' }] })),
      },
    ]),
    {
      body_1: 'you',
      card_1_header_image: link,
      card_1_body_1: '5',
      card_2_header_image: link,
      card_2_body_1: '6',
    },
    [
      texts('you'),
      {
        type: 'carousel',
        cards: ['5', '6'].map((price, index) => ({
          card_index: index,
          components: [promoFilled[0]!, texts(price)],
        })),
      },
    ],
  ],
];

for (const [about, template, parameters, filled] of cases) {
  test(`filled: ${about}`, () => assert.deepEqual(components(template, parameters), filled));
}

const wrong: [
  about: string,
  template: TemplateFacts,
  parameters: Record<string, Json> | JsonObject[],
  issues: string[],
][] = [
  [
    'missing',
    promo,
    { body_1: 'Jo' },
    ['parameters.header_image required', 'parameters.body_2 required', 'parameters.button_1_url required'],
  ],
  ['one too many', facts([body2]), { body_1: 'a', body_2: 'b', body_3: 'c' }, ['parameters.body_3 enum']],
  ['too many free names', facts([body2]), { var1: 'a', var2: 'b', var3: 'c' }, ['parameters.var3 enum']],
  [
    'free names beside numbered ones',
    facts([body2]),
    { body_1: 'a', var2: 'b' },
    ['parameters.body_2 required', 'parameters.var2 enum'],
  ],
  [
    'a header the template has not',
    facts([body2]),
    { body_1: 'a', body_2: 'b', header_text: 'c' },
    ['parameters.header_text enum'],
  ],
  [
    'empty and of no text',
    facts([body2]),
    { body_1: '', body_2: {} },
    ['parameters.body_1 required', 'parameters.body_2 type'],
  ],
  ['a header that is no URL', facts([image]), { header_image: 'nope' }, ['parameters.header_image format']],
  [
    'the address of another site',
    facts([{ type: 'BUTTONS', buttons: [url] }]),
    { button_1_url: 'https://other.example/' },
    ['parameters.button_1_url format'],
  ],
  [
    'twice',
    promo,
    [
      { name: 'body_1', value: 'a' },
      { name: 'body_1', value: 'b' },
    ],
    ['parameters[1].name unique'],
  ],
  ['without a name', promo, [{ value: 'a' }], ['parameters[0].name required']],
  [
    'a kind we cannot fill',
    facts([{ type: 'BUTTONS', buttons: [{ type: 'MPM' }] }]),
    [],
    ['templateName conflict'],
  ],
];

for (const [about, template, parameters, issues] of wrong) {
  test(`refused: ${about}`, () => {
    const refusal = complete(template, parameters);
    assert.ok(isRefusal(refusal) && refusal.code === 'field_invalid', JSON.stringify(refusal));
    assert.deepEqual(
      refusal.issues.map(({ path, rule }) => `${path} ${rule}`),
      issues,
    );
  });
}

test('the names a refusal asks for are the names that fill the template', () => {
  const text = fc
    .integer({ min: 0, max: 5 })
    .map(count => Array.from({ length: count }, (_, i) => `w {{${i + 1}}}`).join(' '));
  const format = fc
    .constantFrom('IMAGE', 'VIDEO', 'DOCUMENT')
    .map(each => ({ type: 'HEADER', format: each }));
  const buttons = fc.array(fc.constantFrom<JsonObject>(url, { type: 'COPY_CODE' }, { type: 'QUICK_REPLY' }), {
    maxLength: 4,
  });
  fc.assert(
    fc.property(fc.option(format, { nil: undefined }), text, buttons, (header, said, given) => {
      const template = facts([
        ...(header ? [header] : []),
        { type: 'BODY', text: said },
        { type: 'BUTTONS', buttons: given },
      ]);
      const asked = complete(template, {});
      const names =
        isRefusal(asked) && asked.code === 'field_invalid'
          ? asked.issues.map(({ path }) => path.slice(11))
          : [];
      const values = names.map(name => [name, name.startsWith('header_') ? link : 'value']);
      const content = complete(template, Object.fromEntries(values));
      assert.ok(!isRefusal(content), JSON.stringify(content));
      assert.deepEqual(checkContent(content), []);
    }),
  );
});
