import type { PhoneNumber } from '../accounts.ts';
import { graphError } from '../graph/graph-error.ts';
import type { StoredTemplate, TemplateBook } from '../templates.ts';
import {
  graphText,
  type Json,
  malformed,
  objectAt,
  optionalBoolean,
  optionalObject,
  scalarText,
  textAt,
} from './check.ts';
import { checkInteractive } from './interactive.ts';
import { type Recipient, readRecipient } from './recipient.ts';
import { checkContacts, checkLocation, checkMedia, checkReaction, checkText } from './simple-types.ts';
import { checkTemplate } from './template.ts';

export type Endpoint = 'messages' | 'marketing_messages';

export type CheckedMessage = {
  recipient: Recipient;
  type: string;
  template: StoredTemplate | null;
  bizOpaque: string | null;
};

type Context = { from: PhoneNumber; templates: TemplateBook; dialling: 'lenient' | 'strict' };

const bodies: Record<string, (body: Json) => void> = {
  text: body => checkText(content(body, 'text')),
  image: body => checkMedia(content(body, 'image'), 'image', 'caption'),
  video: body => checkMedia(content(body, 'video'), 'video', 'caption'),
  audio: body => checkMedia(content(body, 'audio'), 'audio', 'no caption'),
  document: body => checkMedia(content(body, 'document'), 'document', 'caption'),
  sticker: body => checkMedia(content(body, 'sticker'), 'sticker', 'no caption'),
  location: body => checkLocation(content(body, 'location')),
  reaction: body => checkReaction(content(body, 'reaction')),
  interactive: body => checkInteractive(content(body, 'interactive')),
  contacts: checkContacts,
};

/** Graph's words when the object named by `type` is not there. */
function content(body: Json, type: string): Json {
  const value = optionalObject(body, type, type);
  if (!value) throw malformed(`The parameter ${type} is required.`);
  return value;
}

function checkProduct(body: Json): void {
  const product = scalarText(body.messaging_product);
  if (product === undefined) throw malformed('The parameter messaging_product is required.');
  if (product !== 'whatsapp') throw malformed('Param messaging_product must be one of {WHATSAPP}.');
}

/** One message as POST /{phone}/messages or /marketing_messages takes it; cloud-api.md §1–§3. */
export function checkMessage(body: Json, endpoint: Endpoint, context: Context): CheckedMessage {
  checkProduct(body);
  const recipient = readRecipient(body, context.from, context.dialling);
  const type = messageType(body);
  if (endpoint === 'marketing_messages' && type !== 'template') {
    throw malformed('Message must be a template message.');
  }
  const bizOpaque = graphText(body, 'biz_opaque_callback_data', 'biz_opaque_callback_data', 512) ?? null;
  const quoted = optionalObject(body, 'context', 'context');
  if (quoted && type !== 'reaction') textAt(quoted, 'message_id', "context['message_id']");
  if (recipient.kind === 'group' && ['contacts', 'location', 'reaction', 'interactive'].includes(type)) {
    throw graphError(131051, { details: `Messages of type ${type} cannot be sent to a group.` });
  }
  if (type !== 'template') {
    bodies[type]?.(body);
    return { recipient, type, template: null, bizOpaque };
  }
  const template = checkTemplate(content(body, 'template'), context.templates);
  if (endpoint === 'marketing_messages') checkMarketing(body, template, recipient);
  if (recipient.kind === 'user' && template.category === 'AUTHENTICATION') {
    throw graphError(131062, { details: 'Authentication templates with a code button need a phone number.' });
  }
  return { recipient, type, template, bizOpaque };
}

function messageType(body: Json): string {
  const given = scalarText(body.type)?.toLowerCase();
  if (given === undefined || given === '') {
    // The historic default is text, yet one of Meta's examples sends an interactive body without a type.
    return (
      Object.keys(bodies).find(type => body[type] !== undefined) ?? (body.template ? 'template' : 'text')
    );
  }
  if (given !== 'template' && !Object.hasOwn(bodies, given)) {
    throw malformed(`Param type must be one of {${Object.keys(bodies).join(', ').toUpperCase()}, TEMPLATE}.`);
  }
  return given;
}

/** DOC/marketing-messages/send-marketing-messages */
function checkMarketing(body: Json, template: StoredTemplate, recipient: Recipient): void {
  if (recipient.kind === 'group') throw malformed('Param recipient_type must be one of {INDIVIDUAL}.');
  if (template.category !== 'MARKETING') {
    throw graphError(131055, {
      details: `Template ${template.name} is ${template.category}, not MARKETING.`,
    });
  }
  const policy = scalarText(body.product_policy);
  if (policy !== undefined && policy !== 'CLOUD_API_FALLBACK' && policy !== 'STRICT') {
    throw malformed('Param product_policy must be one of {CLOUD_API_FALLBACK, STRICT}.');
  }
  optionalBoolean(body, 'message_activity_sharing', 'message_activity_sharing');
}

/** The other body of /messages: mark as read, with or without a typing indicator; cloud-api.md §1.6. */
export function checkReadReceipt(body: Json): { messageId: string; typing: boolean } {
  checkProduct(body);
  if (body.status !== 'read') throw malformed('Param status must be one of {READ}.');
  const messageId = textAt(body, 'message_id', 'message_id');
  const typing = optionalObject(body, 'typing_indicator', 'typing_indicator');
  if (typing) {
    const type = textAt(
      objectAt(body, 'typing_indicator', 'typing_indicator'),
      'type',
      "typing_indicator['type']",
    );
    if (type !== 'text') throw malformed("Param typing_indicator['type'] must be one of {TEXT}.");
  }
  return { messageId, typing: typing !== undefined };
}
