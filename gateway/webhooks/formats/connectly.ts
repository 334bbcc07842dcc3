/** Connectly's inbound and delivery-status events (vendor-apis.md §2.6), signed as it signs. */
import { createHmac } from 'node:crypto';
import type { EventDraft, EventType } from '../../canonical/event.ts';
import { isObject, type Json, type JsonObject } from '../../canonical/json.ts';
import type { Subscription } from '../../tenants/endpoints.ts';
import type { StoredEvent } from '../event.ts';
import { connectlyMessage, isTold } from './connectly-message.ts';
import { business, callback, named, person, timestamp } from './connectly-parties.ts';
import { deliveryStatus, isStatus } from './connectly-status.ts';
import type { Format } from './format.ts';
import { mergeHeaders } from './headers.ts';

export const connectly: Format = {
  hasWords({ type, data }) {
    if (type === 'endpoint.test' || isStatus(type)) return true;
    return isMessage(type) && isTold(contentOf(data));
  },
  wants,
  batches: false,
  post([event], endpoint, { secrets: [secret] }) {
    const body = JSON.stringify(payload(event!, endpoint.doorData.topic));
    const signed: Record<string, string> =
      secret === undefined
        ? {}
        : { 'x-connectly-hmac-sha256': createHmac('sha256', secret).update(body).digest('base64') };
    return {
      // JSON under this name is what the vendor sends.
      headers: mergeHeaders({ 'content-type': 'text/plain; charset=utf-8' }, endpoint.headers, signed),
      body,
    };
  },
};

/** What can be told under the topic `messages`: what somebody wrote, and what we wrote, as an echo. */
const isMessage = (type: EventType): boolean => type === 'message.received' || type === 'message.accepted';

function payload(event: StoredEvent, topic: Json | undefined): JsonObject {
  if (event.type === 'endpoint.test') return testEvent(event, topic);
  if (event.type === 'message.received') return inbound(event);
  return event.type === 'message.accepted' ? echo(event) : deliveryStatus(event);
}

function inbound({ at, data }: StoredEvent): JsonObject {
  const message = object(data.message);
  const { id, from, names, name } = message;
  const told = connectlyMessage(text(id), contentOf(data));
  return {
    timestamp: timestamp(at),
    sender: named(person([from, ...list(names)].filter(one => typeof one === 'string')), name),
    recipient: named(business(object(data.number))),
    ...told,
    ...callback(object(message.inReplyTo)),
  };
}

/** The vendor's own is not documented; its schema of messages has `isEcho` (vendor-apis.md §2.2). */
function echo({ at, data }: StoredEvent): JsonObject {
  const message = object(data.message);
  const told = connectlyMessage(text(message.id), contentOf(data));
  return {
    timestamp: timestamp(at),
    sender: named(business(object(data.number))),
    recipient: named(person([text(message.to)])),
    message: { ...told?.message, isEcho: true },
    ...callback(message),
  };
}

/** The numbers are fictional ones of the North American plan. */
function testEvent(event: StoredEvent, topic: Json | undefined): JsonObject {
  const test = { displayNumber: '16045550100' };
  const to = '16315550100';
  if (topic === 'delivery_status') {
    const message = { id: event.id, to, campaign: 'test' };
    return deliveryStatus({ ...event, type: 'message.delivered', data: { message, number: test } });
  }
  const content = { type: 'text', text: { body: text(event.data.text) || 'This is a test.' } };
  return inbound({
    ...event,
    data: { message: { id: event.id, from: to, name: 'Test', content }, number: test },
  });
}

/** Topic and configuration of the registration (vendor-apis.md §2.5); an endpoint made through another door has none and wants all. */
function wants({ doorData }: Subscription, { type, data }: EventDraft): boolean {
  const { topic } = doorData;
  const configuration = object(doorData.configuration);
  if (type === 'message.accepted' && configuration.echo !== true) return false;
  if (typeof topic === 'string' && type !== 'endpoint.test' && topic !== topicOf(type)) return false;
  const channels = list(configuration.channelTypes);
  if (channels.length > 0 && !channels.includes('whatsapp')) return false;
  const filters = list(configuration.filters).filter(isObject);
  const wanted = filters
    .filter(({ field }) => field === 'campaign_name')
    .map(({ expression }) => text(expression));
  return wanted.length === 0 || wanted.some(expression => matchesGlob(expression, campaignOf(data)));
}

const topicOf = (type: EventType): string => (isMessage(type) ? 'messages' : 'delivery_status');

/** Of what was sent, or of what a reply answers. */
function campaignOf(data: JsonObject): string {
  const message = object(data.message);
  return text(message.campaign) || text(object(message.inReplyTo).campaign);
}

/** `*` is any text, also none; `?` one character. Not by a regular expression: the customer writes it, and its time must have a bound. */
function matchesGlob(glob: string, name: string): boolean {
  let [inGlob, inName] = [0, 0];
  // Where the last star stands, and how far the name was when it was met.
  let star = -1;
  let sinceStar = 0;
  while (inName < name.length) {
    if (glob[inGlob] === '*') {
      star = inGlob++;
      sinceStar = inName;
    } else if (glob[inGlob] === '?' || glob[inGlob] === name[inName]) {
      inGlob++;
      inName++;
    } else if (star === -1) {
      return false;
    } else {
      inGlob = star + 1;
      inName = ++sinceStar;
    }
  }
  return /^\**$/.test(glob.slice(inGlob));
}

const contentOf = (data: JsonObject): JsonObject => object(object(data.message).content);
const object = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});
const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
