/** Connectly's campaigns (vendor-apis.md §2.7): entries of clients, each with the variables of its message. */
import { phoneDigits } from '../../canonical/content.ts';
import { isObject, type Json, type JsonObject } from '../../canonical/json.ts';
import { invalid, isRefusal, type Refusal, required, under } from '../../canonical/refusal.ts';
import type { CampaignCommand, CampaignDoor, CampaignEntry, CampaignResult } from '../campaign-door.ts';
import type { WireAnswer, WireRequest } from '../dialect.ts';
import { noObject, objectBody } from '../endpoint-door.ts';
import { phoneRule } from '../phone.ts';
import { asText, given, isBlank } from '../reading.ts';
import { camelCased } from './names.ts';
import { readSender } from './parties.ts';

export const campaignDoor: CampaignDoor = {
  method: 'POST',
  path: '/v1/businesses/:businessId/send/campaigns',
  read,
  answer,
};

const entriesMax = 100_000;

function read(wire: WireRequest): CampaignCommand | Refusal {
  const body = objectBody(wire);
  if (body === undefined) return noObject;
  const entries = given(body, 'entries');
  if (entries === undefined) return required('entries');
  if (!Array.isArray(entries)) return invalid('entries', 'type', 'must be an array');
  if (entries.length === 0 || entries.length > entriesMax)
    return invalid('entries', 'count', `must be 1 to ${entriesMax}`);
  const read: CampaignEntry[] = [];
  for (const [i, one] of entries.entries()) {
    const place = `entries[${i}]`;
    if (!isObject(one)) return invalid(place, 'type', 'must be an object');
    const entry = readEntry(one);
    if (isRefusal(entry)) return under(`${place}.`, entry);
    read.push(entry);
  }
  return { tenant: wire.params.businessId ?? '', entries: read };
}

/** A client that is no phone number costs its own entry only; what is missing is a mistake of the program that calls. */
function readEntry(told: JsonObject): CampaignEntry | Refusal {
  // The variables' names are the caller's own.
  const { variables: values, ...rest } = told;
  const entry = camelCased(rest);
  const client = given(entry, 'client');
  if (isBlank(client)) return required('client');
  const campaign = asText(given(entry, 'campaignName'))?.trim();
  if (campaign === undefined || campaign === '') return required('campaignName');
  const digits = phoneDigits(asText(client) ?? '');
  const variables = readVariables(values);
  if (isRefusal(variables)) return variables;
  const sender = isBlank(given(entry, 'sender')) ? null : readSender(entry);
  if (isRefusal(sender)) return sender;
  const scheduledAt = readTime(given(entry, 'scheduledAt'));
  if (isRefusal(scheduledAt)) return scheduledAt;
  return {
    ...{ campaign, version: asText(given(entry, 'campaignVersion')) ?? null, sender, scheduledAt },
    variables: variables.read,
    client: digits === undefined || digits.startsWith('0') ? { problem: `client ${phoneRule}` } : { digits },
  };
}

/** In a box of their own: a variable called `code` must not make them a refusal. */
function readVariables(values: Json | undefined): { read: Record<string, string> } | Refusal {
  if (values === undefined || values === null) return { read: {} };
  if (!isObject(values)) return invalid('variables', 'type', 'must be an object');
  const read: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    const text = typeof value === 'boolean' ? String(value) : asText(value);
    if (text === undefined && value !== null)
      return invalid(`variables.${name.slice(0, 60)}`, 'type', 'must be a text or a number');
    if (text !== undefined) read[name] = text;
  }
  return { read };
}

function readTime(value: Json | undefined): number | null | Refusal {
  if (isBlank(value)) return null;
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? invalid('scheduledAt', 'format', 'must be an ISO 8601 time') : ms;
}

function answer(results: CampaignResult[]): WireAnswer {
  const data = results.map(({ campaign, version, accepted, rejected, error }) => ({
    ...{ campaignName: campaign, ...(version === null ? {} : { campaignVersion: version }) },
    ...{ acceptedCount: accepted, rejectedCount: rejected, error },
  }));
  return { status: 200, body: { data } };
}
