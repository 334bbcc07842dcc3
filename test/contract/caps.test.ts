/** Caps of keys for one day: never more than the cap, and no refusal of what fits, whatever the order and the processes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { closeCaps, openCaps, readKeyDay } from '../../gateway/messages/policy/caps.ts';
import type { Database } from '../../gateway/platform/database.ts';
import type { DayCaps } from '../../gateway/tenants/key-powers.ts';
import { onEachEngine } from '../harness/engines.ts';

const tenantId = 'tenant-a';
const day = Date.UTC(2026, 10, 20);
const dayMs = 86_400_000;

interface Ask {
  keyId: string;
  messages: number;
  micros: number;
}

/** One transaction, as accept makes them. Returns which were let through. */
function ask(database: Database, capsOf: Map<string, DayCaps>, asks: Ask[], at: number): Promise<boolean[]> {
  return database.transact(async tx => {
    const keys = [...new Set(asks.map(({ keyId }) => keyId))];
    const caps = await openCaps(
      tx,
      tenantId,
      keys.map(keyId => ({ keyId, caps: capsOf.get(keyId)! })),
      at,
    );
    const granted = asks.map(({ keyId, messages, micros }) => {
      const cap = caps.get(keyId)!;
      const against = cap.against(messages, micros);
      const taken = cap.take(messages, micros);
      assert.equal(taken, against);
      return taken === undefined;
    });
    await closeCaps(tx, tenantId, caps);
    return granted;
  });
}

const cap = fc.record({
  messages: fc.option(fc.integer({ min: 1, max: 30 })),
  micros: fc.option(fc.integer({ min: 1, max: 300 })),
});
const batches = fc.array(
  fc.record({
    after: fc.constantFrom(0, 1, 1_000, dayMs / 2),
    asks: fc.array(
      fc.record({
        key: fc.nat(2),
        messages: fc.integer({ min: 1, max: 8 }),
        micros: fc.integer({ min: 0, max: 80 }),
      }),
      { minLength: 1, maxLength: 8 },
    ),
  }),
  { minLength: 1, maxLength: 20 },
);

onEachEngine((engine, open) => {
  test('exactly the caps of each key and day of UTC', async () => {
    const db = await open();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.tuple(cap, cap, cap), batches, async (caps, given) => {
        const names = caps.map((_, i) => `key-${run}-${i}`);
        run++;
        const capsOf = new Map(caps.map((one, i) => [names[i]!, one]));
        const used = new Map<string, { messages: number; micros: number }>();
        let at = day;
        for (const { after, asks } of given) {
          at += after;
          const named = asks.map(({ key, ...rest }) => ({ ...rest, keyId: names[key]! }));
          const expected = named.map(({ keyId, messages, micros }) => {
            const name = `${keyId} ${Math.floor(at / dayMs)}`;
            const before = used.get(name) ?? { messages: 0, micros: 0 };
            const { messages: messagesMax, micros: microsMax } = capsOf.get(keyId)!;
            const now = { messages: before.messages + messages, micros: before.micros + micros };
            if (messagesMax !== null && now.messages > messagesMax) return false;
            if (microsMax !== null && micros > 0 && now.micros > microsMax) return false;
            used.set(name, now);
            return true;
          });
          assert.deepEqual(await ask(db.database, capsOf, named, at), expected);
          for (const keyId of names) {
            const stands = used.get(`${keyId} ${Math.floor(at / dayMs)}`) ?? { messages: 0, micros: 0 };
            assert.deepEqual(await readKeyDay(db.database, tenantId, keyId, at), stands);
          }
        }
      }),
      { numRuns: 30 },
    );
    await db.close();
  });

  test('processes side by side: all of the cap is given out, and nothing beyond it', async () => {
    const db = await open();
    // The embedded engine has one process, whose transactions come one after the other.
    const processes = engine === 'postgres' ? [db.database, db.reopen(), db.reopen()] : [db.database];
    const capsOf = new Map<string, DayCaps>([
      ['b', { messages: 50, micros: null }],
      ['a', { messages: null, micros: 700 }],
    ]);
    const granted = { a: 0, b: 0 };
    const work = processes.flatMap((database, p) =>
      Array.from({ length: 120 / processes.length }, async (_, i) => {
        // The keys in either order: locks are taken in one order all the same.
        const keys = (i + p) % 2 === 0 ? (['a', 'b'] as const) : (['b', 'a'] as const);
        const asks = keys.map(keyId => ({ keyId, messages: 1, micros: 10 }));
        for (const [n, yes] of (await ask(database, capsOf, asks, day + i)).entries())
          if (yes) granted[keys[n]!]++;
      }),
    );
    await Promise.all(work);
    assert.deepEqual(granted, { a: 70, b: 50 });
    await db.close();
  });

  test('what is rolled back takes nothing, and another tenant with the same key id has its own day', async () => {
    const db = await open();
    const caps = { messages: 5, micros: null };
    await assert.rejects(
      db.database.transact(async tx => {
        const opened = await openCaps(tx, tenantId, [{ keyId: 'k', caps }], day);
        opened.get('k')!.take(5, 0);
        await closeCaps(tx, tenantId, opened);
        throw new Error('the commit that never was');
      }),
      /never was/,
    );
    assert.deepEqual(
      await ask(db.database, new Map([['k', caps]]), [{ keyId: 'k', messages: 5, micros: 0 }], day),
      [true],
    );
    assert.deepEqual(await readKeyDay(db.database, 'tenant-b', 'k', day), { messages: 0, micros: 0 });
    await db.close();
  });

  test('days long past go', async () => {
    const db = await open();
    const capsOf = new Map<string, DayCaps>([['k', { messages: 5, micros: null }]]);
    for (const later of [0, 1, 30, 36, 37])
      await ask(db.database, capsOf, [{ keyId: 'k', messages: 1, micros: 0 }], day + later * dayMs);
    const rows = await db.database.all<{ day: string }>(
      'select day from key_days where tenant_id = $1 order by day',
      [tenantId],
    );
    assert.deepEqual(
      rows.map(row => row.day),
      ['2026-12-20', '2026-12-26', '2026-12-27'],
    );
    await db.close();
  });
});
