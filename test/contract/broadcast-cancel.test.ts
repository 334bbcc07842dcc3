/** Whoever cancels a broadcast may be killed before it has released what the canceled messages held: the feeder finds them. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { charge } from '../../gateway/billing/charge.ts';
import { lockWallet, moveMoney, readWallet } from '../../gateway/billing/wallet.ts';
import { cancelBroadcast, launchBroadcast, unreleased } from '../../gateway/broadcasts/states.ts';
import { findBroadcast, insertBroadcast } from '../../gateway/broadcasts/table.ts';
import { insertMessages } from '../../gateway/messages/queue.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';
import { newMessage } from '../harness/new-message.ts';

const tenantId = 'tenant-a';
const broadcastId = 'b';
const cost = { fee: 1_000, price: 5_000, market: '90', category: 'utility' } as const;

onEachEngine((_engine, open) => {
  let db: TestDatabase;
  beforeEach(async () => {
    db = await open();
  });
  afterEach(() => db.close());

  test('what is held is found until it is released', async () => {
    await db.database.transact(async tx => {
      await insertBroadcast(tx, {
        ...{ tenantId, id: broadcastId, keyId: 'k', dialect: 'native', name: 'b', endpoint: 'messages' },
        ...{ content: { type: 'text', text: { body: 'hi' } }, numberIds: [7], startAt: null, createdAt: 1 },
        audience: { tags: [], filter: null, exclude: { phones: [], tags: [] } },
        options: {
          ...{ perSecond: null, ttlMs: null, timeZone: 'UTC', localStart: null },
          ...{ quietHours: null, callbackData: null, told: null },
        },
      });
      await launchBroadcast(tx, { tenantId, broadcastId }, 'k', null, 1);
      await lockWallet(tx, tenantId);
      await moveMoney(tx, tenantId, { held: 2 * (cost.fee + cost.price), charged: 0 }, 1);
      const messages = [1, 2].map(() => newMessage({ tenantId, broadcastId, priority: 1, cost }));
      await insertMessages(
        tx,
        tenantId,
        messages.map(message => ({ message, claim: null })),
      );
    });
    const canceled = await db.database.transact(tx =>
      cancelBroadcast(tx, { tenantId, broadcastId }, null, 2),
    );
    assert.ok(canceled !== undefined && 'canceled' in canceled && canceled.canceled.length === 2);
    // Here its process ends.
    const broadcast = (await findBroadcast(db.database, tenantId, broadcastId))!;
    const left = await db.database.transact(tx => unreleased(tx, broadcast));
    assert.deepEqual(left.toSorted(), canceled.canceled.toSorted());
    await db.database.transact(tx => charge(tx, [{ tenantId, ids: left }], 3));
    assert.equal((await readWallet(db.database, tenantId)).held, 0);
    assert.deepEqual(await db.database.transact(tx => unreleased(tx, broadcast)), []);
  });
});
