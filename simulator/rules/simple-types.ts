import {
  arrayAt,
  asObject,
  graphText,
  invalid,
  type Json,
  malformed,
  missing,
  numberAt,
  objectAt,
  optionalArray,
  optionalBoolean,
  optionalObject,
  optionalText,
  scalarText,
  textAt,
  webAddress,
} from './check.ts';

/** DOC/messages/text-messages */
export function checkText(text: Json): void {
  const body = graphText(text, 'body', "text['body']", 4096);
  if (body === undefined) throw malformed("The parameter text['body'] is required.");
  if (body === '') throw malformed("Param text['body'] must be at least 1 characters long.");
  optionalBoolean(text, 'preview_url', "text['preview_url']");
}

/** DOC/messages/{image,video,audio,document,sticker}-messages */
export function checkMedia(media: Json, path: string, caption: 'caption' | 'no caption'): void {
  const id = scalarText(media.id);
  const link = scalarText(media.link);
  if (id === undefined && link === undefined) throw missing(`${path} needs either id or link.`);
  if (id !== undefined && link !== undefined) throw invalid(`${path} takes either id or link, not both.`);
  if (id !== undefined && !/^\d{1,32}$/.test(id)) throw invalid(`${path}['id'] is not a valid media id.`);
  if (link !== undefined) webAddress(link, `${path}['link']`);
  if (caption === 'caption') graphText(media, 'caption', `${path}['caption']`, 1024);
  optionalText(media, 'filename', `${path}['filename']`);
  optionalBoolean(media, 'voice', `${path}['voice']`);
}

/** DOC/messages/location-messages; name and address limits are the historic 1000. */
export function checkLocation(location: Json, path = 'location'): void {
  numberAt(location, 'latitude', `${path}['latitude']`, -90, 90);
  numberAt(location, 'longitude', `${path}['longitude']`, -180, 180);
  optionalText(location, 'name', `${path}['name']`, 1000);
  optionalText(location, 'address', `${path}['address']`, 1000);
}

const emoji =
  /^(?:\p{Extended_Pictographic}|\p{Regional_Indicator}|[0-9#*]\uFE0F?\u20E3|(?:\\u[0-9A-Fa-f]{4})+$)/u;

/** DOC/messages/reaction-messages; whether the target may be reacted to is only told by a status. */
export function checkReaction(reaction: Json): void {
  textAt(reaction, 'message_id', "reaction['message_id']");
  const value = optionalText(reaction, 'emoji', "reaction['emoji']");
  if (value === undefined) throw missing("reaction['emoji'] is required.");
  if (value !== '' && !emoji.test(value)) throw invalid("reaction['emoji'] is not an emoji.");
}

const contactParts: Record<string, string[]> = {
  phones: ['phone', 'type', 'wa_id'],
  emails: ['email', 'type'],
  urls: ['url', 'type'],
  addresses: ['street', 'city', 'state', 'zip', 'country', 'country_code', 'type'],
};

/** DOC/messages/contacts-messages */
export function checkContacts(body: Json): void {
  arrayAt(body, 'contacts', 'contacts', { max: 257 }).forEach((entry, at) => {
    const path = `contacts[${at}]`;
    const contact = asObject(entry, path);
    const name = objectAt(contact, 'name', `${path}['name']`);
    textAt(name, 'formatted_name', `${path}['name']['formatted_name']`);
    for (const key of ['first_name', 'last_name', 'middle_name', 'prefix', 'suffix']) {
      optionalText(name, key, `${path}['name']['${key}']`);
    }
    for (const [list, keys] of Object.entries(contactParts)) {
      for (const part of optionalArray(contact, list, `${path}['${list}']`) ?? []) {
        const fields = asObject(part, `${path}['${list}']`);
        for (const key of keys) optionalText(fields, key, `${path}['${list}']['${key}']`);
      }
    }
    const org = optionalObject(contact, 'org', `${path}['org']`);
    for (const key of ['company', 'department', 'title']) {
      if (org) optionalText(org, key, `${path}['org']['${key}']`);
    }
    const birthday = optionalText(contact, 'birthday', `${path}['birthday']`);
    if (birthday && !/^\d{4}-\d{2}-\d{2}$/.test(birthday)) {
      throw invalid(`${path}['birthday'] must be YYYY-MM-DD.`);
    }
  });
}
