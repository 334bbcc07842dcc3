import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CliFailure } from './failure.ts';
import { type SendFlags, sendBody } from './send-body.ts';

const flags = (some: Partial<SendFlags>): SendFlags => ({ language: 'en_US', ...some });

test('a text', () => {
  assert.deepEqual(sendBody('+1 650', 'Hello', flags({ campaign: 'c', ttl: 60 })), {
    to: '+1 650',
    type: 'text',
    text: { body: 'Hello' },
    campaign: 'c',
    ttlSeconds: 60,
  });
});

test('a template with header, variables and buttons', () => {
  const body = sendBody(
    '1650',
    undefined,
    flags({
      template: 'promo',
      param: ['Jo', 'a=b'],
      header: 'image=https://x/y?a=b',
      button: ['summer', '2=x=y'],
    }),
  );
  assert.deepEqual(body.template, {
    name: 'promo',
    language: { code: 'en_US' },
    components: [
      { type: 'header', parameters: [{ type: 'image', image: { link: 'https://x/y?a=b' } }] },
      {
        type: 'body',
        parameters: [
          { type: 'text', text: 'Jo' },
          { type: 'text', text: 'a=b' },
        ],
      },
      { type: 'button', sub_type: 'url', index: '0', parameters: [{ type: 'text', text: 'summer' }] },
      { type: 'button', sub_type: 'url', index: '2', parameters: [{ type: 'text', text: 'x=y' }] },
    ],
  });
});

test('a template with named variables, and one with none', () => {
  const named = sendBody('1', undefined, flags({ template: 't', named: ['day=Mon=day'], language: 'tr' }));
  assert.deepEqual(named.template, {
    name: 't',
    language: { code: 'tr' },
    components: [{ type: 'body', parameters: [{ type: 'text', parameter_name: 'day', text: 'Mon=day' }] }],
  });
  const bare = sendBody('1', undefined, flags({ template: 't' }));
  assert.deepEqual(bare.template, { name: 't', language: { code: 'en_US' } });
});

for (const [name, text, some] of [
  ['nothing to say', undefined, {}],
  ['a text and a template', 'Hello', { template: 't' }],
  ['variables without a template', 'Hello', { param: ['x'] }],
  ['both kinds of variables', undefined, { template: 't', param: ['x'], named: ['a=b'] }],
  ['a body that is no object', undefined, { body: '[1]' }],
  ['a header of no kind', undefined, { template: 't', header: 'gif=x' }],
  ['a named variable without a value', undefined, { template: 't', named: ['x'] }],
] as [string, string | undefined, Partial<SendFlags>][]) {
  test(`refuses ${name}`, () => {
    assert.throws(
      () => sendBody('1', text, flags(some)),
      (error: unknown) => error instanceof CliFailure && error.exitCode === 2,
    );
  });
}
