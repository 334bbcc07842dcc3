/** One event of each type, as the places that notice them write it: what the tests render and docs/webhooks.md shows. */
import { type EventType, eventTypes } from '../../canonical/event.ts';
import type { JsonObject } from '../../canonical/json.ts';
import type { StoredEvent } from '../event.ts';

const wabaId = '419561257915477';
const phone = '16505551234';
const wamid = 'wamid.HBgLMTY1MDU1NTEyMzQVAgARGBI3MEM2RUJFNkI0RENGQTVDRjUA';
const incomingWamid = 'wamid.HBgLMTY1MDU1NTEyMzQVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA=';
const messageId = '01JY0M3Q9GQ4B7T2E8XWZ5R6DN';
const at = Date.UTC(2026, 10, 28, 9, 30, 15);
const seconds = String(at / 1000);
const number = { id: 1, phoneNumberId: '106540352242922', displayNumber: '15550783881', wabaId };
const metadata = { display_phone_number: '15550783881', phone_number_id: '106540352242922' };
const contact = { profile: { name: 'Zoë Nelson' }, wa_id: phone, user_id: 'US.13491208655302741918' };
const names = [phone, 'US.13491208655302741918'];
const template = { id: null, metaId: '1689556908129832', name: 'order_confirmation', language: 'en_US' };

function message(status: string, more: JsonObject = {}): JsonObject {
  return {
    id: messageId,
    type: 'text',
    to: phone,
    status,
    wamid,
    waId: phone,
    campaign: 'prod-november',
    callbackData: '{"order":42}',
    dialect: 'connectly',
    createdAt: '2026-11-28T09:30:12.400Z',
    error: null,
    ...more,
  };
}

const error = {
  code: 131_047,
  title: 'Re-engagement message',
  details:
    'Message failed to send because more than 24 hours have passed since the customer last replied to this number.',
  reason: '131047 Re-engagement message: The recipient has not written within 24 hours; send a template',
};
const metaError = {
  code: error.code,
  title: error.title,
  message: error.title,
  error_data: { details: error.details },
};
const pricing = { billable: true, pricing_model: 'PMP', type: 'regular', category: 'marketing' };

type Sample = Pick<StoredEvent, 'data'> &
  Partial<Pick<StoredEvent, 'meta' | 'messageId' | 'person' | 'numberId'>>;

const change = (field: string, value: JsonObject, time: number | null = at / 1000) => ({
  wabaId,
  time,
  field,
  value,
});

function status(name: string, more: JsonObject = {}, facts: JsonObject = {}): Sample {
  const told = { id: wamid, status: name, timestamp: seconds, recipient_id: phone, ...more };
  const callback = { biz_opaque_callback_data: '{"order":42}' };
  const statuses = [{ ...told, ...callback }];
  const value = { messaging_product: 'whatsapp', metadata, contacts: [contact], statuses };
  return { ...ofMessage(name, facts), meta: change('messages', value, null) };
}

const ofMessage = (name: string, { pricing: price, ...facts }: JsonObject = {}): Sample => ({
  messageId,
  person: phone,
  data: { message: message(name, facts), number, ...(price === undefined ? {} : { pricing: price }) },
});

const content = {
  context: { from: '15550783881', id: wamid },
  from: phone,
  from_user_id: 'US.13491208655302741918',
  id: incomingWamid,
  timestamp: seconds,
  type: 'text',
  text: { body: 'Günaydın 🎉 a/b <c> 100% me@example.com' },
};

const incoming: Sample = {
  person: phone,
  data: {
    message: {
      id: incomingWamid,
      type: 'text',
      from: phone,
      names,
      name: contact.profile.name,
      at: '2026-11-28T09:30:15.000Z',
      content,
      inReplyTo: { id: messageId, wamid, callbackData: '{"order":42}', campaign: 'prod-november' },
    },
    number,
    contact,
  },
  meta: change(
    'messages',
    { messaging_product: 'whatsapp', metadata, contacts: [contact], messages: [content] },
    null,
  ),
};

const ofTemplate = (field: string, facts: JsonObject, told: JsonObject): Sample => ({
  numberId: null,
  data: { template, ...facts },
  meta: change(field, {
    message_template_id: 1689556908129832,
    message_template_name: template.name,
    message_template_language: template.language,
    ...told,
  }),
});

const ofNumber = (field: string, facts: JsonObject, told: JsonObject): Sample => ({
  data: { number, ...facts },
  meta: change(field, { display_phone_number: '15550783881', ...told }),
});

const ofAccount = (field: string, facts: JsonObject, told: JsonObject): Sample => ({
  numberId: null,
  data: { account: { wabaId }, ...facts },
  meta: change(field, told),
});

const wish = (name: 'stop' | 'resume'): Sample => ({
  person: phone,
  data: { recipient: phone, names, source: 'meta', at: '2026-11-28T09:30:15.000Z' },
  meta: change('user_preferences', {
    messaging_product: 'whatsapp',
    metadata,
    contacts: [contact],
    user_preferences: [{ wa_id: phone, category: 'marketing_messages', value: name, timestamp: at / 1000 }],
  }),
});

const ofBroadcast = (state: string, reason: string | null, detail: string | null): Sample => ({
  data: {
    broadcast: {
      ...{ id: '01JY0000000000000000000001', name: 'Autumn sale', state, reason, detail, numbers: [1] },
      ...{ recipients: 1200, taken: 400, skipped: 3 },
    },
  },
});

