/** What every engine promises of a transaction: all or nothing, each for itself, and nothing after its end. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { type Tx, together } from '../../gateway/platform/database.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';

onEachEngine((_engine, open) => {
  let db: TestDatabase;
  beforeEach(async () => {
    db = await open();
    await db.database.transact(tx => tx.all('create table letters (letter text primary key)'));
  });
  afterEach(async () => {
    // The database is used again.
    await db.database.transact(tx => tx.all('drop table letters'));
    await db.close();
  });

  const write = (tx: Tx, letter: string) => tx.all('insert into letters (letter) values ($1)', [letter]);
  const letters = async () =>
    (await db.database.all<{ letter: string }>('select letter from letters order by letter')).map(
      row => row.letter,
    );

  test('one that fails costs nothing to those that are committed beside it', async () => {
    const ends = await Promise.allSettled([
      db.database.transact(tx => write(tx, 'a')),
      db.database.transact(async tx => {
        await write(tx, 'b');
        await write(tx, 'a');
      }),
      db.database.transact(async tx => {
        await write(tx, 'c');
        throw new Error('no');
      }),
      db.database.transact(tx => write(tx, 'd')),
    ]);
    assert.deepEqual(
      ends.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(await letters(), ['a', 'd']);
  });

  test('a part that fails is no reason for the others to outlive the transaction', async () => {
    const slowly = async (tx: Tx, letter: string) => {
      for (let i = 0; i < 5; i++) await tx.all('select 1 as one');
      await write(tx, letter);
    };
    const failing = db.database.transact(tx =>
      together([slowly(tx, 'a'), Promise.reject(new Error('no')), slowly(tx, 'b')]),
    );
    await assert.rejects(failing, /no/);
    assert.deepEqual(await letters(), []);
  });

  test('a statement after the end is refused', async () => {
    let kept: Tx | undefined;
    await db.database.transact(async tx => {
      kept = tx;
      await write(tx, 'a');
    });
    await assert.rejects(write(kept!, 'b'), /after the end of its transaction/);
    assert.deepEqual(await letters(), ['a']);
  });

  test('a failed statement that was overlooked commits nothing', async () => {
    const overlooking = db.database.transact(async tx => {
      await write(tx, 'a');
      await write(tx, 'a').catch(() => undefined);
      return 'done';
    });
    const end = await overlooking.then(
      () => 'committed',
      () => 'refused',
    );
    // PostgreSQL gives the whole transaction up; SQLite the statement. Either is told as it is.
    assert.deepEqual(await letters(), end === 'committed' ? ['a'] : []);
  });
});
