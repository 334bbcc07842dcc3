/** Announcements: an event stands where its change stands, once, and nothing is written where nobody listens. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import type { EventType } from '../../gateway/canonical/event.ts';
import { advance, type StatusReport } from '../../gateway/messages/advance.ts';
import { createChangeAnnouncer } from '../../gateway/messages/announce-changes.ts';
import { insertMessages } from '../../gateway/messages/queue.ts';
import { settle } from '../../gateway/messages/settle.ts';
import type { Database, Tx } from '../../gateway/platform/database.ts';
import { noNotices } from '../../gateway/platform/notices.ts';
import { createSeal } from '../../gateway/platform/seal.ts';
import { createEndpointBook } from '../../gateway/tenants/endpoint-book.ts';
import { type Endpoint, saveEndpoint } from '../../gateway/tenants/endpoints.ts';
import { createAnnouncer } from '../../gateway/webhooks/announce.ts';
import type { EndpointKey } from '../../gateway/webhooks/states.ts';
import { announceChanges, statusChange } from '../harness/announcing.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';
import { newMessage } from '../harness/new-message.ts';

const tenantId = 'tenant-a';
const now = () => 5_000;
const seal = createSeal(Buffer.alloc(32, 7));

const endpoint = (overrides: Partial<Endpoint> = {}): Endpoint => ({
  tenantId,
  id: 'ep-1',
  numberId: null,
  url: 'https://customer.example/hook',
  format: 'standard',
  events: ['*'],
  door: 'native',
  doorData: {},
  description: '',
  ordered: false,
  batchMax: 1,
  perSecond: null,
  secrets: [{ secret: 'whsec_c2VjcmV0', until: null }],
  headers: {},
  signsWith: 'endpoint',
  status: 'active',
  statusReason: null,
  statusAt: 1,
  createdAt: 1,
  updatedAt: 1,
  ...overrides,
});

onEachEngine((engine, open) => {
  let db: TestDatabase;
  beforeEach(async () => {
    db = await open();
    await db.database.transact(tx =>
      tx.all(
        `insert into numbers (tenant_id, id, phone_number_id, waba_id, display_number, verified_name, access_token, app_secret,
           verify_token, status, created_at, updated_at)
         values ($1, 7, '106540352242922', '102290129340398', '15550783881', 'Us', '', '', '', 'connected', 1, 1)`,
        [tenantId],
      ),
    );
  });
  afterEach(() => db.close());

  const listen = (...endpoints: Endpoint[]) =>
    db.database.transact(async tx => {
      for (const one of endpoints) await saveEndpoint(tx, seal, one);
    });
  const insert = async (overrides = {}) => {
    const message = newMessage(overrides);
    await db.database.transact(tx => insertMessages(tx, tenantId, [{ message, claim: null }]));
    return message;
  };
  const report = (id: string, status: StatusReport['status'], at = 2_000): StatusReport => ({
    ...{ tenantId, numberId: 7, messageId: id, wamid: `wamid.${id}`, status, at, waId: null, pricing: null },
    error: status === 'failed' ? '{"reason":"131026 Message undeliverable","meta":null}' : null,
    change: statusChange(`wamid.${id}`, status, { biz_opaque_callback_data: id }),
  });
  const tell = (reports: StatusReport[], database: Database = db.database) =>
    database.transact(async tx => announceChanges(now)(tx, (await advance(tx, tenantId, reports)).changes));
  const events = () =>
    db.database.all<{ id: string; type: EventType; message_id: string; data: string; meta: string | null }>(
      'select id, type, message_id, data, meta from events where tenant_id = $1 order by id',
      [tenantId],
    );
  const attempts = () =>
    db.database.all<{ endpoint_id: string; event_id: string; conversation: string; state: string }>(
      'select endpoint_id, event_id, conversation, state from attempts where tenant_id = $1 order by endpoint_id, event_id',
      [tenantId],
    );
  const types = async () => (await events()).map(({ type }) => type);

  test('nothing is written for a tenant without endpoints', async () => {
    const { id } = await insert();
    await tell([report(id, 'delivered')]);
    assert.deepEqual(await events(), []);
  });

  test('each status is told once, however often and in whatever company Meta tells it', async () => {
    await listen(endpoint());
    const { id } = await insert();
    await tell([report(id, 'sent')]);
    await tell([report(id, 'sent'), report(id, 'delivered')]);
    await tell([report(id, 'delivered'), report(id, 'sent')]);
    await tell([report(id, 'read'), report(id, 'read')]);
    assert.deepEqual(await types(), ['message.sent', 'message.delivered', 'message.read']);
  });

  test("what Meta told is kept as it is, with the caller's own callback data or none", async () => {
    await listen(endpoint());
    const mine = await insert({ callbackData: 'mine' });
    const none = await insert();
    await tell([report(mine.id, 'delivered'), report(none.id, 'delivered')]);
    const told = Object.fromEntries((await events()).map(row => [row.message_id, JSON.parse(row.meta!)]));
    const { biz_opaque_callback_data: first, ...rest } = told[mine.id].value.statuses[0];
    assert.equal(first, 'mine');
    assert.deepEqual(rest, (statusChange(`wamid.${mine.id}`, 'delivered').value.statuses as object[])[0]);
    assert.equal('biz_opaque_callback_data' in told[none.id].value.statuses[0], false);
  });

  test('a repeated settlement tells nothing twice, and nothing that a status has overtaken', async () => {
    await listen(endpoint());
    const [first, overtaken] = [await insert(), await insert()];
    const settleSent = (id: string) =>
      db.database.transact(async tx => {
        const message = { ...newMessage({ id }), tries: 1, slotUs: 0 };
        const verdict = { kind: 'sent', wamid: `wamid.${id}`, answer: {} } as const;
        await announceChanges(now)(
          tx,
          await settle(tx, [{ message, verdict, claimedBy: 'me', at: 3_000 }], 1_000),
        );
      });
    await settleSent(first.id);
    await settleSent(first.id);
    await tell([report(overtaken.id, 'delivered')]);
    await settleSent(overtaken.id);
    assert.deepEqual(await types(), ['message.accepted', 'message.delivered']);
  });

  test('an endpoint gets what it asked for: its number, its patterns, also while it is paused', async () => {
    await listen(
      endpoint({ id: 'all' }),
      endpoint({ id: 'failures', events: ['message.failed'] }),
      endpoint({ id: 'other-number', numberId: 8 }),
      endpoint({ id: 'own-number', numberId: 7, events: ['message.*'], ordered: true }),
      endpoint({ id: 'paused', status: 'paused', events: ['message.failed', 'balance.low'] }),
    );
    const { id } = await insert();
    await tell([report(id, 'failed')]);
    const rows = await attempts();
    assert.deepEqual(
      rows.map(row => [row.endpoint_id, row.conversation, row.state]),
      [
        ['all', '', 'pending'],
        ['failures', '', 'pending'],
        ['own-number', '7:905321234567', 'pending'],
        ['paused', '', 'pending'],
      ],
    );
  });

  test('what was sent is told beside it only where an endpoint asks for echoes', async () => {
    const accept = async (id: string) =>
      db.database.transact(async tx => {
        const message = { ...newMessage({ id }), tries: 1, slotUs: 0 };
        const verdict = { kind: 'sent', wamid: `wamid.${id}`, answer: {} } as const;
        const settled = await settle(tx, [{ message, verdict, claimedBy: 'me', at: 3_000 }], 1_000);
        await announceChanges(now)(tx, settled);
      });
    const body = '{"type":"text","text":{"body":"hi"},"biz_opaque_callback_data":"ours"}';
    await listen(endpoint());
    await accept((await insert({ body })).id);
    const doorData = { topic: 'messages', configuration: { echo: true } };
    await listen(endpoint({ id: 'ep-2', format: 'connectly', door: 'connectly', doorData }));
    await accept((await insert({ body })).id);
    const contents = (await events()).map(({ data }) => JSON.parse(data).message.content);
    assert.deepEqual(contents, [undefined, { type: 'text', text: { body: 'hi' } }]);
    assert.deepEqual(
      (await attempts()).map(row => row.endpoint_id),
      ['ep-1', 'ep-1', 'ep-2'],
    );
  });

  test('the notifier is woken by the commit, and not by a transaction that is undone', async () => {
    await listen(endpoint());
    const woken: EndpointKey[] = [];
    const book = createEndpointBook({ notices: noNotices, now });
    const announcer = createAnnouncer({ book, now, wake: keys => woken.push(...keys) });
    const announce = createChangeAnnouncer(announcer);
    const { id } = await insert();
    const work = async (tx: Tx) => announce(tx, (await advance(tx, tenantId, [report(id, 'sent')])).changes);
    await assert.rejects(
      db.database.transact(async tx => {
        await work(tx);
        throw new Error('no');
      }),
    );
    assert.deepEqual([woken, await events()], [[], []]);
    await db.database.transact(async tx => {
      await work(tx);
      assert.deepEqual(woken, []);
    });
    assert.deepEqual(woken, [{ tenantId, endpointId: 'ep-1' }]);
  });

  test('property: whatever comes, in whatever order and from how many processes, no fact is told twice or left out', async () => {
    await listen(endpoint());
    const other = engine === 'postgres' ? db.reopen() : db.database;
    const kinds = ['sent', 'delivered', 'read', 'played', 'failed'] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 6 }), {
          minLength: 1,
          maxLength: 6,
        }),
        async batches => {
          const { id } = await insert();
          await Promise.all(
            batches.map((batch, i) =>
              tell(
                batch.map(kind => report(id, kind)),
                i % 2 === 0 ? db.database : other,
              ),
            ),
          );
          const told = (await events()).filter(row => row.message_id === id).map(({ type }) => type.slice(8));
          assert.equal(new Set(told).size, told.length, `told twice: ${told}`);
          // A failure that comes after a delivery is none (decision 0005).
          const came = new Set<string>(batches.flat().filter(kind => kind !== 'failed'));
          assert.deepEqual(new Set(told.filter(kind => kind !== 'failed')), came);
        },
      ),
      { numRuns: 40 },
    );
  });
});
