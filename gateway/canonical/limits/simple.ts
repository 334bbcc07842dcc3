/** Limits of the types without parts: text, media, location, contacts, reaction (cloud-api.md §1.3). */
import { type Field, fault, isGiven, member, object, objectAt, objectsAt } from './field.ts';
import { flagAt, numberAt, optionalTextAt, textAt, webAddressAt } from './value.ts';

const captionMax = 1024;

/** DOC/messages/text-messages */
export function checkText(text: Field): void {
  textAt(text, 'body', { max: 4096 });
  flagAt(text, 'preview_url');
}

/** DOC/messages/{image,video,audio,document,sticker}-messages: exactly one of `id` and `link`. */
export function checkMedia(media: Field): void {
  const id = member(media, 'id');
  const link = member(media, 'link');
  if (isGiven(id) && isGiven(link)) fault(media, 'conflict', 'must have either id or link, not both');
  else if (isGiven(id)) textAt(media, 'id');
  else if (isGiven(link)) webAddressAt(media, 'link');
  else fault(media, 'required', 'must have id or link');
  optionalTextAt(media, 'caption', { max: captionMax });
  optionalTextAt(media, 'filename');
  flagAt(media, 'voice');
}

/** DOC/messages/location-messages: decimal degrees, as numbers or strings (seeds/003 says string, guides send numbers). */
export function checkLocation(location: Field): void {
  numberAt(location, 'latitude', { min: -90, max: 90 });
  numberAt(location, 'longitude', { min: -180, max: 180 });
  optionalTextAt(location, 'name');
  optionalTextAt(location, 'address');
}

/** DOC/messages/reaction-messages: an empty emoji takes the reaction back. */
export function checkReaction(reaction: Field): void {
  textAt(reaction, 'message_id');
  textAt(reaction, 'emoji', { min: 0 });
}

const nameParts = ['first_name', 'last_name', 'middle_name', 'prefix', 'suffix'] as const;
const addressParts = ['street', 'city', 'state', 'zip', 'country', 'country_code', 'type'] as const;
const orgParts = ['company', 'department', 'title'] as const;

/** DOC/messages/contacts-messages; `phone`, `email` and `url` are required by seeds/003. */
export function checkContacts(content: Field): void {
  for (const contact of objectsAt(content, 'contacts', { min: 1, max: 257 })) {
    const name = objectAt(contact, 'name');
    if (name) {
      textAt(name, 'formatted_name');
      for (const part of nameParts) optionalTextAt(name, part);
    }
    for (const [list, required] of [
      ['phones', 'phone'],
      ['emails', 'email'],
      ['urls', 'url'],
    ] as const) {
      for (const entry of objectsAt(contact, list)) {
        textAt(entry, required);
        optionalTextAt(entry, 'type');
        optionalTextAt(entry, 'wa_id');
      }
    }
    for (const address of objectsAt(contact, 'addresses')) {
      for (const part of addressParts) optionalTextAt(address, part);
    }
    const org = objectAt(contact, 'org', 'optional');
    if (org) for (const part of orgParts) optionalTextAt(org, part);
    checkBirthday(contact);
  }
}

function checkBirthday(contact: Field): void {
  const birthday = optionalTextAt(contact, 'birthday');
  if (birthday !== undefined && birthday !== '' && !/^\d{4}-\d{2}-\d{2}$/.test(birthday)) {
    fault(member(contact, 'birthday'), 'format', 'must be a date of the form YYYY-MM-DD');
  }
}

/** DOC/messages/contextual-replies */
export function checkContext(content: Field): void {
  const context = object(member(content, 'context'), 'optional');
  if (context) textAt(context, 'message_id');
}
