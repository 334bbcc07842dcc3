import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readEvents } from './sse.ts';

const text =
  ': connected\n\nevent: change\ndata: {"to":"Ünal"}\n\n: beat\n\nevent: closed\ndata: a\ndata: b\n\nevent: cut';
const expected = [
  { event: 'change', data: '{"to":"Ünal"}' },
  { event: 'closed', data: 'a\nb' },
];

test('events are read the same however the bytes are cut', async () => {
  const bytes = new TextEncoder().encode(text);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 12 }), async places => {
      const cuts = [0, ...places.sort((a, b) => a - b), bytes.length];
      async function* parts() {
        for (const [i, from] of cuts.slice(0, -1).entries()) yield bytes.subarray(from, cuts[i + 1]);
      }
      const events = [];
      for await (const event of readEvents(parts())) events.push(event);
      assert.deepEqual(events, expected);
    }),
  );
});
