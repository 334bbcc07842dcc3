/** The last step of a test run: what makes it fail. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JudgeOptions, judge } from './seen.ts';

const options: JudgeOptions = {
  complete: true,
  schemas: new Map([['sqlite', { tables: ['lanes', 'messages'], owned: new Set(['lanes', 'messages']) }]]),
  isOfTest: text => text === 'select id from messages',
  allowed: [{ statement: /^select number_id from lanes$/, reason: 'the scheduler' }],
};
const good = ['select id from messages where tenant_id = $1', 'select number_id from lanes'];
const problems = (texts: string[], more: Partial<JudgeOptions> = {}) =>
  judge(new Map([['sqlite', new Set(texts)]]), { ...options, ...more }).problems.join('\n');

test('a whole run that names its tenants passes', () => assert.equal(problems(good), ''));

test('a statement without its tenant fails, and is told', () =>
  assert.match(
    problems([...good, 'delete from messages']),
    /sqlite: messages is read or written[\s\S]*delete from messages/,
  ));

test('what only a test does passes, and proves nothing', () => {
  assert.equal(problems([...good, 'select id from messages']), '');
  assert.match(problems(['select id from messages', good[1]!]), /no statement was seen on messages/);
});

test('a table that nothing touched fails a whole run, as when the watcher is not loaded', () => {
  assert.match(problems([]), /no statement was seen on lanes, messages/);
  assert.equal(problems([], { complete: false }), '');
});

test('an exception that nothing needs fails a whole run', () => {
  const without = [good[0]!, 'select number_id from lanes where tenant_id = $1'];
  assert.match(problems(without), /no statement needs this exception any more/);
  assert.equal(problems(without, { complete: false }), '');
});
