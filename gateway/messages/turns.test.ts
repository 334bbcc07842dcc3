import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createTurns } from './turns.ts';

/** Sends as the sender makes them, each at its slot, in a process that stands still now and then; a clock of its own. */
async function play(perSecond: number, stalls: { atMs: number; forMs: number }[], seconds: number) {
  let now = 0;
  let timers: { at: number; wake(): void }[] = [];
  const sleep = (ms: number) => new Promise<void>(wake => timers.push({ at: now + ms, wake }));
  const turns = createTurns({ steadyMs: () => now, sleep });
  const written: number[] = [];
  const send = async (slotMs: number) => {
    if (slotMs - now >= 1) await sleep(slotMs - now);
    await turns.wait({ id: 1, perSecond });
    written.push(now);
  };
  const interval = 1_000 / (perSecond * 0.96);
  const count = Math.floor(seconds * perSecond * 0.96);
  // Claimed a tenth of a second ahead.
  let claimed = 0;
  while (written.length < count) {
    while (claimed < count && claimed * interval <= now + 100) void send(claimed++ * interval);
    await new Promise(resolve => setImmediate(resolve));
    const stall = stalls.find(({ atMs, forMs }) => now >= atMs && now < atMs + forMs);
    now = stall === undefined ? now + 1 : stall.atMs + stall.forMs;
    const due = timers.filter(({ at }) => at <= now);
    timers = timers.filter(({ at }) => at > now);
    for (const { wake } of due) wake();
    await new Promise(resolve => setImmediate(resolve));
  }
  return written;
}

function mostInOneSecond(written: number[]): number {
  let most = 0;
  for (let from = 0, to = 0; to < written.length; to++) {
    while (written[to]! - written[from]! >= 1_000) from++;
    most = Math.max(most, to - from + 1);
  }
  return most;
}

test('a process that stands still again while it catches up does not write what it missed at once', async () => {
  const stalls = [
    { atMs: 1_000, forMs: 300 },
    { atMs: 1_350, forMs: 200 },
  ];
  const written = await play(80, stalls, 3);
  assert.ok(mostInOneSecond(written) <= 80, `${mostInOneSecond(written)} in one second`);
});

test('whenever and for however long it stands still, no second has more than the rate', async () => {
  const stall = fc.record({
    atMs: fc.integer({ min: 0, max: 1_500 }),
    forMs: fc.integer({ min: 1, max: 400 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(20, 80),
      fc.array(stall, { maxLength: 3 }),
      async (perSecond, stalls) => {
        const written = await play(perSecond, stalls, 2);
        assert.ok(mostInOneSecond(written) <= perSecond, `${mostInOneSecond(written)} in one second`);
      },
    ),
    { numRuns: 30 },
  );
});
