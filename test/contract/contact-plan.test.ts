/** Contacts are looked up by key, though PostgreSQL knows nothing of a new tenant yet: an import would read all that it has written. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Tx } from '../../gateway/platform/database.ts';
import { contactsByPhone, findContacts } from '../../gateway/tenants/contacts.ts';
import { saveContacts } from '../../gateway/tenants/save-contacts.ts';
import { insertTag, phonesOfTags } from '../../gateway/tenants/tags.ts';
import { walkContacts } from '../../gateway/tenants/walk-contacts.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';
import { fillPlanTenants, planTenants, rowsReadOf } from '../harness/rows-read.ts';

const people = 2_000;
const step = 50;
const phone = (n: number) => String(905_320_000_000 + n);
/** Anywhere among them, as in a file in no order. */
const some = Array.from({ length: step }, (_, i) => (i * 769) % people);

onEachEngine((engine, open) => {
  if (engine === 'sqlite') return;

  let db: TestDatabase;
  beforeEach(async () => {
    db = await open();
    const { database } = db;
    const save = (tx: Tx, tenantId: string) =>
      saveContacts(
        tx,
        tenantId,
        Array.from({ length: people }, (_, n) => ({ phone: phone(n), original: phone(n), tags: [1] })),
        { onDuplicate: 'update', now: 1 },
      );
    await fillPlanTenants(database, 'contacts, contact_tags, former_phones', async tenantId => {
      await database.transact(tx => insertTag(tx, tenantId, { id: 1, name: 'all', createdAt: 1 }));
      await database.transact(tx => save(tx, tenantId));
    });
  });
  afterEach(() => db.close());

  const rowsRead = (work: (tx: Tx) => Promise<unknown>) => rowsReadOf(db.database, 'contacts', work);

  test('by phone, those that are there and those that are not', async () => {
    const rows = await rowsRead(async tx => {
      const known = await contactsByPhone(tx, 'new', some.map(phone));
      assert.equal(known.size, step);
    });
    // By phone in the index, then what stands between the first and the last of their ids, in no order.
    assert.ok(rows <= 2 * step + 2 * people, `${rows} rows read`);
    const none = await rowsRead(tx =>
      contactsByPhone(
        tx,
        'new',
        some.map(n => phone(n + people)),
      ),
    );
    assert.ok(none <= step, `${none} rows read for none`);
  });

  test('by ids that were made together', async () => {
    const rows = await rowsRead(async tx => {
      const ids = Array.from({ length: step }, (_, i) => 500 + i);
      assert.equal((await findContacts(tx, 'new', ids)).length, step);
    });
    assert.ok(rows <= 3 * step, `${rows} rows read`);
  });

  for (const tenantId of planTenants)
    test(`slices of a tag, of a tenant that is ${tenantId}`, async () => {
      const rows = await rowsRead(async tx => {
        let after = '';
        for (let slice = 0; slice < 4; slice++) {
          const { contacts, next } = await walkContacts(tx, tenantId, { tag: 1 }, after, step);
          assert.equal(contacts.length, step);
          after = next!;
        }
        assert.equal(Number(after), 4 * step);
      });
      assert.ok(rows <= 3 * 4 * step, `${rows} rows read`);
    });

  test('the first phones of a tag', async () => {
    const rows = await rowsRead(async tx => {
      assert.equal((await phonesOfTags(tx, 'new', [1], step)).length, step);
    });
    assert.ok(rows <= 3 * step, `${rows} rows read`);
  });
});
