/** Windows, free entry points and opt-outs on both engines: the latest word counts, in whatever order and company it comes. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import {
  knownNames,
  listWindows,
  type Opening,
  openWindows,
  setFreeUntil,
} from '../../gateway/inbound/windows.ts';
import {
  isFree,
  openFreeEntries,
  pairName,
  readOptOuts,
  readWindows,
} from '../../gateway/messages/policy/people.ts';
import { createSeal } from '../../gateway/platform/seal.ts';
import {
  findOptOut,
  hideOptOut,
  listOptOuts,
  markOptOuts,
  type OptOutMark,
} from '../../gateway/tenants/opt-outs.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';

const tenantId = 'tenant-a';
const hour = 3_600_000;
const day = 24 * hour;
const seal = createSeal(randomBytes(32));

/** The same things in another order and other batches. */
const shuffled = <T>(one: fc.Arbitrary<T>) =>
  fc
    .array(one, { minLength: 1, maxLength: 12 })
    .chain(all =>
      fc.tuple(
        fc.constant(all),
        fc.shuffledSubarray(all, { minLength: all.length }),
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: all.length, maxLength: all.length }),
      ),
    );

function batches<T>(all: T[], sizes: number[]): T[][] {
  const rest = [...all];
  return sizes.map(size => rest.splice(0, size)).filter(batch => batch.length > 0);
}

