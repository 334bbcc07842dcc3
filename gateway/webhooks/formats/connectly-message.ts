/** Meta's message in Connectly's words (vendor-apis.md §2.6). What a type has no room for is left out; docs/dialects/connectly.md lists it. */
import { isObject, type Json, type JsonObject } from '../../canonical/json.ts';

interface Words {
  text: string;
  attachment?: JsonObject;
  location?: JsonObject;
  /** What was pressed: its id at whoever made the button. */
  button?: string;
}

/** Connectly's `message` and, for a pressed button, its `buttonResponse`; undefined for a type that it has no words for. */
export function connectlyMessage(
  id: string,
  content: JsonObject,
): { message: JsonObject; buttonResponse?: JsonObject } | undefined {
  const words = wordsOf(content);
  if (words === undefined) return undefined;
  const { text, attachment, location, button } = words;
  const message: JsonObject = {
    id,
    text,
    attachments: attachment === undefined ? [] : [attachment],
    location: location ?? null,
    ...(button === undefined ? {} : { isButtonResponse: true }),
    ...(isObject(content.referral) ? { referral: referral(content.referral) } : {}),
  };
  // One generation of clients reads the flag and the text, another this object (vendor-apis.md §2.6, Cy19 and Cy20).
  return button === undefined ? { message } : { message, buttonResponse: { id: button, text } };
}

/** Whether a message of this type can be told. */
export function isTold(content: JsonObject): boolean {
  return wordsOf(content) !== undefined;
}

function wordsOf(content: JsonObject): Words | undefined {
  const type = text(content.type);
  const part = object(content[type]);
  switch (type) {
    case 'text':
      return { text: text(part.body) };
    case 'image':
    case 'video':
    case 'audio':
    case 'document':
      return { text: text(part.caption), attachment: attachment(type, part) };
    case 'sticker':
      // A WebP: "anything else" is a document.
      return { text: '', attachment: attachment('document', part) };
    case 'location':
      return { text: '', location: location(part) };
    case 'button':
      return { text: text(part.text), button: text(part.payload) };
    case 'interactive':
      return pressed(part);
    case 'reaction':
      return { text: text(part.emoji) };
    case 'contacts':
      return { text: contacts(content.contacts) };
    case 'order':
      return { text: text(part.text) };
    case 'template':
      // Only of our own, told back: what it says stands at Meta.
      return { text: '' };
    default:
      return undefined;
  }
}

function pressed({ type, body, ...rest }: JsonObject): Words | undefined {
  const reply = object(rest[text(type)]);
  switch (type) {
    case 'button_reply':
    case 'list_reply':
      return { text: text(reply.title), button: text(reply.id) };
    case 'nfm_reply':
      return { text: text(reply.response_json) };
    default:
      // Of our own, told back: its body is its text.
      return isObject(body) ? { text: text(body.text) } : undefined;
  }
}

function attachment(type: string, media: JsonObject): JsonObject {
  const [url = ''] = [media.url, media.link].filter(one => typeof one === 'string');
  return {
    type,
    url,
    ...(typeof media.filename === 'string' ? { filename: media.filename } : {}),
    ...(typeof media.id === 'string' ? { id: media.id } : {}),
  };
}

const location = ({ latitude, longitude, name, address }: JsonObject): JsonObject => ({
  latitude: latitude ?? 0,
  longitude: longitude ?? 0,
  name: text(name),
  address: text(address),
});

/** A line for each: name and phone numbers. */
function contacts(value: Json | undefined): string {
  return objects(value)
    .map(({ name, phones }) =>
      [text(object(name).formatted_name), ...objects(phones).map(({ phone }) => text(phone))]
        .join(' ')
        .trim(),
    )
    .join('\n');
}

const referralNames: Record<string, string> = {
  ctwa_clid: 'ctwaClid',
  source_url: 'sourceUrl',
  source_id: 'sourceId',
  source_type: 'sourceType',
  headline: 'headline',
  body: 'body',
  media_type: 'mediaType',
  image_url: 'imageUrl',
  video_url: 'videoUrl',
  thumbnail_url: 'thumbnailUrl',
};

function referral(told: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(referralNames)
      .filter(([theirs]) => told[theirs] !== undefined)
      .map(([theirs, ours]) => [ours, told[theirs]!]),
  );
}

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const object = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});
const objects = (value: Json | undefined): JsonObject[] =>
  Array.isArray(value) ? value.filter(isObject) : [];
