/** Whatever is read in whatever order, and whatever fails: of a conversation one at a time, and in order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DueAttempt } from './attempts.ts';
import { conversationMax, createLineup } from './lineup.ts';

const attempt = (event: number, conversation = '', behind: number | null = null, n = 1): DueAttempt => ({
  ...{ eventId: id(event), n, conversation, dueAt: 0, failures: 0 },
  ...{ behind: behind === null ? null : id(behind), event: undefined },
});
const id = (event: number) => String(event).padStart(6, '0');
const any = () => true;
const ids = (attempts: DueAttempt[]) => attempts.map(({ eventId }) => Number(eventId));

test('without order all of it may go at once, and what is read again is known', () => {
  const lineup = createLineup();
  lineup.add([attempt(1), attempt(2), attempt(3)]);
  lineup.add([attempt(2), attempt(4)]);
  assert.deepEqual(ids(lineup.next(3, any)), [1, 2, 3]);
  assert.deepEqual(ids(lineup.next(3, any)), [4]);
  assert.equal(lineup.hasNext(), false);
  assert.equal(lineup.size(), 4);
});

test('what ended while it was being read is not taken in again', () => {
  const lineup = createLineup();
  lineup.add([attempt(1)]);
  const posted = lineup.next(1, any);
  lineup.reading();
  lineup.end(posted, false);
  lineup.add([attempt(1)]);
  assert.equal(lineup.size(), 0);
  // A later try of the same event is another.
  lineup.add([attempt(1, '', null, 2)]);
  assert.equal(lineup.size(), 1);
});

test('a conversation waits for its first, which may come to light late', () => {
  const lineup = createLineup();
  assert.deepEqual(lineup.add([attempt(3, 'c', 2), attempt(2, 'c', 1)]), { isPartial: true, unknown: ['c'] });
  assert.equal(lineup.size(), 0);
  lineup.add([attempt(3, 'c', 2), attempt(1, 'c'), attempt(2, 'c', 1)]);
  const one = lineup.next(1, any);
  assert.deepEqual(ids(one), [1]);
  assert.equal(lineup.hasNext(), false);
  lineup.end(one, false);
  // Together in one POST they keep their order.
  assert.deepEqual(ids(lineup.next(5, any)), [2, 3]);
});

test('what fails lets nothing pass that stands behind it', () => {
  const lineup = createLineup();
  lineup.add([attempt(1, 'c'), attempt(2, 'c', 1), attempt(3, 'd')]);
  lineup.end(lineup.next(1, any), true);
  assert.deepEqual(ids(lineup.next(5, any)), [3]);
  assert.equal(lineup.size(), 1);
});

test('one conversation does not fill the memory', () => {
  const lineup = createLineup();
  const { isPartial } = lineup.add(
    Array.from({ length: 300 }, (_, n) => attempt(n, 'c', n === 0 ? null : n - 1)),
  );
  assert.equal(isPartial, true);
  assert.equal(lineup.size(), conversationMax);
});

test('what may not travel together does not', () => {
  const lineup = createLineup();
  lineup.add([attempt(1), attempt(2), attempt(13), attempt(4)]);
  assert.deepEqual(ids(lineup.next(9, (a, b) => a.eventId < id(10) === b.eventId < id(10))), [1, 2]);
  assert.deepEqual(ids(lineup.next(9, any)), [13, 4]);
});

/** The table, as far as a lineup sees it. */
interface Pending {
  event: number;
  conversation: string;
  due: boolean;
}

test('any order of reading, posting, failing and coming back', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 30 }),
      fc.array(fc.record({ seed: fc.nat(), fails: fc.boolean(), most: fc.integer({ min: 1, max: 4 }) }), {
        minLength: 200,
        maxLength: 200,
      }),
      (names, steps) => {
        let pending: Pending[] = names.map((conversation, event) => ({ event, conversation, due: true }));
        const lineup = createLineup();
        const underWay: DueAttempt[][] = [];
        const delivered: Record<string, number[]> = { a: [], b: [], c: [] };
        const read = (seed: number) => {
          const found = pending
            .filter(one =>
              pending.every(p => p.conversation !== one.conversation || p.event >= one.event || p.due),
            )
            .filter(one => one.due)
            .map(({ event, conversation }) => {
              const before = pending.filter(p => p.conversation === conversation && p.event < event);
              return attempt(event, conversation, before.at(-1)?.event ?? null);
            });
          // A page of them, from anywhere.
          return found.slice(seed % (found.length + 1)).slice(0, 5);
        };
        const end = (fails: boolean) => {
          const posted = underWay.shift();
          if (posted === undefined) return;
          const events = ids(posted);
          if (fails) for (const one of pending) if (events.includes(one.event)) one.due = false;
          if (!fails) {
            for (const { conversation, eventId } of posted) delivered[conversation]!.push(Number(eventId));
            pending = pending.filter(({ event }) => !events.includes(event));
          }
          lineup.end(posted, fails);
        };
        for (const { seed, fails, most } of steps) {
          lineup.reading();
          lineup.add(read(seed));
          const taken = lineup.next(most, any);
          if (taken.length > 0) underWay.push(taken);
          const busy = underWay.map(posted => new Set(posted.map(one => one.conversation)));
          for (const name of ['a', 'b', 'c']) assert.ok(busy.filter(set => set.has(name)).length <= 1);
          if (seed % 3 > 0) end(fails);
          if (seed % 7 === 0) for (const one of pending) one.due = true;
        }
        while (pending.length > 0) {
          for (const one of pending) one.due = true;
          while (underWay.length > 0) end(false);
          lineup.reading();
          lineup.add(read(0));
          const taken = lineup.next(3, any);
          if (taken.length > 0) underWay.push(taken);
        }
        for (const name of ['a', 'b', 'c']) {
          const expected = names.flatMap((one, event) => (one === name ? [event] : []));
          assert.deepEqual(delivered[name], expected);
        }
      },
    ),
  );
});