onEachEngine((_engine, open) => {
  let db: TestDatabase;
  beforeEach(async () => {
    db = await open();
  });
  afterEach(() => db.close());

  const opened = (...openings: Opening[]) => db.database.transact(tx => openWindows(tx, tenantId, openings));
  const opening = (at: number, overrides: Partial<Opening> = {}): Opening => ({
    ...{ numberId: 7, names: ['905321234567'], at, referred: false },
    ...overrides,
  });
  const windowOf = async (recipient: string, numberId = 7) =>
    (await db.database.transact(tx => readWindows(tx, tenantId, [{ numberId, recipient }]))).get(
      pairName(numberId, recipient),
    );
  const answered = (recipient: string, now: number, status: 'queued' | 'scheduled' | 'failed' = 'queued') =>
    db.database.transact(async tx => {
      const messages = [{ numberId: 7, recipient, status }];
      await openFreeEntries(tx, tenantId, messages, await readWindows(tx, tenantId, messages), now);
    });
  const freeUntil = (names: string[], until: number) =>
    db.database.transact(tx => setFreeUntil(tx, tenantId, [{ numberId: 7, names, until }]));

  describe('windows', () => {
    test('whatever the order and the batches, the latest message decides, and an ad is not forgotten', async () => {
      const one = fc.record({
        numberId: fc.constantFrom(7, 8),
        names: fc.constantFrom<string[][]>(['1'], ['1', 'US.A'], ['2'], ['US.A']),
        at: fc.integer({ min: 1, max: 20 }).map(n => n * 1_000),
        referred: fc.boolean(),
      });
      let round = 0;
      await fc.assert(
        fc.asyncProperty(shuffled(one), async ([all, order, sizes]) => {
          const tenant = `tenant-${++round}`;
          for (const batch of batches(order, sizes))
            await db.database.transact(tx => openWindows(tx, tenant, batch));
          for (const numberId of [7, 8]) {
            for (const name of ['1', '2', 'US.A']) {
              const mine = all.filter(
                opening => opening.numberId === numberId && opening.names.includes(name),
              );
              const read = await db.database.transact(tx =>
                readWindows(tx, tenant, [{ numberId, recipient: name }]),
              );
              const window = read.get(pairName(numberId, name));
              assert.equal(window === undefined, mine.length === 0);
              if (window === undefined) continue;
              assert.equal(window.closesAt, Math.max(...mine.map(({ at }) => at)) + day);
              const referred = mine.filter(opening => opening.referred).map(({ at }) => at);
              assert.equal(window.referredAt, referred.length === 0 ? null : Math.max(...referred));
              const [listed] = (await listWindows(db.database, tenant, name)).filter(
                ({ number }) => number === numberId,
              );
              assert.equal(listed!.closesAt, listed!.openedAt + day);
            }
          }
        }),
        { numRuns: 60 },
      );
    });

    test('a person who is known by several names has its window under each', async () => {
      await opened(opening(hour, { names: ['551187654321', 'BR.ABC'] }));
      for (const name of ['551187654321', '5511987654321', 'BR.ABC'])
        assert.equal((await windowOf(name))?.closesAt, hour + day, name);
      // A later message that withholds the phone number still leads to it.
      await opened(opening(2 * hour, { names: ['BR.ABC'] }));
      const all = ['551187654321', '5511987654321', 'BR.ABC'];
      for (const name of all)
        assert.deepEqual((await knownNames(db.database, tenantId, name)).toSorted(), all.toSorted());
    });
  });

  describe('free entry point', () => {
    const ad = (at: number) => opening(at, { names: ['905321234567', 'TR.ABC'], referred: true });

    test('opens with our first answer within a day of the ad, for 72 hours, and leaves the window as it is', async () => {
      await opened(ad(hour));
      assert.equal(isFree(await windowOf('905321234567'), 2 * hour), true);
      for (const status of ['scheduled', 'failed'] as const) await answered('905321234567', 2 * hour, status);
      assert.equal((await windowOf('905321234567'))?.freeUntil, null);
      await answered('905321234567', 2 * hour);
      for (const name of ['905321234567', 'TR.ABC']) {
        const window = await windowOf(name);
        assert.deepEqual([window?.freeUntil, window?.referredAt], [74 * hour, null], name);
        assert.equal(window?.closesAt, hour + day);
        assert.deepEqual([isFree(window, 74 * hour - 1), isFree(window, 74 * hour)], [true, false]);
      }
      // The second answer opens nothing, by whichever name; another ad does.
      await answered('TR.ABC', 3 * hour);
      assert.equal((await windowOf('905321234567'))?.freeUntil, 74 * hour);
      await opened(ad(10 * hour));
      await answered('TR.ABC', 11 * hour);
      assert.equal((await windowOf('905321234567'))?.freeUntil, 83 * hour);
    });

    test('an answer after a day opens none, and no ad none', async () => {
      await opened(ad(hour), opening(hour, { names: ['1'] }));
      await answered('905321234567', hour + day);
      await answered('1', hour);
      assert.equal((await windowOf('905321234567'))?.freeUntil, null);
      assert.equal((await windowOf('1'))?.freeUntil, null);
      assert.equal(isFree(await windowOf('905321234567'), hour + day), false);
      assert.equal(isFree(undefined, hour), false);
    });

    test("Meta's own word stands, unless it is of an earlier ad", async () => {
      await opened(ad(hour));
      await answered('905321234567', 20 * hour);
      await freeUntil(['TR.ABC'], 90 * hour);
      assert.equal((await windowOf('TR.ABC'))?.freeUntil, 90 * hour);
      assert.equal((await windowOf('905321234567'))?.freeUntil, 92 * hour);
      await freeUntil(['905321234567', 'TR.ABC'], 93 * hour);
      assert.equal((await windowOf('905321234567'))?.freeUntil, 93 * hour);
      await freeUntil(['905321234567'], 50 * hour);
      assert.equal((await windowOf('905321234567'))?.freeUntil, 93 * hour);
      await freeUntil(['nobody'], 50 * hour);
      assert.equal(await windowOf('nobody'), undefined);
    });
  });

  describe('opt-outs', () => {
    const mark = (...marks: OptOutMark[]) =>
      db.database.transact(tx => markOptOuts(tx, seal, tenantId, marks));
    const said = (state: 'out' | 'in', at: number, names = ['1']): OptOutMark => ({
      ...{ names, state, at, source: 'message' },
    });
    const isOut = async (name: string, keeper: typeof seal | undefined = seal) =>
      (await db.database.transact(tx => readOptOuts(tx, tenantId, [name, 'somebody'], keeper))).has(name);
    const hide = (name: string, until = 1_000) =>
      db.database.transact(tx => hideOptOut(tx, seal, tenantId, name, until));

    test('whatever the order, the batches and the repeats, the latest word counts', async () => {
      const one = fc.record({
        names: fc.constantFrom<string[][]>(['1'], ['1', '2'], ['2']),
        state: fc.constantFrom('out' as const, 'in' as const),
        at: fc.integer({ min: 1, max: 6 }),
        source: fc.constantFrom('message' as const, 'meta' as const, 'api' as const),
      });
      let round = 0;
      await fc.assert(
        fc.asyncProperty(shuffled(one), fc.boolean(), async ([all, order, sizes], repeats) => {
          const tenant = `tenant-${++round}`;
          for (const batch of [...batches(order, sizes), ...(repeats ? batches(all, sizes) : [])])
            await db.database.transact(tx => markOptOuts(tx, seal, tenant, batch));
          for (const name of ['1', '2']) {
            const mine = all.filter(({ names }) => names.includes(name));
            const latest = Math.max(...mine.map(({ at }) => at));
            // In one and the same second the safe one.
            const out = mine.some(({ at, state }) => at === latest && state === 'out');
            assert.equal((await findOptOut(db.database, seal, tenant, name)) !== undefined, out);
            const read = await db.database.transact(tx => readOptOuts(tx, tenant, [name], seal));
            assert.equal(read.has(name), out);
          }
        }),
        { numRuns: 60 },
      );
    });

    test('an erasure leaves the wish and not the name', async () => {
      await mark(said('out', 10, ['1', 'US.A']));
      assert.deepEqual(await hide('1'), ['1', 'US.A']);
      assert.deepEqual(await hide('US.A'), ['1', 'US.A']);
      assert.equal(await hide('1'), undefined);
      assert.deepEqual(await listOptOuts(db.database, tenantId, '', 10), []);
      const rows = await db.database.all<{ recipient: string; names: string | null }>(
        `select recipient, names from opt_outs where tenant_id = $1`,
        [tenantId],
      );
      assert.equal(rows.length, 2);
      for (const { recipient, names } of rows) {
        assert.match(recipient, /^hash:[0-9a-f]{64}$/);
        assert.equal(names, null);
      }
      assert.deepEqual([await isOut('1'), await isOut('US.A'), await isOut('2')], [true, true, false]);
      assert.equal(await isOut('1', createSeal(randomBytes(32))), false);
    });

    test('who comes back after an erasure is heard; an older word is not', async () => {
      await mark(said('out', 10));
      await hide('1');
      await mark(said('in', 9));
      assert.equal(await isOut('1'), true);
      await mark(said('in', 11));
      assert.equal(await isOut('1'), false);
      await mark(said('out', 12));
      assert.equal(await isOut('1'), true);
      await hide('1');
      assert.equal(await isOut('1'), true);
      await mark(said('in', 13));
      await hide('1');
      assert.equal(await isOut('1'), false);
    });

    test('what was said after the erasure was asked for stays', async () => {
      await mark(said('out', 2_000));
      assert.equal(await hide('1'), undefined);
      assert.equal((await findOptOut(db.database, seal, tenantId, '1'))?.at, 2_000);
    });

    test('listed by recipient, page by page, without those who came back', async () => {
      await mark(said('out', 1, ['c', 'a', 'b', 'd']), said('in', 2, ['b']));
      const page = async (after: string) =>
        (await listOptOuts(db.database, tenantId, after, 2)).map(({ recipient }) => recipient);
      assert.deepEqual([await page(''), await page('c'), await page('d')], [['a', 'c'], ['d'], []]);
      assert.deepEqual(await listOptOuts(db.database, 'tenant-b', '', 2), []);
    });
  });
});
