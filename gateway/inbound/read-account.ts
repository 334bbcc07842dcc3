/**
 * The fields about an account, its templates and its numbers (cloud-api.md §7.5): what each is a word on, and what it means for what
 * we keep. undefined: no such field, or it does not say what it is about.
 */
import type { EventType } from '../canonical/event.ts';
import { isObject, type Json, type JsonObject } from '../canonical/json.ts';
import { perSecondOf } from '../meta/throughput.ts';
import { isoTime } from '../platform/clock.ts';
import type { AccountFact, AssetFact, NumberFact, TemplateFact } from './facts.ts';
import { object, seconds, text } from './fields.ts';
import type { Surroundings } from './read-payload.ts';

type WithoutChange<F> = F extends AssetFact ? Omit<F, 'change'> : never;

export function readAccountField(
  field: string,
  value: JsonObject,
  around: Surroundings,
): WithoutChange<AssetFact> | undefined {
  const { phoneNumberId, wabaId, entryAt } = around;
  const shared = { phoneNumberId, wabaId, field, at: entryAt, payload: value };
  const template = Object.hasOwn(templateFields, field) ? templateFields[field] : undefined;
  if (template !== undefined) {
    const named = templateOf(value);
    return named && { kind: 'template', ...shared, template: named, ...template(value) };
  }
  const number = Object.hasOwn(numberFields, field) ? numberFields[field] : undefined;
  if (number !== undefined) {
    const displayNumber = text(value.display_phone_number)?.replace(/\D/g, '') ?? '';
    if (displayNumber === '' && phoneNumberId === null) return undefined;
    return { kind: 'number', ...shared, displayNumber, data: restOf(value), ...number(value) };
  }
  const account = Object.hasOwn(accountFields, field) ? accountFields[field] : undefined;
  return account && { kind: 'account', ...shared, data: restOf(value), ...account(value, wabaId) };
}

type Shared = 'kind' | 'phoneNumberId' | 'wabaId' | 'field' | 'at' | 'payload' | 'change';

/** What a template's status becomes; an event that is not here says nothing of whether it may be sent, or not what it is now. */
const statusAfter: Record<string, string> = {
  ...{
    APPROVED: 'APPROVED',
    REINSTATED: 'APPROVED',
    PENDING: 'PENDING',
    REJECTED: 'REJECTED',
    PAUSED: 'PAUSED',
  },
  ...{ DISABLED: 'DISABLED', ARCHIVED: 'ARCHIVED', IN_APPEAL: 'IN_APPEAL', LIMIT_EXCEEDED: 'LIMIT_EXCEEDED' },
  ...{ PENDING_DELETION: 'PENDING_DELETION', DELETED: 'DELETED' },
};
/** It may be sent as before. */
const leavesStatus = ['FLAGGED', 'LOCKED'];

const templateFields: Record<string, (value: JsonObject) => Omit<TemplateFact, Shared | 'template'>> = {
  message_template_status_update(value) {
    const event = text(value.event) ?? '';
    const status = statusAfter[event];
    const reason = value.reason === 'NONE' ? null : (text(value.reason) ?? null);
    return {
      type: 'template.status_changed',
      state: 'status',
      told: status === undefined ? {} : { status, reason },
      asksForPull: status === undefined && !leavesStatus.includes(event),
      data: { ...restOf(value), reason },
    };
  },
  message_template_quality_update({ previous_quality_score, new_quality_score, ...rest }) {
    const quality = text(new_quality_score);
    return {
      type: 'template.quality_changed',
      state: 'quality',
      told: quality === undefined ? {} : { quality },
      asksForPull: false,
      data: { ...restOf(rest), previous: text(previous_quality_score) ?? null, current: quality ?? null },
    };
  },
  /** What it says of the components is not all there is to them. */
  message_template_components_update: value => ({
    type: 'template.components_changed',
    state: 'components',
    told: {},
    asksForPull: true,
    data: restOf(value),
  }),
  /** Announced a day ahead (`correct_category`), then told as done. */
  template_category_update({ previous_category, new_category, ...rest }) {
    const isDone = text(rest.correct_category) === undefined;
    const category = text(new_category);
    const due = seconds(rest.category_update_timestamp);
    return {
      type: 'template.category_changed',
      state: isDone ? 'category' : 'next category',
      told: isDone && category !== undefined ? { category } : {},
      asksForPull: false,
      data: {
        ...restOf(rest),
        previous: text(previous_category) ?? null,
        current: category ?? null,
        ...(due === undefined ? {} : { categoryUpdateAt: isoTime(due) }),
      },
    };
  },
};

