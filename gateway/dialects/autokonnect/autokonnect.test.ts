import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Content } from '../../canonical/content.ts';
import { isObject, type Json, type JsonObject } from '../../canonical/json.ts';
import { checkContent } from '../../canonical/limits.ts';
import { isRefusal, type Refusal } from '../../canonical/refusal.ts';
import { isTemplateNeed, type SendCommand, type TemplateFacts } from '../dialect.ts';
import { autokonnect } from './autokonnect.ts';

const door = autokonnect.doors[0]!;

function read(body: Json | undefined) {
  return door.read({ ip: '127.0.0.1', params: { id: '123' }, query: {}, headers: {}, body });
}

function command(body: JsonObject): SendCommand {
  const outcome = read({ phone_number: '+254712345678', type: 'text', message: 'Hi', ...body });
  assert.ok(!isRefusal(outcome) && outcome.kind === 'send', JSON.stringify(outcome));
  return outcome;
}

function codeOf(refusal: Refusal): Json | undefined {
  const { body } = autokonnect.refuse(refusal);
  return isObject(body) ? (body.code ?? 'none') : undefined;
}

test('a request is read around its content', () => {
  assert.deepEqual(command({ unknown: true }), {
    kind: 'send',
    number: { by: 'id', id: '123' },
    recipients: [{ kind: 'phone', digits: '254712345678', to: '+254712345678' }],
    tags: [],
    content: { type: 'text', text: { body: 'Hi' } },
    endpoint: 'messages',
    fake: false,
    wait: 'commit',
    callbackData: null,
    campaign: null,
    sendAt: null,
    ttlMs: null,
    fallback: null,
  });
});

const audiences: [body: JsonObject, digits: string[], tags: number[]][] = [
  [{ phone_number: 254712345678 }, ['254712345678'], []],
  [{ phone_number: '+254 (712) 345-678' }, ['254712345678'], []],
  [{ phone_number: ['+254712345678', 254712345678, '254798765432'] }, ['254712345678', '254798765432'], []],
  [{ phone_number: '', contact_tag_id: '42' }, [], [42]],
  [{ phone_number: null, contact_tag_id: ['42', 57, '42', ''] }, [], [42, 57]],
  [{ contact_tag_id: 42 }, ['254712345678'], [42]],
];

for (const [body, digits, tags] of audiences) {
  test(`audience of ${JSON.stringify(body)}`, () => {
    const { recipients, tags: found } = command(body);
    assert.deepEqual(
      recipients,
      digits.map(each => ({ kind: 'phone', digits: each, to: `+${each}` })),
    );
    assert.deepEqual(found, tags);
  });
}

const link = 'https://example.com/file';
const contents: [body: JsonObject, expected: JsonObject][] = [
  [
    { type: 'image', link, caption: 'c' },
    { type: 'image', image: { link, caption: 'c' } },
  ],
  [
    { type: 'video', link },
    { type: 'video', video: { link } },
  ],
  [
    { type: 'audio', link, caption: 'left out' },
    { type: 'audio', audio: { link } },
  ],
  [
    { type: 'document', link, caption: '' },
    { type: 'document', document: { link } },
  ],
  [
    { type: 'text', message: 42 },
    { type: 'text', text: { body: '42' } },
  ],
  [
    {
      type: 'interactive',
      interactive: { type: 'product', header: null, action: { catalog_id: '1', product_retailer_id: 'p' } },
    },
    {
      type: 'interactive',
      interactive: { type: 'product', action: { catalog_id: '1', product_retailer_id: 'p' } },
    },
  ],
];

for (const [body, expected] of contents) {
  test(`content of ${JSON.stringify(body)}`, () => {
    assert.deepEqual(command(body).content, expected);
    assert.deepEqual(checkContent(expected as Content), []);
  });
}

const template: TemplateFacts = {
  name: 'promo_template',
  language: 'en_US',
  category: 'MARKETING',
  status: 'APPROVED',
  parameterFormat: 'POSITIONAL',
  components: [],
};

function need(body: JsonObject) {
  const { content } = command({ type: 'template', components: [], ...body });
  assert.ok(!isRefusal(content) && isTemplateNeed(content), JSON.stringify(content));
  return content;
}

test('a template is told by its id, or by its name when its language is there', () => {
  assert.deepEqual(need({ template_id: 123 }).template, { by: 'id', id: '123' });
  assert.deepEqual(need({ template_id: '1000000000000001', language: 'en_US' }).template, {
    by: 'id',
    id: '1000000000000001',
  });
  const named = need({ template_id: 'promo_template', language: 'en_US' });
  assert.deepEqual(named.template, { by: 'name', name: 'promo_template', language: 'en_US' });
  assert.equal(named.notFound && codeOf(named.notFound), 'invalid_template_id_format');
});

