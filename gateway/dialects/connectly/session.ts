/**
 * POST /v1/businesses/{businessId}/send/messages: exactly one content per message (vendor-apis.md §2.2, seeds/002).
 */
import type { Content } from '../../canonical/content.ts';
import { isObject, type Json, type JsonObject } from '../../canonical/json.ts';
import { invalid, type Refusal, required } from '../../canonical/refusal.ts';
import type { Command, WireRequest } from '../dialect.ts';
import { asText, compact, given, isBlank } from '../reading.ts';
import { readAttachment } from './attachment.ts';
import { readCommand } from './command.ts';
import { list, multiProduct, replyButtons, singleProduct } from './interactive.ts';
import { readRecipient } from './parties.ts';

export function readSession(wire: WireRequest): Command | Refusal {
  return readCommand(wire, 'recipient.id', readRecipient, readMessage);
}

type Kind = (value: JsonObject, text: Json | undefined) => Content | Refusal;

const kinds: Record<string, Kind> = {
  location,
  listMessage: list,
  replyButtonMessage: replyButtons,
  singleProductMessage: singleProduct,
  multiProductMessage: multiProduct,
};

/** Kinds for which `message.text` is a content of its own, not the body. */
const withoutBody = ['attachments', 'location'];

function readMessage(body: JsonObject): Content | Refusal {
  const message = given(body, 'message');
  if (message === undefined) return required('message');
  if (!isObject(message)) return invalid('message', 'type', 'must be an object');
  const text = given(message, 'text');
  const [kind, ...others] = ['attachments', ...Object.keys(kinds)].filter(key =>
    isFilled(given(message, key)),
  );
  if (kind === undefined) return plainText(message, text);
  if (withoutBody.includes(kind) && !isBlank(text)) others.push('text');
  if (others.length > 0) {
    return invalid(
      'message',
      'conflict',
      `must hold exactly one content, has ${[kind, ...others].join(', ')}`,
    );
  }
  const value = given(message, kind);
  if (kind === 'attachments') return attachments(value);
  if (!isObject(value)) return invalid(`message.${kind}`, 'type', 'must be an object');
  return kinds[kind]!(value, text);
}

/** The zero values of a generated client (`""`, `[]`) stand for "left out". */
function isFilled(value: Json | undefined): boolean {
  return !isBlank(value) && !(Array.isArray(value) && value.length === 0);
}

function plainText(message: JsonObject, text: Json | undefined): Content | Refusal {
  if (isBlank(text)) {
    if (Array.isArray(given(message, 'attachments'))) return wrongCount(0);
    return invalid('message.text', 'required', 'is required when the message has no other content');
  }
  const said = asText(text);
  if (said === undefined) return invalid('message.text', 'type', 'must be a string');
  return { type: 'text', text: { body: said } };
}

function attachments(value: Json | undefined): Content | Refusal {
  if (!Array.isArray(value)) return invalid('message.attachments', 'type', 'must be an array');
  if (value.length !== 1) return wrongCount(value.length);
  return readAttachment(value[0], 'message.attachments[0]', ['image', 'video', 'audio', 'document'], {
    captions: true,
  });
}

function wrongCount(count: number): Refusal {
  return invalid('message.attachments', 'count', `must have exactly 1 element, has ${count}`);
}

function location(value: JsonObject): Content {
  const { latitude, longitude } = value;
  const words = { name: given(value, 'name'), address: given(value, 'address') };
  return {
    type: 'location',
    location: compact({
      latitude: latitude ?? undefined,
      longitude: longitude ?? undefined,
      name: isBlank(words.name) ? undefined : words.name,
      address: isBlank(words.address) ? undefined : words.address,
    }),
  };
}
