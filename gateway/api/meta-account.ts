/** What Meta says of a phone number and its account, asked before the number's credentials are believed. */
import { isObject, type JsonObject } from '../canonical/json.ts';
import { invalid, isRefusal, type Refusal } from '../canonical/refusal.ts';
import type { Graph, GraphRequest } from '../meta/graph.ts';
import { perSecondOf, perSecondUnknown } from '../meta/throughput.ts';
import { metaError } from '../meta/verdict.ts';

export interface PhoneFacts {
  /** Digits. */
  displayNumber: string;
  verifiedName: string;
  perSecond: number;
  /** GREEN, YELLOW, RED, UNKNOWN; null when Meta does not say. */
  quality: string | null;
}

export async function askPhone(
  graph: Graph,
  phoneNumberId: string,
  accessToken: string,
): Promise<PhoneFacts | Refusal> {
  const fields = 'id,display_phone_number,verified_name,quality_rating,throughput';
  const phone = await ask(graph, { method: 'GET', path: `/${phoneNumberId}?fields=${fields}`, accessToken });
  if (isRefusal(phone)) return phone;
  const level = isObject(phone.throughput) ? String(phone.throughput.level) : '';
  return {
    displayNumber: String(phone.display_phone_number ?? '').replace(/\D/g, ''),
    verifiedName: String(phone.verified_name ?? ''),
    perSecond: perSecondOf[level] ?? perSecondUnknown,
    quality: typeof phone.quality_rating === 'string' ? phone.quality_rating : null,
  };
}

/**
 * That the account is the number's: with a mistaken account id templates would be missing and statuses be taken for a
 * stranger's. A work-alike upstream that does not list the numbers of an account is believed.
 */
export async function checkAccount(
  graph: Graph,
  account: { wabaId: string; phoneNumberId: string; accessToken: string },
): Promise<Refusal | undefined> {
  const { wabaId, phoneNumberId, accessToken } = account;
  const path = `/${wabaId}/phone_numbers?fields=id&limit=100`;
  const answer = await graph.request({ method: 'GET', path, accessToken });
  if (answer.kind !== 'answer') return { code: 'meta_unreachable', reason: answer.reason };
  const error = answer.body && metaError(answer.status, answer.body);
  if (error !== undefined) return { code: 'meta_rejected', messageId: null, error };
  const { data, paging } = answer.body ?? {};
  const more = isObject(paging) && typeof paging.next === 'string';
  if (answer.status !== 200 || !Array.isArray(data) || more) return undefined;
  if (data.some(phone => isObject(phone) && phone.id === phoneNumberId)) return undefined;
  return invalid(
    'wabaId',
    'conflict',
    `is not the account of phone number ${phoneNumberId}, as Meta lists it`,
  );
}

/** Has Meta send the account's webhooks here; Meta asks for the handshake before it answers (cloud-api.md §7.1). */
export async function subscribe(
  graph: Graph,
  account: { wabaId: string; accessToken: string; verifyToken: string },
  callbackUrl: string,
): Promise<Refusal | undefined> {
  const { wabaId, accessToken, verifyToken } = account;
  const body = JSON.stringify({ override_callback_uri: callbackUrl, verify_token: verifyToken });
  const answer = await ask(graph, { method: 'POST', path: `/${wabaId}/subscribed_apps`, accessToken, body });
  return isRefusal(answer) ? answer : undefined;
}

async function ask(graph: Graph, request: GraphRequest): Promise<JsonObject | Refusal> {
  const answer = await graph.request(request);
  if (answer.kind !== 'answer') return { code: 'meta_unreachable', reason: answer.reason };
  const error = answer.body && metaError(answer.status, answer.body);
  if (error !== undefined) return { code: 'meta_rejected', messageId: null, error };
  if (answer.status === 200 && answer.body !== undefined) return answer.body;
  return {
    code: 'meta_unreachable',
    reason: `Meta answered HTTP ${answer.status} without anything readable`,
  };
}
