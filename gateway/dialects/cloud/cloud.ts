/** Meta's own WhatsApp Cloud API, so that software written for graph.facebook.com needs only another host. */
import type { MetaEndpoint } from '../../canonical/content.ts';
import type { RefusalOf } from '../../canonical/refusal.ts';
import { bearer } from '../bearer.ts';
import type { Dialect, Door, Outcome, WireAnswer, WireRequest } from '../dialect.ts';
import { ietfLimitHeaders } from '../limit-headers.ts';
import { metaAnswer } from '../meta-answer.ts';
import { callbackDoors } from './callbacks.ts';
import { read } from './read.ts';
import { refuse } from './refuse.ts';

/** Graph serves an address with a version and without (then the app's default version; here there is only one). */
const prefixes = ['/:version(^v\\d+\\.\\d+$)', ''];
const edges: MetaEndpoint[] = ['messages', 'marketing_messages'];

function doorOf(prefix: string, endpoint: MetaEndpoint): Door {
  return {
    method: 'POST',
    path: `${prefix}/:phoneNumberId(^\\d+$)/${endpoint}`,
    bodyFirst: false,
    read: wire => read(wire, endpoint),
    answer,
    field: path => path,
  };
}

function answer(outcome: Outcome): WireAnswer {
  return { status: 200, body: outcome.kind === 'sent' ? metaAnswer(outcome.messages[0]) : outcome.meta };
}

/** `Authorization: Bearer`, Graph's older `OAuth`, or `access_token` in the query. */
function credential({
  headers,
  query,
}: Pick<WireRequest, 'headers' | 'query'>):
  | string
  | RefusalOf<'credential_missing'>
  | RefusalOf<'credential_malformed'> {
  const token = bearer(headers.authorization, ['bearer', 'oauth']);
  if (typeof token === 'object' && token.code === 'credential_missing') return query.access_token || token;
  return token;
}

export const cloud: Dialect = {
  name: 'cloud',
  // `v25/<id>`: a version written short is no version, but whoever writes it reads Graph's errors.
  owns: /^\/(v\d+\.\d+|(v\d+\/)?\d+)(\/|$)/,
  doors: prefixes.flatMap(prefix => edges.map(endpoint => doorOf(prefix, endpoint))),
  endpointDoors: prefixes.flatMap(callbackDoors),
  credential,
  refuse,
  limitHeaders: ietfLimitHeaders,
};
