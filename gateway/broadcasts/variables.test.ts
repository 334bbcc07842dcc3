import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Content } from '../canonical/content.ts';
import { fill, variablesIn, variablesOf } from './variables.ts';

const content: Content = {
  type: 'template',
  template: {
    name: 'offer',
    components: [
      { type: 'body', parameters: [{ type: 'text', text: '{{ name|friend }} in {{city}}, {{name|you}}' }] },
      { type: 'button', index: 0, parameters: [{ type: 'payload', payload: 'to-{{city}}' }] },
    ],
  },
};

test('every variable once, wherever a text stands', () => {
  assert.deepEqual(variablesIn(content), ['name', 'city']);
  assert.deepEqual(variablesIn({ type: 'text', text: { body: 'no {1} and {{}} here' } }), []);
});

test('filled in everywhere, with what stands there for those who have none', () => {
  const filled = fill(content, { city: 'Ankara' });
  assert.ok('content' in filled);
  assert.match(JSON.stringify(filled.content), /friend in Ankara, you/);
  assert.match(JSON.stringify(filled.content), /to-Ankara/);
  assert.match(JSON.stringify(content), /\{\{city\}\}/, 'the content itself stays as it was');
});

test('who lacks one is told by its name; an empty value is none', () => {
  assert.deepEqual(fill(content, {}), { missing: ['city'] });
  assert.deepEqual(fill(content, { city: '' }), { missing: ['city'] });
});

test('a value with braces or a dollar stands as it is', () => {
  const filled = fill({ type: 'text', text: { body: '{{a}}' } }, { a: '{{b}} $& $1' });
  assert.deepEqual(filled, { content: { type: 'text', text: { body: '{{b}} $& $1' } } });
});

test('names of members that every object has are no variables', () => {
  assert.deepEqual(fill({ type: 'text', text: { body: '{{constructor}}' } }, {}), {
    missing: ['constructor'],
  });
});

test("of a contact: an attribute of that name before the contact's own members", () => {
  const contact = {
    ...{ id: 1, phone: '905321234567', original: '0532', name: 'Ayşe', language: null, timeZone: null },
    ...{ attributes: { city: 'İzmir', points: 3, phone: 'mine' }, createdAt: 0, updatedAt: 0 },
  };
  const names = ['name', 'city', 'points', 'phone', 'language', 'nothing'];
  assert.deepEqual(variablesOf(contact, names), { name: 'Ayşe', city: 'İzmir', points: '3', phone: 'mine' });
});
