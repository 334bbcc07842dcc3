/**
 * Meta's own payload (cloud-api.md §7), so that whatever reads Meta's webhooks reads ours: Connexease forwards it as it is, and Cloud API
 * SDKs verify `X-Hub-Signature-256` over it.
 */
import { createHmac } from 'node:crypto';
import { isUserId } from '../../canonical/content.ts';
import type { EventDraft, MetaChange } from '../../canonical/event.ts';
import { isObject, type Json, type JsonObject } from '../../canonical/json.ts';
import type { Subscription } from '../../tenants/endpoints.ts';
import type { StoredEvent } from '../event.ts';
import type { Format } from './format.ts';
import { mergeHeaders } from './headers.ts';

export const meta: Format = {
  hasWords: event => event.meta !== null || event.type in worded,
  wants,
  batches: true,
  post(events, endpoint, { secrets, appSecret }) {
    const changes = events.map(event => event.meta ?? worded[event.type as keyof typeof worded](event));
    const body = escaped(JSON.stringify({ object: 'whatsapp_business_account', entry: entries(changes) }));
    const asApp = endpoint.signsWith === 'app';
    const [secret] = secrets;
    const key = asApp ? appSecret : secret;
    return {
      headers: mergeHeaders(
        { 'content-type': 'application/json' },
        // Connexease (vendor-apis.md §1.4). Meta itself sends none, and its app secret is nobody's bearer token.
        asApp || secret === undefined ? {} : { authorization: `Bearer ${secret}` },
        endpoint.headers,
        key === null || key === undefined
          ? {}
          : { 'x-hub-signature-256': `sha256=${createHmac('sha256', key).update(body).digest('hex')}` },
      ),
      body,
    };
  },
};

/** A callback of Cloud's door is of one account, or of a number in it; what Meta did not tell names its account in `number`. */
function wants({ doorData }: Subscription, { meta, data }: EventDraft): boolean {
  const { wabaId } = doorData;
  return wabaId === undefined || wabaId === (meta?.wabaId ?? object(data.number).wabaId);
}

/** Neighbours of one account and moment share an entry, as at Meta; the order stays. */
function entries(changes: MetaChange[]): Json {
  const result: { id: string; time?: number; changes: JsonObject[] }[] = [];
  for (const { wabaId, time, field, value } of changes) {
    const last = result.at(-1);
    const change = { value, field };
    if (last !== undefined && last.id === wabaId && last.time === (time ?? undefined))
      last.changes.push(change);
    else result.push({ id: wabaId, ...(time === null ? {} : { time }), changes: [change] });
  }
  return result;
}

const shortEscapes: Record<string, string> = { '/': '\\/', '<': '\\u003C', '%': '\\u0025', '@': '\\u0040' };

/**
 * The bytes of Graph: non-ASCII as \uXXXX in lowercase hex, and four ASCII characters as its note on webhooks has them (cloud-api.md
 * §7.1). They matter to those who parse, serialize, escape and then compare; whoever reads raw bytes sees no difference.
 */
function escaped(json: string): string {
  return json.replace(
    /[/<%@\u007f-\uffff]/g,
    character => shortEscapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Events that did not come from Meta and can still be told in its words. */
const worded = {
  'message.failed': failedStatus,
  'message.expired': failedStatus,
  'endpoint.test': testMessage,
} as const;

/** As Meta tells a failure; whoever waits for the end of a message must not wait for ever because the end was ours. */
function failedStatus({ at, type, data, messageId }: StoredEvent): MetaChange {
  const message = object(data.message);
  const number = object(data.number);
  const callback = text(message.callbackData);
  return {
    wabaId: text(number.wabaId) ?? '0',
    time: null,
    field: 'messages',
    value: {
      messaging_product: 'whatsapp',
      metadata: metadata(text(number.displayNumber), text(number.phoneNumberId)),
      statuses: [
        {
          id: text(message.wamid) ?? text(message.id) ?? messageId ?? '',
          status: 'failed',
          timestamp: seconds(at),
          ...recipient(text(message.waId) ?? text(message.to) ?? ''),
          ...(callback === undefined ? {} : { biz_opaque_callback_data: callback }),
          errors: [failure(type === 'message.expired', object(message.error))],
        },
      ],
    },
  };
}

function recipient(name: string): JsonObject {
  if (isUserId(name)) return { recipient_user_id: name };
  return { recipient_id: name, ...(/^\d*$/.test(name) ? {} : { recipient_type: 'group' }) };
}

/**
 * 131000 where Meta gave no code: what it advises, to send again, is right for a message that nobody could send in time. 131026 would
 * make callers strike a number that is good.
 */
function failure(isExpired: boolean, error: JsonObject): JsonObject {
  const code = typeof error.code === 'number' ? error.code : 131_000;
  const title = (typeof error.code === 'number' ? text(error.title) : undefined) ?? 'Something went wrong';
  const details =
    text(error.details) ??
    text(error.reason) ??
    (isExpired ? 'The message could not be sent within its time to live.' : title);
  return { code, title, message: title, error_data: { details } };
}

/** With the account, number and person of the test button in Meta's own app dashboard. */
function testMessage({ id, at, data }: StoredEvent): MetaChange {
  const from = '16315551181';
  return {
    wabaId: '0',
    time: null,
    field: 'messages',
    value: {
      messaging_product: 'whatsapp',
      metadata: metadata('16505551111', '123456123'),
      contacts: [{ profile: { name: 'test user name' }, wa_id: from }],
      messages: [
        {
          from,
          id: `wamid.TEST_${id}`,
          timestamp: seconds(at),
          type: 'text',
          text: { body: text(data.text) ?? 'this is a text message' },
        },
      ],
    },
  };
}

const metadata = (displayNumber: string | undefined, phoneNumberId: string | undefined): JsonObject => ({
  display_phone_number: displayNumber?.replace(/\D/g, '') ?? '',
  phone_number_id: phoneNumberId ?? '',
});

const seconds = (ms: number): string => String(Math.floor(ms / 1000));
const object = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});
const text = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;
