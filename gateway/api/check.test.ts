import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type } from 'typebox';
import type { Json } from '../canonical/json.ts';
import { isRefusal } from '../canonical/refusal.ts';
import { checkBody, checkQuery } from './check.ts';
import { closed } from './schemas.ts';

const Schema = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 5 }),
    n: Type.Optional(Type.Integer({ minimum: 1, maximum: 9 })),
    word: Type.Optional(Type.Enum(['a', 'b'])),
    id: Type.Optional(Type.String({ pattern: '^\\d+$', 'x-rule': 'must be digits' })),
    inner: Type.Optional(Type.Object({ k: Type.Optional(Type.String()) }, closed)),
    list: Type.Optional(Type.Array(Type.Object({ k: Type.String() }))),
  },
  closed,
);

const wrong: [unknown, string[]][] = [
  [{}, ['name is required']],
  [{ name: null }, ['name is required']],
  [{ name: '' }, ['name must not be empty']],
  [{ name: 'abcdef' }, ['name must be at most 5 characters']],
  [{ name: 5 }, ['name must be a string']],
  [{ name: 'a', n: 1.5 }, ['n must be an integer']],
  [{ name: 'a', n: 0 }, ['n must be at least 1']],
  [{ name: 'a', n: 10 }, ['n must be at most 9']],
  [{ name: 'a', word: 'c' }, ['word must be one of a, b']],
  [{ name: 'a', id: 'x' }, ['id must be digits']],
  [
    { name: 'a', other: 1, more: 2 },
    ['other is not a member of this request', 'more is not a member of this request'],
  ],
  [{ name: 'a', inner: { z: 1 } }, ['inner.z is not a member of this request']],
  [{ name: 'a', inner: [] }, ['inner must be an object']],
  [{ name: 'a', list: [{ k: 'x' }, {}] }, ['list[1].k is required']],
  [{ name: 'a', list: [{ k: 1 }] }, ['list[0].k must be a string']],
];

for (const [body, sentences] of wrong) {
  test(`${JSON.stringify(body)}: ${sentences.join('; ')}`, () => {
    const refusal = checkBody(Schema, body as Json);
    assert.ok(isRefusal(refusal) && refusal.code === 'field_invalid');
    assert.deepEqual(
      refusal.issues.map(({ path, message }) => `${path} ${message}`),
      sentences,
    );
  });
}

for (const body of [undefined, null, 'x', 5, []]) {
  test(`${JSON.stringify(body)} is no body`, () => {
    const refusal = checkBody(Schema, body);
    assert.ok(isRefusal(refusal) && refusal.code === 'body_unreadable');
  });
}

test('null stands for left out', () => {
  assert.deepEqual(checkBody(Schema, { name: 'a', n: null, inner: { k: null } }), { name: 'a', inner: {} });
});

test('a query is text: numbers are read, and empty counts as left out', () => {
  assert.deepEqual(checkQuery(Schema, { name: 'a', n: '7', word: '' }), { name: 'a', n: 7 });
  const refusal = checkQuery(Schema, { name: 'a', n: '7x' });
  assert.ok(isRefusal(refusal) && refusal.code === 'field_invalid');
});

test('many mistakes are told up to a bound', () => {
  const body = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`m${i}`, 1]));
  const refusal = checkBody(Schema, body);
  assert.ok(isRefusal(refusal) && refusal.code === 'field_invalid');
  assert.ok(refusal.issues.length > 1 && refusal.issues.length < 20);
});
