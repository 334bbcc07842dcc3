/** 131048 told by a status: bulk of that number rests as it does after the answer, and an old word pauses nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openLanes } from '../../gateway/messages/pace.ts';
import { onEachEngine } from '../harness/engines.ts';
import { openReceiver } from '../harness/receiver.ts';

const hourMs = 3_600_000;
const now = 1_790_000_000_000;
const number = { tenantId: 'tenant-a', wabaId: '900', appSecret: 's', displayNumber: '15550000007' };

onEachEngine((_engine, open) => {
  test('a failure for spam rests the bulk of its number from the time of the failure', async t => {
    const db = await open();
    const bed = openReceiver(db.database, { now });
    t.after(async () => {
      await bed.close();
      await db.close();
    });
    await bed.connect({ ...number, id: 7, phoneNumberId: '17' });
    await bed.connect({ ...number, id: 8, phoneNumberId: '18' });
    const fail = (phoneNumberId: string, code: number, at: number) => {
      const status = {
        ...{ id: `wamid.${code}.${at}`, status: 'failed', recipient_id: '905321234567' },
        timestamp: String(at / 1000),
        errors: [{ code, title: 'No', error_data: { details: 'no' } }],
      };
      const metadata = { display_phone_number: '15550000007', phone_number_id: phoneNumberId };
      const value = { messaging_product: 'whatsapp', metadata, statuses: [status] };
      const entry = [{ id: '900', changes: [{ field: 'messages', value }] }];
      return bed.post({ object: 'whatsapp_business_account', entry }, 's');
    };
    const restsUntil = async () => {
      const lanes = await db.database.transact(tx => openLanes(tx, 'tenant-a', [7, 8], now));
      return [7, 8].map(numberId => lanes.get(numberId)?.bulkPausedUntil);
    };
    for (const code of [131026, 131047, 131049, 130429]) await fail('17', code, now);
    assert.deepEqual(await restsUntil(), [0, 0]);
    assert.equal(await fail('17', 131048, now), 'committed');
    assert.deepEqual(await restsUntil(), [now + hourMs, 0]);
    await fail('17', 131048, now - 5 * hourMs);
    await fail('18', 131048, now - 5 * hourMs);
    assert.deepEqual(await restsUntil(), [now + hourMs, now - 4 * hourMs]);
  });
});
