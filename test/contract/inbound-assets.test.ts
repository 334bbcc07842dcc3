/** What Meta tells of templates, numbers and accounts (cloud-api.md §7.5): told once, in the order of its times, to whom it concerns. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { JsonObject } from '../../gateway/canonical/json.ts';
import { findNumber } from '../../gateway/tenants/numbers.ts';
import { findTemplateById, saveTemplates } from '../../gateway/tenants/templates.ts';
import { onEachEngine, type TestDatabase } from '../harness/engines.ts';
import { openReceiver } from '../harness/receiver.ts';

const start = 1_790_000_000;
const [tenantId, other] = ['tenant-a', 'tenant-b'];
const wabaId = '900';
const template = {
  message_template_id: 777,
  message_template_name: 'offer',
  message_template_language: 'en-US',
};

onEachEngine((_engine, open) => {
  let db: TestDatabase;
  let bed: ReturnType<typeof openReceiver>;
  const clock = { now: 0 };

  beforeEach(async () => {
    clock.now = start * 1000;
    db = await open();
    bed = openReceiver(db.database, clock);
    const shared = { tenantId, wabaId };
    await bed.connect({
      ...shared,
      id: 7,
      phoneNumberId: '17',
      displayNumber: '15550000007',
      appSecret: 's',
    });
    await bed.connect({
      ...shared,
      id: 8,
      phoneNumberId: '18',
      displayNumber: '15550000008',
      appSecret: 's8',
    });
    const elsewhere = { tenantId: other, wabaId, displayNumber: '15550000009', appSecret: 's' };
    await bed.connect({ ...elsewhere, id: 9, phoneNumberId: '19' });
    const listed = {
      ...{ metaId: '777', name: 'offer', language: 'en_US', category: 'MARKETING', status: 'PENDING' },
      ...{ parameterFormat: 'POSITIONAL' as const, components: [], quality: null, reason: null },
    };
    await db.database.transact(tx => saveTemplates(tx, tenantId, wabaId, [listed], clock.now - 3_600_000));
  });
  afterEach(async () => {
    await bed.close();
    await db.close();
  });

  const post = (field: string, value: JsonObject, time = start, secret = 's') =>
    bed.post(
      { object: 'whatsapp_business_account', entry: [{ id: wabaId, time, changes: [{ field, value }] }] },
      secret,
    );
  const toldTo = (tenant = tenantId) =>
    bed.told().flatMap(({ tenantId: of, draft }) => (of === tenant ? [draft] : []));
  const stored = async () => {
    const found = await findTemplateById(db.database, tenantId, wabaId, '777');
    assert.ok(found);
    return found;
  };
  const number = async (id = 7) => {
    const found = await findNumber(db.database, id === 9 ? other : tenantId, id);
    assert.ok(found);
    return found;
  };
  const event = (name: string, more: JsonObject = {}): JsonObject => ({
    ...{ event: name, ...template, reason: 'NONE' },
    ...more,
  });
  const statusUpdate = 'message_template_status_update';

  test('a status reaches the template and its tenants, whole and in our words', async () => {
    assert.equal(
      await post(
        statusUpdate,
        event('REJECTED', { reason: 'ABUSIVE_CONTENT', rejection_info: { a_b: 'c' } }),
      ),
      'committed',
    );
    assert.deepEqual([(await stored()).status, (await stored()).reason], ['REJECTED', 'ABUSIVE_CONTENT']);
    const told = bed.told();
    assert.deepEqual(told.map(({ tenantId: to }) => to).sort(), [tenantId, other]);
    const draft = told.find(({ tenantId: to }) => to === tenantId)?.draft;
    assert.deepEqual(draft, {
      type: 'template.status_changed',
      at: start * 1000,
      numberId: null,
      person: null,
      messageId: null,
      data: {
        template: {
          ...{ id: 1, metaId: '777', name: 'offer', language: 'en_US', category: 'MARKETING' },
          status: 'REJECTED',
        },
        previous: 'PENDING',
        current: 'REJECTED',
        event: 'REJECTED',
        rejectionInfo: { aB: 'c' },
        reason: 'ABUSIVE_CONTENT',
      },
      meta: {
        ...{ wabaId, time: start, field: statusUpdate },
        value: event('REJECTED', { reason: 'ABUSIVE_CONTENT', rejection_info: { a_b: 'c' } }),
      },
    });
    // The other tenant has no such template yet.
    const theirs = told.find(({ tenantId: to }) => to === other)?.draft.data.template;
    assert.deepEqual([(theirs as JsonObject).id, (theirs as JsonObject).status], [null, 'REJECTED']);
  });

  test('what was told a week ago is not told again; the same at another time is', async () => {
    for (const [name, time] of [
      ['APPROVED', start],
      ['PAUSED', start + 60],
      ['APPROVED', start + 120],
    ] as const) {
      await post(statusUpdate, event(name), time);
      assert.equal((await stored()).status, name);
    }
    assert.deepEqual(
      toldTo().map(({ data }) => data.event),
      ['APPROVED', 'PAUSED', 'APPROVED'],
    );
    clock.now += 8 * 24 * 3_600_000;
    for (const [name, time] of [
      ['APPROVED', start],
      ['PAUSED', start + 60],
    ] as const)
      await post(statusUpdate, event(name), time);
    assert.deepEqual(toldTo(), []);
    assert.equal((await stored()).status, 'APPROVED');
  });

  test('in reversed order the latest word stands, and every one is told', async () => {
    await post(statusUpdate, event('PAUSED'), start + 60);
    await post(statusUpdate, event('APPROVED'), start);
    assert.equal((await stored()).status, 'PAUSED');
    assert.deepEqual(
      toldTo().map(({ data }) => [data.current, (data.template as JsonObject).status]),
      [
        ['PAUSED', 'PAUSED'],
        ['APPROVED', 'PAUSED'],
      ],
    );
    // In one post too.
    const changes = ['DISABLED', 'REINSTATED'].map(name => ({ field: statusUpdate, value: event(name) }));
    const entry = [
      { id: wabaId, time: start + 200, changes: changes.slice(1) },
      { id: wabaId, time: start + 100, changes: changes.slice(0, 1) },
    ];
    await bed.post({ entry }, 's');
    assert.equal((await stored()).status, 'APPROVED');
    assert.equal(toldTo().length, 2);
  });

  test('a word that is older than the list of templates changes nothing; a list asked for before a word neither', async () => {
    await post(statusUpdate, event('PAUSED'), start - 2 * 3600);
    assert.equal((await stored()).status, 'PENDING');
    await post(statusUpdate, event('APPROVED'), start);
    const { id: _id, wabaId: _waba, syncedAt: _at, ...listed } = await stored();
    const list = { ...listed, status: 'PENDING' };
    await db.database.transact(tx => saveTemplates(tx, tenantId, wabaId, [list], clock.now - 1_000));
    assert.equal((await stored()).status, 'APPROVED');
    await db.database.transact(tx => saveTemplates(tx, tenantId, wabaId, [list], clock.now + 1_000));
    assert.equal((await stored()).status, 'PENDING');
  });

  test('events that say nothing of whether a template may be sent leave its status', async () => {
    await post(statusUpdate, event('APPROVED'));
    for (const [i, name] of ['FLAGGED', 'LOCKED', 'SOMETHING_NEW'].entries()) {
      await post(statusUpdate, event(name), start + 1 + i);
      assert.equal((await stored()).status, 'APPROVED');
    }
    assert.equal(toldTo().length, 4);
  });

  test('quality, category and components of a template', async () => {
    const quality = { previous_quality_score: 'GREEN', new_quality_score: 'YELLOW', ...template };
    await post('message_template_quality_update', quality);
    const next = { ...template, new_category: 'MARKETING', correct_category: 'UTILITY' };
    await post('template_category_update', { ...next, category_update_timestamp: start + 86_400 });
    assert.deepEqual([(await stored()).quality, (await stored()).category], ['YELLOW', 'MARKETING']);
    await post('template_category_update', {
      ...template,
      ...{ previous_category: 'MARKETING', new_category: 'UTILITY' },
    });
    await post('message_template_components_update', { ...template, message_template_element: 'Hi {{1}}' });
    assert.equal((await stored()).category, 'UTILITY');
    const told = toldTo();
    assert.deepEqual(
      told.map(({ type, data }) => [type, data.previous, data.current]),
      [
        ['template.quality_changed', 'GREEN', 'YELLOW'],
        ['template.category_changed', null, 'MARKETING'],
        ['template.category_changed', 'MARKETING', 'UTILITY'],
        ['template.components_changed', undefined, undefined],
      ],
    );
    assert.deepEqual(
      [told[1]?.data.correctCategory, told[1]?.data.categoryUpdateAt, told[3]?.data.messageTemplateElement],
      ['UTILITY', new Date((start + 86_400) * 1000).toISOString(), 'Hi {{1}}'],
    );
  });

  test('ids of templates that a double cannot hold are the right ones', async () => {
    const [one, next] = ['10089334404484335', '10089334404484336'];
    const listed = [one, next].map(metaId => ({
      ...{ metaId, name: `t${metaId}`, language: 'en', category: 'UTILITY', status: 'PENDING' },
      ...{ parameterFormat: 'POSITIONAL' as const, components: [], quality: null, reason: null },
    }));
    await db.database.transact(tx => saveTemplates(tx, tenantId, wabaId, listed, clock.now - 3_600_000));
    const body = JSON.stringify({
      entry: [{ id: wabaId, time: start, changes: [{ field: statusUpdate, value: event('APPROVED') }] }],
    }).replace('777', one);
    await bed.post(body, 's');
    const statuses = [one, next].map(id => findTemplateById(db.database, tenantId, wabaId, id));
    assert.deepEqual(
      (await Promise.all(statuses)).map(found => found?.status),
      ['APPROVED', 'PENDING'],
    );
  });

  test('a number: quality, limit, throughput, name, and what is only told', async () => {
    const named = { display_phone_number: '+1 555-000-0007' };
    const upgrade = { ...named, event: 'THROUGHPUT_UPGRADE' };
    await post('phone_number_quality_update', {
      ...{ ...upgrade, max_daily_conversations_per_business: 'TIER_UNLIMITED' },
    });
    assert.deepEqual(
      [(await number()).perSecond, (await number()).messagingLimit, (await number(8)).perSecond],
      [1_000, 'TIER_UNLIMITED', 80],
    );
    await post('phone_number_quality_update', { ...named, event: 'FLAGGED' }, start + 1);
    assert.equal((await number()).quality, 'RED');
    const name = { ...named, requested_verified_name: 'New name' };
    await post('phone_number_name_update', { ...name, decision: 'REJECTED', rejection_reason: 'NAME_X' });
    assert.equal((await number()).verifiedName, 'Old name');
    await post(
      'phone_number_name_update',
      { ...name, decision: 'APPROVED', rejection_reason: null },
      start + 1,
    );
    assert.equal((await number()).verifiedName, 'New name');
    await post('business_username_updates', { ...named, username: 'shop', status: 'approved' });
    await post('security', { ...named, event: 'PIN_CHANGED', requester: '1' });
    const told = bed.told();
    assert.deepEqual([...new Set(told.map(({ tenantId: to }) => to))], [tenantId]);
    assert.deepEqual(
      told.map(({ draft }) => [draft.type, draft.numberId]),
      [
        ['number.quality_changed', 7],
        ['number.quality_changed', 7],
        ['number.name_changed', 7],
        ['number.name_changed', 7],
        ['number.username_changed', 7],
        ['number.security_changed', 7],
      ],
    );
    assert.deepEqual(told[3]?.draft.data, {
      number: { id: 7, phoneNumberId: '17', displayNumber: '15550000007', wabaId },
      ...{ previous: 'Old name', current: 'New name', decision: 'APPROVED', rejectionReason: null },
      requestedVerifiedName: 'New name',
    });
  });

  test('a rate that the operator chose is not raised', async () => {
    await bed.connect({
      ...{ tenantId, wabaId, id: 10, phoneNumberId: '20', displayNumber: '15550000010', appSecret: 's' },
      perSecond: 20,
    });
    await post('phone_number_quality_update', {
      ...{ display_phone_number: '15550000010', event: 'THROUGHPUT_UPGRADE' },
    });
    assert.equal((await number(10)).perSecond, 20);
  });

  test('a number that nobody has here is told to every tenant of the account', async () => {
    await post('security', { display_phone_number: '15559999999', event: 'PIN_CHANGED' });
    const told = bed.told();
    assert.deepEqual(told.map(({ tenantId: to }) => to).sort(), [tenantId, other]);
    assert.deepEqual(told[0]?.draft.data.number, {
      ...{ id: null, phoneNumberId: null, displayNumber: '15559999999', wabaId },
    });
  });

  test('whichever of its apps signed, a tenant hears of its account; a stranger is not believed', async () => {
    const review = { decision: 'APPROVED' };
    assert.equal(await post('account_review_update', review, start, 's8'), 'committed');
    assert.deepEqual(
      bed.told().map(({ tenantId: to, draft }) => [to, draft.type, draft.data]),
      [[tenantId, 'account.reviewed', { account: { wabaId }, decision: 'APPROVED' }]],
    );
    const named = { display_phone_number: '15550000007', event: 'FLAGGED' };
    assert.equal(await post('phone_number_quality_update', named, start, 's8'), 'committed');
    assert.equal((await number()).quality, 'RED');
    assert.equal(await post('account_review_update', review, start, 'wrong'), 'not_signed');
  });

  test('the limit of an account is that of all its numbers', async () => {
    await post('business_capability_update', {
      ...{ max_daily_conversations_per_business: 'TIER_10K', max_phone_numbers_per_business: 25 },
    });
    for (const id of [7, 8, 9]) assert.equal((await number(id)).messagingLimit, 'TIER_10K');
    const [told] = toldTo();
    assert.deepEqual(
      [told?.type, told?.data],
      [
        'account.capability_changed',
        {
          account: { wabaId },
          messagingLimit: 'TIER_10K',
          maxDailyConversationsPerBusiness: 'TIER_10K',
          maxPhoneNumbersPerBusiness: 25,
        },
      ],
    );
    await post('business_capability_update', { max_daily_conversation_per_phone: -1 }, start + 1);
    assert.equal((await number(8)).messagingLimit, 'TIER_UNLIMITED');
  });

  test('a ban disconnects the numbers until Meta reinstates the account, and gives back no other', async () => {
    await db.database.all(
      `update numbers set status = 'disconnected', status_reason = 'the token ended' where tenant_id = $1 and id = 8`,
      [tenantId],
    );
    const ban = (state: string) => ({
      event: 'DISABLED_UPDATE',
      ban_info: { waba_ban_state: state, waba_ban_date: 'November 30, 2026' },
    });
    await post('account_update', ban('SCHEDULE_FOR_DISABLE'));
    assert.equal((await number()).status, 'connected');
    await post('account_update', ban('DISABLE'), start + 10);
    const { status, statusReason } = await number();
    assert.equal(status, 'disconnected');
    assert.equal(statusReason, 'Meta disabled WhatsApp Business Account 900 (November 30, 2026).');
    assert.deepEqual(
      toldTo().map(({ type, numberId }) => [type, numberId]),
      [
        ['account.updated', null],
        ['account.updated', null],
        ['number.disconnected', 7],
      ],
    );
    const paused = () =>
      db.database.all<{ paused_until: number }>(
        'select paused_until from lanes where tenant_id = $1 and number_id = 7',
        [tenantId],
      );
    assert.ok((await paused())[0]!.paused_until > clock.now);
    // A reinstatement of before does not undo it.
    await post('account_update', ban('REINSTATE'), start + 5);
    assert.equal((await number()).status, 'disconnected');
    await post('account_update', ban('REINSTATE'), start + 20);
    assert.deepEqual([(await number()).status, (await number(8)).status], ['connected', 'disconnected']);
    assert.equal((await paused())[0]!.paused_until, 0);
  });

  test('every other news of an account is told whole', async () => {
    const alert = {
      entity_type: 'BUSINESS',
      entity_id: '123',
      alert_info: { alert_severity: 'WARNING', alert_type: 'OBA_REJECTED' },
    };
    await post('account_alerts', alert);
    await post('account_update', {
      event: 'VOLUME_BASED_PRICING_TIER_UPDATE',
      volume_tier_info: { tier: '1:2' },
    });
    assert.deepEqual(
      toldTo().map(({ type, data }) => [type, data]),
      [
        [
          'account.alert',
          {
            account: { wabaId },
            entityType: 'BUSINESS',
            entityId: '123',
            alertInfo: { alertSeverity: 'WARNING', alertType: 'OBA_REJECTED' },
          },
        ],
        [
          'account.updated',
          {
            account: { wabaId },
            event: 'VOLUME_BASED_PRICING_TIER_UPDATE',
            volumeTierInfo: { tier: '1:2' },
          },
        ],
      ],
    );
  });

  test('what has no name here is told as it is', async () => {
    for (const [i, field] of [
      statusUpdate,
      'phone_number_name_update',
      'partner_solutions',
      '__proto__',
    ].entries())
      await post(field, { odd: i });
    assert.deepEqual(
      toldTo().map(({ type, data, meta }) => [type, data, meta?.value]),
      [statusUpdate, 'phone_number_name_update', 'partner_solutions', '__proto__'].map((field, i) => [
        'meta.change',
        { field, value: { odd: i } },
        { odd: i },
      ]),
    );
  });
});