test('a bare link becomes a medium, everything else passes', () => {
  const text = { type: 'text', text: 'Dennis' };
  const meta = { type: 'image', image: { link } };
  const components: Json = [
    { type: 'header', parameters: [{ type: 'image', link }] },
    { type: 'header', parameters: [{ type: 'document', link, filename: 'a.pdf' }, meta] },
    { type: 'body', parameters: [text] },
    { type: 'button', sub_type: 'url', index: '0', parameters: [text] },
    {
      type: 'carousel',
      cards: [{ card_index: 0, components: [{ type: 'HEADER', parameters: [{ type: 'VIDEO', link }] }] }],
    },
  ];
  assert.deepEqual(need({ template_id: 1, components }).complete(template), {
    type: 'template',
    template: {
      name: 'promo_template',
      language: { code: 'en_US' },
      components: [
        { type: 'header', parameters: [meta] },
        { type: 'header', parameters: [{ type: 'document', document: { link, filename: 'a.pdf' } }, meta] },
        { type: 'body', parameters: [text] },
        { type: 'button', sub_type: 'url', index: '0', parameters: [text] },
        {
          type: 'carousel',
          cards: [
            {
              card_index: 0,
              components: [{ type: 'HEADER', parameters: [{ type: 'video', video: { link } }] }],
            },
          ],
        },
      ],
    },
  });
  assert.deepEqual(need({ template_id: 1 }).complete(template), {
    type: 'template',
    template: { name: 'promo_template', language: { code: 'en_US' } },
  });
});

const to = { phone_number: '+254712345678' };

/** The page's order: type, recipients, and only then what the type needs. */
const atOnce: [body: Json | undefined, code: string][] = [
  [undefined, 'missing_type'],
  [{}, 'missing_type'],
  [{ type: ' ' }, 'missing_type'],
  ['text', 'invalid_body'],
  [{ type: 'nonsense' }, 'missing_recipient'],
  [{ type: 'text', phone_number: [], contact_tag_id: '' }, 'missing_recipient'],
  [{ type: 'text', phone_number: ['+254712345678', '12'] }, 'invalid_phone_number'],
  [{ type: 'text', phone_number: '0712345678' }, 'invalid_phone_number'],
  [{ type: 'text', phone_number: [[['+254712345678']]] }, 'invalid_phone_number'],
  [{ type: 'text', phone_number: { n: 1 } }, 'invalid_phone_number'],
  [{ type: 'text', contact_tag_id: 'vip' }, 'invalid_contact_tag_id'],
];

for (const [body, code] of atOnce) {
  test(`${code} for ${JSON.stringify(body)}`, () => {
    const refusal = read(body);
    assert.ok(isRefusal(refusal));
    assert.equal(codeOf(refusal), code);
  });
}

const afterAudience: [body: JsonObject, code: string][] = [
  [{ type: 'sticker' }, 'invalid_type'],
  [{ type: 5 }, 'invalid_type'],
  [{ type: 'text' }, 'missing_message'],
  [{ type: 'text', message: {} }, 'invalid_message'],
  [{ type: 'image' }, 'missing_link'],
  [{ type: 'audio', link: '' }, 'missing_link'],
  [{ type: 'template', components: [] }, 'missing_template_id'],
  [{ type: 'template', template_id: 'promo', components: [] }, 'invalid_template_id_format'],
  [{ type: 'template', template_id: 1.5, components: [] }, 'invalid_template_id_format'],
  [{ type: 'template', template_id: 'promo' }, 'invalid_template_id_format'],
  [{ type: 'template', template_id: 1 }, 'missing_components'],
  [{ type: 'template', template_id: 1, components: {} }, 'invalid_components'],
  [{ type: 'interactive' }, 'missing_interactive'],
  [{ type: 'interactive', interactive: [] }, 'invalid_interactive'],
];

for (const [body, code] of afterAudience) {
  test(`${code} after the audience for ${JSON.stringify(body)}`, () => {
    const outcome = read({ ...to, ...body });
    assert.ok(!isRefusal(outcome) && outcome.kind === 'send' && isRefusal(outcome.content));
    assert.equal(codeOf(outcome.content), code);
  });
}

test('canonical paths in our words', () => {
  const paths: [string, string][] = [
    ['text.body', 'message'],
    ['image.link', 'link'],
    ['document', 'link'],
    ['video.caption', 'caption'],
    ['template.name', 'template_id'],
    ['template.components[0].parameters[1].image.link', 'components[0].parameters[1].link'],
    ['template.components[1].type', 'components[1].type'],
    ['interactive.action.buttons[0].reply.title', 'interactive.action.buttons[0].reply.title'],
  ];
  for (const [canonical, ours] of paths) assert.equal(door.field(canonical), ours);
});

test('numbers are kept once, whatever their punctuation', () => {
  const digits = fc.stringMatching(/^[1-9]\d{6,14}$/);
  const written = digits.chain(each =>
    fc.constantFrom(each, `+${each}`, `(${each.slice(0, 3)}) ${each.slice(3)}`, Number(each)),
  );
  fc.assert(
    fc.property(fc.array(written, { minLength: 1, maxLength: 20 }), numbers => {
      const { recipients } = command({ phone_number: numbers });
      const expected = [...new Set(numbers.map(number => String(number).replace(/\D/g, '')))];
      assert.deepEqual(
        recipients.map(each => each.kind === 'phone' && each.digits),
        expected,
      );
    }),
  );
});

test('whatever the body, the door answers with a command or a refusal', () => {
  const key = fc.constantFrom(
    'type',
    'phone_number',
    'contact_tag_id',
    'message',
    'link',
    'components',
    'template_id',
  );
  const type = fc.constantFrom('text', 'image', 'template', 'interactive');
  const body = fc
    .tuple(fc.dictionary(key, fc.jsonValue()), type)
    .map(([rest, type]) => ({ ...to, ...rest, type }));
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), body), given => {
      const outcome = read(given as Json);
      if (isRefusal(outcome) || outcome.kind !== 'send' || isRefusal(outcome.content)) return;
      const { content } = outcome;
      const said = isTemplateNeed(content) ? content.complete(template) : content;
      if (!isRefusal(said)) checkContent(said);
    }),
  );
});
