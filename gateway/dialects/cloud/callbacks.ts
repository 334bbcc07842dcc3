/**
 * Callback overrides: where the webhooks of one WhatsApp Business Account or of one phone number go instead of to the app
 * (cloud-api.md §7.1). Of the two the number's goes first.
 */
import { isObject, type JsonObject } from '../../canonical/json.ts';
import { codePoints } from '../../canonical/limits/value.ts';
import { invalid, type Refusal, required } from '../../canonical/refusal.ts';
import type { WireAnswer, WireRequest } from '../dialect.ts';
import {
  type EndpointCommand,
  type EndpointDoor,
  type EndpointOutcome,
  noObject,
  objectBody,
  type Place,
} from '../endpoint-door.ts';
import { asText, given } from '../reading.ts';
import { unfolded } from './body.ts';
import { refuseCallback } from './callback-error.ts';

/** Overrides concern the `messages` field and those like it; template and account fields never go there. */
const events = ['message.*', 'meta.error', 'meta.change'];

const uriMax = 200;
const urlField = 'override_callback_uri';
const success: WireAnswer = { status: 200, body: { success: true } };

/** `prefix`: the version, where there is one. */
export function callbackDoors(prefix: string): EndpointDoor[] {
  const account = `${prefix}/:wabaId(^\\d+$)/subscribed_apps`;
  const number = `${prefix}/:phoneNumberId(^\\d+$)`;
  const door = (
    method: EndpointDoor['method'],
    path: string,
    read: EndpointDoor['read'],
    answer: EndpointDoor['answer'],
  ): EndpointDoor => ({
    method,
    path,
    urlField,
    read,
    answer,
    refuse: refusal => refuseCallback(refusal, method),
  });
  return [
    door('POST', account, readSubscribe, () => success),
    door('GET', account, wire => ({ kind: 'list', place: accountOf(wire) }), tellSubscribed),
    door(
      'DELETE',
      account,
      wire => ({ kind: 'remove', what: accountOf(wire) }),
      () => success,
    ),
    door('POST', number, readConfigure, () => success),
    door('GET', number, readFields, tellNumber),
  ];
}

const accountOf = ({ params }: WireRequest): Place => ({ of: 'account', wabaId: params.wabaId ?? '' });
const numberOf = ({ params }: WireRequest): Place => ({
  of: 'number',
  number: { by: 'phoneNumberId', id: params.phoneNumberId ?? '' },
});

/** Without a URL it subscribes, and takes an override back; the gateway is subscribed as long as it has the number. */
function readSubscribe(wire: WireRequest): EndpointCommand | Refusal {
  const body = objectBody(wire);
  if (body === undefined) return noObject;
  return readOverride({ ...wire.query, ...unfolded(body) } as JsonObject, accountOf(wire));
}

function readConfigure(wire: WireRequest): EndpointCommand | Refusal {
  const told = objectBody(wire);
  if (told === undefined) return noObject;
  const body = unfolded(told);
  const configuration = given(body, 'webhook_configuration');
  const others = Object.keys(body).filter(name => !['webhook_configuration', 'access_token'].includes(name));
  if (configuration === undefined || others.length > 0)
    return { code: 'object_not_found', kind: 'phone number field', id: wire.params.phoneNumberId ?? '' };
  if (!isObject(configuration)) return invalid('webhook_configuration', 'type', 'must be an object');
  if (given(configuration, 'override_callback_uri') === undefined)
    return required('webhook_configuration[override_callback_uri]');
  return readOverride(configuration, numberOf(wire));
}

/** An empty URL takes the override back. */
function readOverride(members: JsonObject, place: Place): EndpointCommand | Refusal {
  const uri = given(members, 'override_callback_uri') ?? '';
  if (typeof uri !== 'string') return invalid(urlField, 'type', 'must be a string');
  const url = uri.trim();
  if (url === '') return { kind: 'remove', what: place };
  const length = codePoints(url);
  if (length > uriMax)
    return invalid(urlField, 'length', `must be at most ${uriMax} characters, has ${length}`);
  const verifyToken = asText(given(members, 'verify_token'));
  if (verifyToken === undefined || verifyToken === '') return required('verify_token');
  return {
    kind: 'save',
    place,
    wanted: { url, format: 'meta', events, headers: {}, signsWith: 'app', doorData: {} },
    verifyToken,
  };
}

/** Of a phone number's fields only its callbacks are known here; the rest is Meta's to tell. */
function readFields(wire: WireRequest): EndpointCommand | Refusal {
  const fields = (wire.query.fields ?? '').split(',').map(field => field.trim());
  return fields.includes('webhook_configuration')
    ? { kind: 'list', place: numberOf(wire), withAccount: true }
    : { code: 'object_not_found', kind: 'phone number field', id: wire.params.phoneNumberId ?? '' };
}

/** One subscription, the gateway's own: it has no Meta app id to tell, since an account's app is its operator's. */
function tellSubscribed(outcome: EndpointOutcome): WireAnswer {
  const [endpoint] = outcome.kind === 'told' ? outcome.endpoints : [];
  const subscription = {
    whatsapp_business_api_data: { id: '0', name: 'Wagate', link: '' },
    ...(endpoint === undefined ? {} : { override_callback_uri: endpoint.url }),
  };
  return { status: 200, body: { data: [subscription] } };
}

function tellNumber(outcome: EndpointOutcome, { params }: WireRequest): WireAnswer {
  const configuration: JsonObject = {};
  for (const { numberId, url } of outcome.kind === 'told' ? outcome.endpoints : [])
    configuration[numberId === null ? 'whatsapp_business_account' : 'phone_number'] = url;
  return { status: 200, body: { webhook_configuration: configuration, id: params.phoneNumberId ?? '' } };
}
