/** A message that is committed while a claim looks elsewhere must still wake its lane: a process may die before the next claim. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { newId } from '../../gateway/canonical/ids.ts';
import { closeLanes, createLane, dueLanes, markDue, openLanes } from '../../gateway/messages/pace.ts';
import { claimMessages, insertMessages } from '../../gateway/messages/queue.ts';
import { onEachEngine } from '../harness/engines.ts';
import { newMessage } from '../harness/new-message.ts';

onEachEngine((engine, open) => {
  test('a claim never writes "nothing due" over a message it could not see', async () => {
    const db = await open();
    const lane = { tenantId: 'tenant-a', numberId: 7 };
    await db.database.transact(tx => createLane(tx, lane, 80));
    await db.database.transact(tx => markDue(tx, lane, 500));
    let commit = () => {};
    let inserted = () => {};
    const isInserted = new Promise<void>(resolve => (inserted = resolve));
    const mayCommit = new Promise<void>(resolve => (commit = resolve));
    const accepting = db.database.transact(async tx => {
      const message = newMessage({ ...lane, id: newId(), dueAt: 1_000 });
      await insertMessages(tx, lane.tenantId, [{ message, claim: null }]);
      await markDue(tx, lane, 1_000);
      inserted();
      await mayCommit;
    });
    await isInserted;
    const other = engine === 'postgres' ? db.reopen() : db.database;
    const claiming = other.transact(async tx => {
      const { tenantId, numberId } = lane;
      await openLanes(tx, tenantId, [numberId], 2_000);
      const asks = [{ numberId, limit: 10, bulk: true }];
      const taken = await claimMessages(tx, tenantId, asks, 900, { by: 'another', until: 9 });
      const { nextDueAt: dueAt } = taken.get(numberId)!;
      await closeLanes(tx, tenantId, [{ numberId, nextUs: 0, dueAt, sweepAt: null }]);
    });
    // Either the claim waits for the lane, or it is done by now and has overlooked the message.
    await Promise.race([claiming, sleep(300)]);
    commit();
    await Promise.all([accepting, claiming]);
    assert.deepEqual(await dueLanes(db.database, 2_000, 10), [lane]);
    await db.close();
  });
});
