/** A step of a broadcast reads about as many rows of its ledger as it moves, though PostgreSQL knows nothing of a new broadcast yet. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import {
  insertRecipients,
  knownPersons,
  moveRecipients,
  waitingRecipients,
} from '../../gateway/broadcasts/recipients.ts';
import type { Tx } from '../../gateway/platform/database.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';
import { rowsReadOf } from '../harness/rows-read.ts';

const key = { tenantId: 'tenant-a', broadcastId: 'new' };
const people = 3_000;
const step = 50;
const table = 'broadcast_recipients';

onEachEngine((engine, open) => {
  if (engine === 'sqlite') return;

  let db: TestDatabase;
  beforeEach(async () => {
    db = await open();
    await db.database.all(`alter table ${table} set (autovacuum_enabled = off)`);
    const phones = Array.from({ length: people }, (_, i) => String(905_320_000_000 + i));
    await db.database.transact(tx =>
      insertRecipients(
        tx,
        key,
        phones.map(phone => ({
          phone,
          contactId: null,
          variables: null,
          timeZone: null,
          dueAt: 0,
          reason: null,
        })),
      ),
    );
  });
  afterEach(() => db.close());

  const rowsRead = (work: (tx: Tx) => Promise<unknown>) => rowsReadOf(db.database, table, work);

  test('those that are taken next', async () => {
    const rows = await rowsRead(async tx => {
      const next = await waitingRecipients(tx, key, 1_000, step);
      assert.equal(next.length, step);
      await moveRecipients(
        tx,
        key,
        next.map(({ person }) => ({ person, messageId: `m ${person}` })),
      );
    });
    // Each counts in the index and as the row that it leads to, once to be read and once to be moved.
    assert.ok(rows <= 5 * step, `${rows} rows read`);
  });

  test('those who are there already', async () => {
    const some = Array.from({ length: step }, (_, i) => String(905_320_001_000 + i));
    const rows = await rowsRead(async tx => {
      assert.equal((await knownPersons(tx, key, some)).size, step);
    });
    assert.ok(rows <= 3 * step, `${rows} rows read`);
  });
});
