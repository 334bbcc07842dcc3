import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Content } from './content.ts';
import type { Json } from './json.ts';
import { wrong } from './limits/test-table.ts';
import { checkContent } from './limits.ts';

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
    assert.equal(
      wrong({ type: 'template', template: { name: 'n', language: { code: 'en' }, components: faulty } })
        .length,
      50,
    );
  });
});
