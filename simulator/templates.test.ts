import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestbed, wabaId } from './testbed.ts';

let bed: Awaited<ReturnType<typeof createTestbed>>;
before(async () => {
  bed = await createTestbed();
});
after(() => bed.close());

type Body = Record<string, unknown>;
const texts = (...values: string[]) => values.map(value => ({ type: 'text', text: value }));
const body = (...values: string[]) => ({ type: 'body', parameters: texts(...values) });
const image = {
  type: 'header',
  parameters: [{ type: 'image', image: { link: 'https://example.com/a.png' } }],
};
const url = (text: string, index: unknown = '0') => ({
  type: 'button',
  sub_type: 'url',
  index,
  parameters: texts(text),
});

function template(name: string, components?: Body[], code = 'en_US'): Body {
  return { type: 'template', template: { name, language: { code }, ...(components ? { components } : {}) } };
}

const taken: [string, Body][] = [
  ['image, body and url', template('promo_template', [image, body('Jo', 'sale'), url('summer')])],
  ['no variables', template('order_confirmation')],
  ['otp by a url button', template('otp_verification', [body('123456'), url('123456', 0)])],
  ['another language', template('welcome_message_v2', [image], 'en')],
  ['named, in any order', template('appointment_reminder', [named('day', 'first_name')])],
  ['location header', template('store_location', [location(), body('Izmir')])],
  ['types in capitals', template('sample_shipping_confirmation', [{ type: 'BODY', parameters: texts('3') }])],
];
for (const [name, message] of taken) {
  test(`taken: ${name}`, async () => {
    const answer = await bed.send(message);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.messages[0].message_status, 'accepted');
  });
}

function named(...names: string[]): Body {
  return { type: 'body', parameters: names.map(name => ({ type: 'text', parameter_name: name, text: 'x' })) };
}
function location(): Body {
  return {
    type: 'header',
    parameters: [{ type: 'location', location: { latitude: '38.4', longitude: '27.1', name: 'Shop' } }],
  };
}

const refused: [string, number, Body][] = [
  ['unknown name', 132001, template('nobody')],
  ['unknown language', 132001, template('hello_world', undefined, 'tr')],
  ['pending', 132001, template('pending_notice')],
  ['rejected', 132001, template('rejected_notice')],
  ['paused', 132015, template('paused_offer')],
  ['too few', 132000, template('shipping_update', [body('a', 'b')])],
  ['too many', 132000, template('shipping_update', [body('a', 'b', 'c', 'd')])],
  ['none at all', 132000, template('weekly_newsletter')],
  ['header kind', 132012, template('promo_template', [location(), body('a', 'b'), url('c')])],
  ['header left out', 132012, template('promo_template', [body('a', 'b'), url('c')])],
  ['header too many', 132000, template('order_confirmation', [{ type: 'header', parameters: texts('a') }])],
  ['url left out', 131008, template('promo_template', [image, body('a', 'b')])],
  ['url not encoded', 131009, template('promo_template', [image, body('a', 'b'), url('a b')])],
  ['button kind', 132012, template('sample_issue_resolution', [body('a'), url('b')])],
  ['button that is not there', 132018, template('sample_issue_resolution', [body('a'), url('b', 7)])],
  ['name left out', 100, template('appointment_reminder', [body('a', 'b')])],
  ['name unknown', 132012, template('appointment_reminder', [named('day', 'night')])],
  ['empty text', 131008, template('weekly_newsletter', [body('')])],
  ['line break', 132018, template('weekly_newsletter', [body('a\nb')])],
  ['too long when filled', 132005, template('weekly_newsletter', [body('x'.repeat(1020))])],
  ['body kind', 132012, template('weekly_newsletter', [{ type: 'body', parameters: [{ type: 'image' }] }])],
  ['no language', 131008, { type: 'template', template: { name: 'hello_world' } }],
];
for (const [name, code, message] of refused) {
  test(`refused: ${name}`, async () => {
    const answer = await bed.send(message);
    assert.equal(answer.json.error?.code, code, answer.text);
    assert.equal(answer.status, code === 132001 ? 404 : 400);
  });
}

test('disabled, and a template list put in by control', async () => {
  const templates = [
    { name: 'gone', language: 'en_US', status: 'DISABLED', category: 'UTILITY', components: [] },
  ];
  await bed.call('PUT', `/control/accounts/${wabaId}/templates`, { templates });
  assert.equal((await bed.send(template('gone'))).json.error.code, 132016);
  await bed.reset();
  assert.equal((await bed.send(template('hello_world'))).status, 200);
});

test('marketing_messages takes marketing templates only', async () => {
  const marketing = await bed.send(template('weekly_newsletter', [body('a')]), 'marketing_messages');
  assert.equal(marketing.status, 200, marketing.text);
  assert.equal((await bed.send(template('hello_world'), 'marketing_messages')).json.error.code, 131055);
  const text = await bed.send({ type: 'text', text: { body: 'a' } }, 'marketing_messages');
  assert.equal(text.json.error.message, '(#100) Message must be a template message.');
});

test('a code for a business-scoped user id is refused', async () => {
  const message = template('otp_verification', [body('1'), url('1')]);
  const answer = await bed.send({ ...message, to: undefined, recipient: 'TR.ABC123' });
  assert.equal(answer.json.error.code, 131062);
});
