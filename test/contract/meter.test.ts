/** Rate limits of keys: never more than the limit in any window, and no refusal below it, whatever the times and processes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KeyLimits } from '../../gateway/canonical/key-limit.ts';
import { closeMeters, openMeters, roomIn } from '../../gateway/messages/policy/meter.ts';
import type { Database } from '../../gateway/platform/database.ts';
import { onEachEngine } from '../harness/engines.ts';

const tenantId = 'tenant-a';

/** One batch: so many requests of one key at one moment. Returns which windows were full. */
function ask(database: Database, keyId: string, limits: KeyLimits, at: number, count: number) {
  return database.transact(async tx => {
    const meters = await openMeters(tx, tenantId, [keyId], at);
    const meter = meters.get(keyId)!;
    const full = Array.from({ length: count }, () => meter.use(limits));
    await closeMeters(tx, tenantId, meters);
    const window = full.find(name => name !== undefined);
    const room = window === undefined ? undefined : await roomIn(tx, tenantId, keyId, meter, window, limits);
    return { full, state: meter.state(limits), room, at: meter.at };
  });
}

/** The rule in its plainest form: all uses, and a look back from each. */
function plainWindow(limits: KeyLimits) {
  let uses: number[] = [];
  let last = 0;
  const since = (at: number, ms: number) => uses.filter(use => use > at - ms).length;
  return {
    use(moment: number): 'sec' | 'min' | undefined {
      // The clock was set back: when the uses of the last minute really were nobody can say, so they count from now.
      if (moment < last - 60_000) {
        uses = uses.filter(use => use > last - 60_000).map(() => moment);
        last = moment;
      }
      const at = Math.max(moment, last);
      if (since(at, 1_000) >= limits.perSecond) return 'sec';
      if (since(at, 60_000) >= limits.perMinute) return 'min';
      last = at;
      uses.push(at);
      return undefined;
    },
  };
}

onEachEngine((_engine, open) => {
  test('exactly the sliding window, for any times', async () => {
    const db = await open();
    try {
      let key = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.record({
            perSecond: fc.integer({ min: 1, max: 6 }),
            perMinute: fc.integer({ min: 1, max: 40 }),
          }),
          fc.array(
            fc.record({
              after: fc.oneof(
                { weight: 8, arbitrary: fc.integer({ min: -50, max: 1_100 }) },
                { weight: 8, arbitrary: fc.integer({ min: 0, max: 70_000 }) },
                { weight: 1, arbitrary: fc.integer({ min: -400_000, max: -50_000 }) },
              ),
              count: fc.integer({ min: 1, max: 8 }),
            }),
            { minLength: 1, maxLength: 40 },
          ),
          async (limits, batches) => {
            const keyId = `key-${key++}`;
            const plain = plainWindow(limits);
            let at = 100_000_000;
            for (const { after, count } of batches) {
              at += after;
              const { full } = await ask(db.database, keyId, limits, at, count);
              assert.deepEqual(
                full,
                Array.from({ length: count }, () => plain.use(at)),
              );
            }
          },
        ),
        { numRuns: 40 },
      );
    } finally {
      await db.close();
    }
  });

  test('a refusal names the very moment at which there is room again', async () => {
    const db = await open();
    try {
      const limits = { perSecond: 2, perMinute: 3 };
      await ask(db.database, 'k', limits, 10_000, 1);
      await ask(db.database, 'k', limits, 10_400, 1);
      const sec = await ask(db.database, 'k', limits, 10_500, 1);
      assert.deepEqual(sec.room, { window: 'sec', limit: 2, retryAfterMs: 500 });
      assert.equal((await ask(db.database, 'k', limits, 10_999, 1)).full[0], 'sec');
      assert.equal((await ask(db.database, 'k', limits, 11_000, 1)).full[0], undefined);
      const min = await ask(db.database, 'k', limits, 12_500, 1);
      assert.deepEqual(min.room, { window: 'min', limit: 3, retryAfterMs: 57_500 });
      assert.deepEqual(min.state, { ...limits, remainingSecond: 2, remainingMinute: 0 });
      assert.equal((await ask(db.database, 'k', limits, 69_999, 1)).full[0], 'min');
      assert.equal((await ask(db.database, 'k', limits, 70_000, 1)).full[0], undefined);
    } finally {
      await db.close();
    }
  });

  test('a clock that is set back by an hour closes a key for a minute at most', async () => {
    const db = await open();
    try {
      const limits = { perSecond: 2, perMinute: 3 };
      const hour = 3_600_000;
      await ask(db.database, 'k', limits, 2 * hour, 1);
      await ask(db.database, 'k', limits, 2 * hour + 30_000, 2);
      const back = hour + 30_000;
      const first = await ask(db.database, 'k', limits, back, 1);
      assert.deepEqual([first.full, first.room?.retryAfterMs], [['sec'], 1_000]);
      assert.deepEqual((await ask(db.database, 'k', limits, back + 1_000, 1)).full, ['min']);
      assert.deepEqual((await ask(db.database, 'k', limits, back + 59_999, 1)).full, ['min']);
      const later = await ask(db.database, 'k', limits, back + 60_000, 3);
      assert.deepEqual(later.full, [undefined, undefined, 'sec']);
    } finally {
      await db.close();
    }
  });

  test('many at once, from several processes, take exactly what there is', async () => {
    const db = await open();
    try {
      const limits = { perSecond: 80, perMinute: 4_800 };
      const asked = await Promise.all(
        Array.from({ length: 50 }, () => ask(db.database, 'k', limits, 5_000, 4)),
      );
      assert.equal(asked.flatMap(({ full }) => full).filter(name => name === undefined).length, 80);
    } finally {
      await db.close();
    }
  });

  test('old notes are forgotten, and forgetting changes no answer', async () => {
    const db = await open();
    try {
      const limits = { perSecond: 1_000, perMinute: 2_000 };
      const plain = plainWindow(limits);
      for (let at = 1_000; at < 200_000; at += 500) {
        const { full } = await ask(db.database, 'k', limits, at, 20);
        assert.deepEqual(
          full,
          Array.from({ length: 20 }, () => plain.use(at)),
        );
      }
      const [{ n } = { n: 0 }] = await db.database.all<{ n: number }>(
        'select count(*) as n from key_uses where tenant_id = $1 and key_id = $2',
        [tenantId, 'k'],
      );
      assert.ok(n < 200, `${n} notes`);
    } finally {
      await db.close();
    }
  });
});
