/** However many hang, whoever is quick finds a place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPlaces, type Place } from './places.ts';

test('what hangs moves out of the way of what is quick, and its owner hears of it', async () => {
  const places = createPlaces({ quickMax: 2, slowMax: 3, slowAfterMs: 20 });
  const late: number[] = [];
  for (const n of [0, 1]) places.take('quick')!.late = () => late.push(n);
  assert.equal(places.take('quick'), undefined);
  const next = await new Promise<Place>(resolve => places.wait('quick', resolve));
  assert.equal(next.kind, 'quick');
  assert.deepEqual(late, [0, 1]);
  assert.deepEqual(places.taken(), { quick: 1, slow: 2 });
  places.stop();
});

test('what is under way at all is bounded', async () => {
  const places = createPlaces({ quickMax: 2, slowMax: 1, slowAfterMs: 20 });
  const held: Place[] = [places.take('quick')!, places.take('quick')!];
  held.push(await new Promise<Place>(resolve => places.wait('quick', resolve)));
  // Three are under way and late; the fourth gets a place when one of them ends.
  let got: Place | undefined;
  const waits = new Promise<void>(resolve =>
    places.wait('quick', place => {
      got = place;
      resolve();
    }),
  );
  assert.equal(got, undefined);
  places.give(held.find(({ kind }) => kind === 'quick')!);
  await waits;
  assert.deepEqual(places.taken(), { quick: 2, slow: 1 });
  assert.equal(places.take('slow'), undefined);
  places.stop();
});

test('who asked first is served first, also before who asks only now', () => {
  const places = createPlaces({ quickMax: 1, slowMax: 1, slowAfterMs: 10_000 });
  const only = places.take('quick')!;
  const served: string[] = [];
  places.wait('quick', place => {
    served.push('first');
    assert.equal(places.take('quick'), undefined);
    places.give(place);
  });
  places.wait('quick', () => served.push('second'));
  places.give(only);
  assert.deepEqual(served, ['first', 'second']);
  places.stop();
});