const samples: Record<EventType, Sample> = {
  'message.accepted': ofMessage('accepted'),
  'message.sent': status('sent', { pricing }, { pricing }),
  'message.delivered': status('delivered', { pricing }, { pricing }),
  'message.read': status('read'),
  'message.played': status('played'),
  'message.failed': status('failed', { errors: [metaError] }, { error }),
  'message.expired': ofMessage('expired', { wamid: null, waId: null }),
  'message.canceled': ofMessage('canceled', { wamid: null, waId: null }),
  'message.uncertain': ofMessage('uncertain', { wamid: null, waId: null }),
  'message.received': incoming,
  'recipient.opted_out': wish('stop'),
  'recipient.opted_in': wish('resume'),
  'recipient.changed': {
    person: phone,
    data: { recipient: phone, names, previous: phone, current: '16505559999' },
  },
  'template.status_changed': ofTemplate(
    'message_template_status_update',
    { template: { ...template, status: 'APPROVED' }, reason: 'NONE' },
    { event: 'APPROVED', reason: 'NONE' },
  ),
  'template.quality_changed': ofTemplate(
    'message_template_quality_update',
    { previous: 'GREEN', current: 'YELLOW' },
    { previous_quality_score: 'GREEN', new_quality_score: 'YELLOW' },
  ),
  'template.category_changed': ofTemplate(
    'template_category_update',
    { previous: 'UTILITY', current: 'MARKETING' },
    { previous_category: 'UTILITY', new_category: 'MARKETING' },
  ),
  'template.components_changed': ofTemplate(
    'message_template_components_update',
    { element: 'Hi {{1}}' },
    { message_template_element: 'Hi {{1}}' },
  ),
  'number.quality_changed': ofNumber(
    'phone_number_quality_update',
    { event: 'THROUGHPUT_UPGRADE' },
    { event: 'THROUGHPUT_UPGRADE', max_daily_conversations_per_business: 'TIER_100K' },
  ),
  'number.name_changed': ofNumber(
    'phone_number_name_update',
    { decision: 'APPROVED' },
    { decision: 'APPROVED', requested_verified_name: 'Lucky Shrub', rejection_reason: null },
  ),
  'number.username_changed': ofNumber(
    'business_username_updates',
    { username: 'luckyshrub', status: 'approved' },
    { username: 'luckyshrub', status: 'approved' },
  ),
  'number.security_changed': ofNumber(
    'security',
    { event: 'PIN_CHANGED' },
    { event: 'PIN_CHANGED', requester: '61555822107539' },
  ),
  'number.disconnected': { data: { number, reason: '190 Access token expired' } },
  'account.updated': ofAccount(
    'account_update',
    { event: 'MM_LITE_TERMS_SIGNED' },
    { event: 'MM_LITE_TERMS_SIGNED' },
  ),
  'account.alert': ofAccount(
    'account_alerts',
    { alertType: 'OBA_APPROVED' },
    { entity_type: 'BUSINESS', entity_id: '506914307656634', alert_info: { alert_type: 'OBA_APPROVED' } },
  ),
  'account.reviewed': ofAccount('account_review_update', { decision: 'APPROVED' }, { decision: 'APPROVED' }),
  'account.capability_changed': ofAccount(
    'business_capability_update',
    { maxDailyConversationsPerBusiness: 'TIER_2K' },
    { max_daily_conversations_per_business: 'TIER_2K' },
  ),
  'broadcast.started': ofBroadcast('running', null, null),
  'broadcast.paused': ofBroadcast('paused', 'balance', 'The balance does not cover the next message.'),
  'broadcast.completed': ofBroadcast('completed', null, null),
  'broadcast.canceled': ofBroadcast('canceled', null, null),
  'balance.low': {
    numberId: null,
    data: { balance: { available: '4.20', currency: 'USD', threshold: '5.00' } },
  },
  'endpoint.disabled': {
    numberId: null,
    data: {
      endpoint: {
        id: '01JY0000000000000000000000',
        url: 'https://example.com/hook',
        reason: 'It answered 410.',
      },
    },
  },
  'endpoint.test': {
    numberId: null,
    data: { endpoint: { id: '01JY0000000000000000000000' }, text: 'A test of this endpoint' },
  },
  'meta.error': {
    data: { number, error: { code: 130_429, title: 'Rate limit hit' } },
    meta: change(
      'messages',
      { messaging_product: 'whatsapp', metadata, errors: [{ code: 130_429, title: 'Rate limit hit' }] },
      null,
    ),
  },
  'meta.change': {
    numberId: null,
    data: { field: 'automatic_events', value: { x: 1 } },
    meta: change('automatic_events', { x: 1 }),
  },
};

export const eventSamples = Object.fromEntries(
  (Object.keys(eventTypes) as EventType[]).map((type, i) => {
    const { data, meta = null, messageId: ofSend = null, person = null, numberId = 1 } = samples[type];
    const id = `01JY0M3V7N${String(i).padStart(16, '0')}`;
    const event: StoredEvent = {
      ...{ tenantId: 'b5a1f6c2-7d0e-4f7a-9c3b-2f1e0d9c8b7a', id, type, at },
      ...{ numberId, person, messageId: ofSend, data, meta },
    };
    return [type, event];
  }),
) as Record<EventType, StoredEvent>;
