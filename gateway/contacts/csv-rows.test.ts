/** The CSV reader by itself: whatever the parts in which a text comes, the same rows come out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createCsvReader } from './csv-rows.ts';
import { rowMax } from './file-rows.ts';

function read(text: string, parts: number[] = [], max = rowMax) {
  const reader = createCsvReader(max);
  const rows = [];
  let at = 0;
  for (const size of parts) {
    rows.push(...reader.push(text.slice(at, at + size)));
    at += size;
  }
  rows.push(...reader.push(text.slice(at)), ...reader.end());
  return rows;
}

const told = (text: string) =>
  read(text).map(({ line, cells }) => [line, Array.isArray(cells) ? cells : cells.wrong]);

test('cells, quotes and line breaks', () => {
  assert.deepEqual(told('\uFEFFa;b\r\n"1;""2""";3\r\n\r\n"x\r\ny";\r\n5" pipe;"z"'), [
    [1, ['a', 'b']],
    [2, ['1;"2"', '3']],
    [4, ['x\r\ny', '']],
    [6, ['5" pipe', 'z']],
  ]);
  assert.deepEqual(told('sep=;\na,b;c\n1;2\n'), [
    [2, ['a,b', 'c']],
    [3, ['1', '2']],
  ]);
  assert.deepEqual(told('"a,b,c"\tb\n'), [[1, ['a,b,c', 'b']]]);
});

test('a row with wrong quotes costs its first line only', () => {
  const misplaced = 'has a quote that closes before the end of its cell';
  const unclosed = 'has a quote that is not closed';
  assert.deepEqual(told('a,b\n"x"y,1\n2,3\n'), [
    [1, ['a', 'b']],
    [2, misplaced],
    [3, ['2', '3']],
  ]);
  assert.deepEqual(told('a,b\n1,"x\n2,3\n4,5\n'), [
    [1, ['a', 'b']],
    [2, unclosed],
    [3, ['2', '3']],
    [4, ['4', '5']],
  ]);
  const long = 'z'.repeat(rowMax);
  const rows = told(`a,b\n1,"x\n${`${long}\n`.repeat(3)}1,${long}\n4,"5"\n`);
  assert.deepEqual(
    rows.map(([line, cells]) => [line, Array.isArray(cells) ? cells.length : cells]),
    [
      [1, 2],
      [2, unclosed],
      [3, 1],
      [4, 1],
      [5, 1],
      [6, `is longer than ${rowMax} characters`],
      [7, 2],
    ],
  );
});

test('the parts in which a text comes make no difference', () => {
  const piece = fc.constantFrom('"', '""', ',', '\n', '\r\n', 'a', 'b"c', ' ', '"x"', '"y\nz",', '\uFEFF');
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 60 }),
      fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 60 }),
      fc.constantFrom(5, 12, rowMax),
      (pieces, parts, max) => {
        const text = pieces.join('');
        assert.deepEqual(read(text, parts, max), read(text, [], max));
      },
    ),
    { numRuns: 5_000 },
  );
});
