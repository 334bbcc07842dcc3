/** Connectly's webhook registration: one address per topic (vendor-apis.md §2.5). */
import { isObject, type Json, type JsonObject } from '../../canonical/json.ts';
import { invalid, isRefusal, type Refusal, required } from '../../canonical/refusal.ts';
import type { WireAnswer, WireRequest } from '../dialect.ts';
import {
  type EndpointCommand,
  type EndpointDoor,
  type EndpointOutcome,
  noObject,
  objectBody,
  type ToldEndpoint,
} from '../endpoint-door.ts';
import { asFlag, given, isBlank } from '../reading.ts';
import { camelCased } from './names.ts';

/** What each topic is about. Of the documented three `report` is missing: nothing here makes reports. */
const topics: Record<string, string[]> = {
  // message.accepted: told only with `configuration.echo` (webhooks/formats/connectly.ts).
  messages: ['message.received', 'message.accepted'],
  delivery_status: ['message.sent', 'message.delivered', 'message.read', 'message.failed', 'message.expired'],
};

/** Those that are no more than an address; webengage would need a form of its own. */
const types = ['custom', 'zapier', 'integromat_make'];

const base = '/v1/businesses/:businessId';
const urlField = 'address';

export const webhookDoors: EndpointDoor[] = [
  { method: 'POST', path: `${base}/create/webhooks`, urlField, read: readCreate, answer: tellOne },
  { method: 'GET', path: `${base}/webhooks`, urlField, read: readList, answer: tellAll },
  { method: 'PUT', path: `${base}/update/webhooks/:webhookId`, urlField, read: readUpdate, answer: tellOne },
  {
    method: 'DELETE',
    path: `${base}/delete/webhooks/:webhookId`,
    urlField,
    read: wire => ({ ...tenantOf(wire), kind: 'remove', what: { id: wire.params.webhookId ?? '' } }),
    answer: () => ({ status: 200, body: {} }),
  },
];

const tenantOf = ({ params }: WireRequest) => ({ tenant: params.businessId ?? '' });

function readList(wire: WireRequest): EndpointCommand {
  return { ...tenantOf(wire), kind: 'list', place: null };
}

function readCreate(wire: WireRequest): EndpointCommand | Refusal {
  const told = objectBody(wire);
  if (told === undefined) return noObject;
  const body = camelCased(told);
  const topic = given(body, 'topic');
  if (isBlank(topic)) return required('topic');
  const events = typeof topic === 'string' && Object.hasOwn(topics, topic) ? topics[topic] : undefined;
  if (typeof topic !== 'string' || events === undefined)
    return invalid(
      'topic',
      'enum',
      `must be one of ${Object.keys(topics).join(', ')}; there are no reports here`,
    );
  const type = given(body, 'type') ?? 'custom';
  if (typeof type !== 'string' || !types.includes(type))
    return invalid('type', 'enum', `must be one of ${types.join(', ')}`);
  const address = readAddress(body);
  if (address === undefined) return required('address');
  if (isRefusal(address)) return address;
  const configuration = readConfiguration(body);
  if (isRefusal(configuration)) return configuration;
  return {
    ...tenantOf(wire),
    kind: 'save',
    place: { of: 'topic', topic },
    wanted: {
      ...{ url: address, format: 'connectly', events, headers: {}, signsWith: 'endpoint' },
      doorData: { topic, type, configuration: configuration.read ?? {} },
    },
    verifyToken: null,
  };
}

/** What is left out stays. */
function readUpdate(wire: WireRequest): EndpointCommand | Refusal {
  const told = objectBody(wire);
  if (told === undefined) return noObject;
  const body = camelCased(told);
  const address = readAddress(body);
  if (isRefusal(address)) return address;
  const configuration = readConfiguration(body);
  if (isRefusal(configuration)) return configuration;
  return {
    ...tenantOf(wire),
    kind: 'change',
    id: wire.params.webhookId ?? '',
    ...(address === undefined ? {} : { url: address }),
    ...(configuration.read === undefined ? {} : { doorData: { configuration: configuration.read } }),
  };
}