const numberFields: Record<
  string,
  (
    value: JsonObject,
  ) => Partial<Pick<NumberFact, 'data'>> & Omit<NumberFact, Shared | 'displayNumber' | 'data'>
> = {
  phone_number_quality_update(value) {
    const event = text(value.event);
    const limit = limitOf(value.max_daily_conversations_per_business ?? value.current_limit);
    // Older versions tell of the rating in these words, which tell little: UNFLAGGED is anything but RED.
    const quality = event === 'FLAGGED' ? 'RED' : event === 'UNFLAGGED' ? 'UNKNOWN' : undefined;
    return {
      type: 'number.quality_changed',
      state: 'quality',
      told: {
        ...(quality === undefined ? {} : { quality }),
        ...(limit === undefined ? {} : { messagingLimit: limit }),
      },
      raisedTo: event === 'THROUGHPUT_UPGRADE' ? perSecondOf.HIGH! : null,
    };
  },
  phone_number_name_update(value) {
    const verifiedName = text(value.requested_verified_name);
    const isApproved = value.decision === 'APPROVED' && verifiedName !== undefined;
    return {
      type: 'number.name_changed',
      state: 'name',
      told: isApproved ? { verifiedName } : {},
      raisedTo: null,
    };
  },
  business_username_updates: () => justTold('number.username_changed', 'username'),
  security: () => justTold('number.security_changed', 'security'),
};

const justTold = (type: EventType, state: string) => ({ type, state, told: {}, raisedTo: null });

const accountFields: Record<
  string,
  (value: JsonObject, wabaId: string) => Omit<AccountFact, Shared | 'data'>
> = {
  account_update: (value, wabaId) => ({
    type: 'account.updated',
    // Only what changes something we keep has an order.
    state: value.event === 'DISABLED_UPDATE' || value.event === 'ACCOUNT_DELETED' ? 'sending' : 'news',
    told: {},
    sending: sendingAfter(value, wabaId),
  }),
  account_alerts: () => ({ type: 'account.alert', state: 'alert', told: {}, sending: null }),
  account_review_update: () => ({ type: 'account.reviewed', state: 'review', told: {}, sending: null }),
  business_capability_update(value) {
    const limit = limitOf(
      value.max_daily_conversations_per_business ?? value.max_daily_conversation_per_phone,
    );
    return {
      type: 'account.capability_changed',
      state: 'capability',
      told: limit === undefined ? {} : { messagingLimit: limit },
      sending: null,
    };
  },
};

/** Why a number is disconnected: what begins so ends when Meta reinstates the account. */
export const disabledBy = (wabaId: string) => `Meta disabled WhatsApp Business Account ${wabaId}`;

function sendingAfter({ event, ban_info }: JsonObject, wabaId: string): AccountFact['sending'] {
  if (event === 'ACCOUNT_DELETED')
    return { allowed: false, reason: `Meta says that WhatsApp Business Account ${wabaId} was deleted.` };
  if (event !== 'DISABLED_UPDATE') return null;
  // Scheduled: nothing has happened yet.
  const { waba_ban_state: state, waba_ban_date: date } = object(ban_info);
  if (state === 'REINSTATE') return { allowed: true };
  if (state !== 'DISABLE') return null;
  return { allowed: false, reason: `${disabledBy(wabaId)} (${text(date) ?? 'no date given'}).` };
}

/** TIER_2K and the like; older versions give a number, -1 for no limit. */
function limitOf(value: Json | undefined): string | undefined {
  return value === -1 || value === '-1' ? 'TIER_UNLIMITED' : text(value);
}

function templateOf(value: JsonObject): TemplateFact['template'] | undefined {
  const metaId = text(value.message_template_id) ?? null;
  const name = text(value.message_template_name) ?? null;
  // Meta's examples write en-US here and en_US elsewhere.
  const language = text(value.message_template_language)?.replace('-', '_') ?? null;
  const category = text(value.message_template_category) ?? null;
  return metaId === null && (name === null || language === null)
    ? undefined
    : { metaId, name, language, category };
}

/** What names the thing itself is said by us. */
const naming = [
  ...['messaging_product', 'metadata', 'display_phone_number'],
  ...[
    'message_template_id',
    'message_template_name',
    'message_template_language',
    'message_template_category',
  ],
];

function restOf(value: JsonObject): JsonObject {
  return camelCased(Object.fromEntries(Object.entries(value).filter(([key]) => !naming.includes(key))));
}

function camelCased(value: JsonObject): JsonObject {
  const inside = (member: Json): Json =>
    Array.isArray(member) ? member.map(inside) : isObject(member) ? camelCased(member) : member;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
      inside(member),
    ]),
  );
}
