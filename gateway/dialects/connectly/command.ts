/** What the two doors have in common: everything around the content. */
import { isObject, type Json, type JsonObject } from '../../canonical/json.ts';
import { invalid, isRefusal, type Refusal } from '../../canonical/refusal.ts';
import type { SendCommand, WireRequest } from '../dialect.ts';
import { asText, given, isBlank } from '../reading.ts';
import { camelCased } from './names.ts';
import { readSender } from './parties.ts';

type Reader<T> = (body: JsonObject) => T | Refusal;

/** A command from a body in either spelling. `pathOfRecipient` is where a message to oneself is told. */
export function readCommand(
  wire: WireRequest,
  pathOfRecipient: string,
  readRecipient: Reader<SendCommand['recipients'][number]>,
  readContent: Reader<SendCommand['content']>,
): SendCommand | Refusal {
  const received = wire.body ?? {};
  if (!isObject(received)) return invalid('body', 'type', 'must be a JSON object');
  const body = camelCased(received);
  const number = readSender(body);
  if (isRefusal(number)) return number;
  const recipient = readRecipient(body);
  if (isRefusal(recipient)) return recipient;
  if (number.by === 'displayNumber' && recipient.kind === 'phone' && number.digits === recipient.digits) {
    return invalid(
      pathOfRecipient,
      'conflict',
      'is the number of the sender; a message cannot go to its own sender',
    );
  }
  const content = readContent(body);
  if (isRefusal(content)) return content;
  const callbackData = readCallbackData(given(body, 'callbackData'));
  if (isRefusal(callbackData)) return callbackData;
  const campaign = given(body, 'campaignName');
  const campaignName = isBlank(campaign) ? null : asText(campaign);
  if (campaignName === undefined) return invalid('campaignName', 'type', 'must be a string');
  return {
    kind: 'send',
    number,
    tenant: wire.params.businessId ?? '',
    recipients: [recipient],
    tags: [],
    content,
    endpoint: 'messages',
    fake: false,
    wait: 'commit',
    callbackData,
    campaign: campaignName,
    sendAt: null,
    ttlMs: null,
    fallback: null,
  };
}

const callbackDataMax = 1024;

/** Any JSON of at most 1024 bytes, kept as text (vendor-apis.md §2.2). */
function readCallbackData(value: Json | undefined): string | null | Refusal {
  if (value === undefined) return null;
  const text = jsonText(value);
  const bytes = text === undefined ? Number.POSITIVE_INFINITY : Buffer.byteLength(text);
  if (text !== undefined && bytes <= callbackDataMax) return text;
  return invalid('callbackData', 'length', `must be at most ${callbackDataMax} bytes of JSON`);
}

/** undefined for what is nested so deep that JSON.stringify runs out of stack. */
function jsonText(value: Json): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