function readAddress(body: JsonObject): string | undefined | Refusal {
  const address = given(body, 'address');
  if (isBlank(address)) return undefined;
  return typeof address === 'string' ? address.trim() : invalid('address', 'type', 'must be a string');
}

/** Refused where it asks for what nobody here does: events would be missed, or come unasked, in silence. */
/** In a box of its own: members nobody knows stay, and one called `code` must not make it a refusal. */
function readConfiguration(body: JsonObject): { read: JsonObject | undefined } | Refusal {
  const configuration = given(body, 'configuration');
  if (configuration === undefined) return { read: undefined };
  if (!isObject(configuration)) return invalid('configuration', 'type', 'must be an object');
  const { echo, channelTypes, filters, webengageConfiguration, ...rest } = configuration;
  const isEcho = isBlank(echo) ? false : asFlag(echo);
  if (isEcho === undefined) return invalid('configuration.echo', 'type', 'must be true or false');
  if (!isEmpty(channelTypes) && !(Array.isArray(channelTypes) && channelTypes.includes('whatsapp')))
    return invalid('configuration.channelTypes', 'enum', 'must include whatsapp');
  const wanted = isEmpty(filters) ? [] : readFilters(filters!);
  if (isRefusal(wanted)) return wanted;
  if (!isEmpty(webengageConfiguration))
    return invalid('configuration.webengageConfiguration', 'enum', 'must be left out');
  const channels = isEmpty(channelTypes) ? ['whatsapp'] : channelTypes!;
  return { read: { ...rest, echo: isEcho, channelTypes: channels, filters: wanted } };
}

function readFilters(filters: Json): JsonObject[] | Refusal {
  if (!Array.isArray(filters)) return invalid('configuration.filters', 'type', 'must be an array');
  const read: JsonObject[] = [];
  for (const [i, filter] of filters.entries()) {
    const at = `configuration.filters[${i}]`;
    if (!isObject(filter)) return invalid(at, 'type', 'must be an object of field and expression');
    if (filter.field !== 'campaign_name') return invalid(`${at}.field`, 'enum', 'must be campaign_name');
    if (typeof filter.expression !== 'string') return invalid(`${at}.expression`, 'type', 'must be a string');
    read.push({ field: filter.field, expression: filter.expression });
  }
  return read;
}

function isEmpty(value: Json | undefined): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) ? Object.keys(value).length === 0 : isBlank(value);
}

function registration(tenantId: string, { id, url, doorData, secret }: ToldEndpoint): JsonObject {
  const { topic = '', type = 'custom', configuration = {} } = doorData;
  const registered: JsonObject = { id, businessId: tenantId, topic, type, address: url, configuration };
  return secret === null ? registered : { ...registered, secret };
}

/** Nobody documents whether the registration stands alone or in an `entity`, as lists do: it is given both ways. */
function tellOne(outcome: EndpointOutcome): WireAnswer {
  const [endpoint] = outcome.kind === 'told' ? outcome.endpoints : [];
  if (outcome.kind !== 'told' || endpoint === undefined) return { status: 200, body: {} };
  const entity = registration(outcome.tenantId, endpoint);
  return { status: 200, body: { ...entity, entity }, headers: { 'cache-control': 'no-store' } };
}

function tellAll(outcome: EndpointOutcome, wire: WireRequest): WireAnswer {
  const businessId = wire.params.businessId ?? '';
  const endpoints = outcome.kind === 'told' ? outcome.endpoints : [];
  const webhooks = endpoints.map(endpoint => {
    const {
      id,
      topic = '',
      type = '',
      address = '',
      configuration = {},
    } = registration(businessId, endpoint);
    return { id: id!, topic, type, address, configuration };
  });
  return { status: 200, body: { entity: { businessId, webhooks } } };
}
