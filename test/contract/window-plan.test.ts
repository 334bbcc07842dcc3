/** Windows are read by key, though PostgreSQL knows nothing of a new tenant yet: each send asks for one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readWindows } from '../../gateway/messages/policy/people.ts';
import { onEachEngine } from '../harness/engines.ts';
import { fillPlanTenants, planTenants, rowsReadOf } from '../harness/rows-read.ts';

const kept = 3_000;
const step = 50;
const numbers = { known: 7, new: 8 };
const recipient = (n: number) => String(905_320_000_000 + n);

onEachEngine((engine, open) => {
  if (engine === 'sqlite') return;

  for (const tenantId of planTenants)
    test(`of a tenant that is ${tenantId}`, async t => {
      const { database, close } = await open();
      t.after(close);
      await fillPlanTenants(database, 'windows', tenant =>
        database.all(
          `insert into windows (tenant_id, number_id, recipient, opened_at, closes_at)
           select $1, cast($2 as bigint), cast(${recipient(0)} + n as text), 1, 2 from generate_series(1, ${kept}) n`,
          [tenant, numbers[tenant]],
        ),
      );
      // Anywhere among them.
      const pairs = Array.from({ length: step }, (_, i) => ({
        ...{ numberId: numbers[tenantId], recipient: recipient(1 + ((i * 769) % kept)) },
      }));
      const rows = await rowsReadOf(database, 'windows', async tx => {
        assert.equal((await readWindows(tx, tenantId, pairs)).size, step);
      });
      assert.ok(rows <= 3 * step, `${rows} rows read`);
    });
});
