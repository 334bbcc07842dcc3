/**
 * Connexease's panel API, as far as it is about an application's webhook (vendor-apis.md §1.8). An application is a number here:
 * `appId` is the gateway's id of it, or Meta's phone number id.
 */
import { isObject, type JsonObject } from '../../canonical/json.ts';
import { invalid, isRefusal, type Refusal, required } from '../../canonical/refusal.ts';
import type { WireAnswer, WireRequest } from '../dialect.ts';
import {
  type EndpointCommand,
  type EndpointDoor,
  type EndpointOutcome,
  keptHeader,
  noObject,
  objectBody,
  type Place,
  type ToldEndpoint,
  type WantedEndpoint,
} from '../endpoint-door.ts';
import { asFlag, given, isBlank, withoutNulls } from '../reading.ts';
import { refuse } from './refuse.ts';

/** The names of generation C with what they stand for (vendor-apis.md §1.4). */
const subscriptions: Record<string, string[]> = {
  messages: ['message.received'],
  message_status: ['message.sent', 'message.delivered', 'message.failed'],
  message_template_status: ['template.status_changed'],
  read: ['message.read', 'message.played'],
  account: ['account.*'],
};

const path = '/api/v1/applications/:appId/webhook';
const urlField = 'url';
/** Ids of ours are small; Meta's have 15 digits and more. */
const ownIdDigits = 9;

const door = (
  method: EndpointDoor['method'],
  end: string,
  read: EndpointDoor['read'],
  answer: EndpointDoor['answer'],
): EndpointDoor => ({ method, path: path + end, urlField, read, answer, refuse: refuseHere });

export const webhookDoors: EndpointDoor[] = [
  door('GET', '', wire => ({ kind: 'list', place: placeOf(wire) }), tellWebhook),
  door('POST', '', readSave, tellWebhook),
  door('DELETE', '', wire => ({ kind: 'remove', what: placeOf(wire) }), tellRemoved),
  door('POST', '/test', readTest, tellTried),
];

function placeOf({ params }: WireRequest): Place {
  const id = params.appId ?? '';
  const isOwn = /^\d+$/.test(id) && id.length <= ownIdDigits;
  return { of: 'number', number: { by: isOwn ? 'id' : 'phoneNumberId', id } };
}

function readSave(wire: WireRequest): EndpointCommand | Refusal {
  const told = objectBody(wire);
  if (told === undefined) return noObject;
  const body = withoutNulls(told);
  const target = readTarget(body);
  if (target === undefined) return required('url');
  if (isRefusal(target)) return target;
  const subscribed = readSubscribed(body);
  if (isRefusal(subscribed)) return subscribed;
  const events = Object.entries(subscriptions).flatMap(([name, patterns]) =>
    subscribed[name] === true ? patterns : [],
  );
  const wanted: WantedEndpoint = {
    ...target,
    ...{ format: 'meta', events, signsWith: 'endpoint', doorData: { subscribedEvents: subscribed } },
  };
  return { kind: 'save', place: placeOf(wire), wanted, verifyToken: null };
}

/** Without a URL the one that is saved is tried. */
function readTest(wire: WireRequest): EndpointCommand | Refusal {
  const told = objectBody(wire);
  if (told === undefined) return noObject;
  const body = withoutNulls(told);
  const target = readTarget(body);
  return isRefusal(target) ? target : { kind: 'try', place: placeOf(wire), wanted: target ?? null };
}

function readTarget(body: JsonObject): Pick<WantedEndpoint, 'url' | 'headers'> | undefined | Refusal {
  const url = given(body, 'url');
  if (isBlank(url)) return undefined;
  if (typeof url !== 'string') return invalid('url', 'type', 'must be a string');
  const headers = given(body, 'headers') ?? {};
  if (!isObject(headers)) return invalid('headers', 'type', 'must be an object of names and values');
  const read: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') return invalid(`headers.${name}`, 'type', 'must be a string');
    read[name] = value;
  }
  return { url: url.trim(), headers: read };
}

/** Left out altogether: everything. A name that is left out is off, and one that is unknown is refused. */
function readSubscribed(body: JsonObject): Record<string, boolean> | Refusal {
  const asked = given(body, 'subscribedEvents');
  const names = Object.keys(subscriptions);
  if (asked === undefined) return Object.fromEntries(names.map(name => [name, true]));
  if (!isObject(asked)) return invalid('subscribedEvents', 'type', 'must be an object of flags');
  const subscribed: Record<string, boolean> = Object.fromEntries(names.map(name => [name, false]));
  for (const [name, value] of Object.entries(asked)) {
    if (!names.includes(name))
      return invalid(`subscribedEvents.${name}`, 'enum', `is not one of ${names.join(', ')}`);
    const flag = asFlag(value);
    if (flag === undefined) return invalid(`subscribedEvents.${name}`, 'type', 'must be true or false');
    subscribed[name] = flag;
  }
  return subscribed;
}

const success = (data: JsonObject): WireAnswer => ({ status: 200, body: { isSuccess: true, data } });

/** `secret` is ours, and only there when it was just made. */
function webhook({ id, url, headerNames, doorData, secret }: ToldEndpoint): JsonObject {
  const { subscribedEvents = {} } = doorData;
  const headers = Object.fromEntries(headerNames.map(name => [name, keptHeader]));
  return { id, url, headers, subscribedEvents, ...(secret === null ? {} : { secret }) };
}

function tellWebhook(outcome: EndpointOutcome, wire: WireRequest): WireAnswer {
  const [endpoint] = outcome.kind === 'told' ? outcome.endpoints : [];
  if (endpoint === undefined) return noWebhook(wire);
  return { ...success(webhook(endpoint)), headers: { 'cache-control': 'no-store' } };
}

function tellRemoved(outcome: EndpointOutcome, wire: WireRequest): WireAnswer {
  return outcome.kind === 'told' && outcome.endpoints.length > 0 ? success({}) : noWebhook(wire);
}

const noWebhook = ({ params }: WireRequest) =>
  refuseHere({ code: 'object_not_found', kind: 'webhook', id: params.appId ?? '' });

/** The call was made, whatever came of it: `isSuccess` is about that, `data.success` about the endpoint. */
function tellTried(outcome: EndpointOutcome): WireAnswer {
  if (outcome.kind !== 'tried') return success({});
  const { url, status, problem, answer, tookMs } = outcome.tried;
  return success({
    success: status === 200,
    url,
    statusCode: status,
    error: problem,
    response: answer,
    elapsedMs: tookMs,
  });
}

/** At a send door an unknown number means that the key has none; here the path names it. */
function refuseHere(refusal: Refusal): WireAnswer {
  return refusal.code === 'number_not_found' || refusal.code === 'number_forbidden'
    ? refuse({ code: 'object_not_found', kind: 'application', id: refusal.number })
    : refuse(refusal);
}
