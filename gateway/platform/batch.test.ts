import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchFull, createBatcher } from './batch.ts';

/** Batches of numbers that weigh what they are; each batch ends when the test says so. */
function weighing(sizeMax: number, waitingMax: number) {
  const batches: number[][] = [];
  let end = () => {};
  const batcher = createBatcher<number, number>({
    sizeMax,
    waitingMax,
    weigh: item => item,
    run: items =>
      new Promise(resolve => {
        batches.push(items);
        end = () => resolve(items);
      }),
  });
  const turn = () => new Promise(resolve => setImmediate(() => setImmediate(resolve)));
  return { batcher, batches, end: () => end(), turn };
}

test('a batch takes what fits by weight, and one item whatever it weighs', async () => {
  const { batcher, batches, end, turn } = weighing(10, 1_000);
  const all = [4, 5, 2, 50, 1].map(weight => batcher.add(weight));
  for (let i = 0; i < 4; i++) {
    await turn();
    end();
  }
  await Promise.all(all);
  assert.deepEqual(batches, [[4, 5], [2], [50], [1]]);
});

test('what waits is bounded by weight: more is refused at once, and taken again when there is room', async () => {
  const { batcher, end, turn } = weighing(10, 20);
  const running = batcher.add(9);
  await turn();
  const waiting = [batcher.add(15), batcher.add(5)];
  await assert.rejects(batcher.add(1), BatchFull);
  end();
  await running;
  await turn();
  const late = batcher.add(15);
  for (let i = 0; i < 3; i++) {
    await turn();
    end();
  }
  assert.deepEqual(await Promise.all([...waiting, late]), [15, 5, 15]);
});

test('one that is heavier than all the room is taken when nobody waits', async () => {
  const { batcher, end, turn } = weighing(10, 20);
  const heavy = batcher.add(500);
  await assert.rejects(batcher.add(1), BatchFull);
  await turn();
  end();
  assert.equal(await heavy, 500);
});
