import {
  arrayAt,
  asObject,
  invalid,
  type Json,
  numberAt,
  objectAt,
  oneOf,
  optionalArray,
  optionalObject,
  textAt,
} from './check.ts';
import { ctaParameters } from './interactive-actions.ts';
import { checkMedia } from './simple-types.ts';

/** DOC/messages/interactive-{media,product}-carousel-messages */
export function checkCarousel(action: Json): void {
  const path = "interactive['action']['cards']";
  const kinds = arrayAt(action, 'cards', path, { min: 2, max: 10 }).map((entry, index) => {
    const here = `${path}[${index}]`;
    const card = asObject(entry, here);
    if (numberAt(card, 'card_index', `${here}['card_index']`, 0, 9) !== index) {
      throw invalid(`${here}['card_index'] must be ${index}.`);
    }
    const type = oneOf(card, 'type', `${here}['type']`, ['cta_url', 'product']);
    return type === 'product' ? productCard(card, here) : mediaCard(card, here);
  });
  if (new Set(kinds).size > 1) throw invalid('All cards must have the same kind and number of components.');
}

function productCard(card: Json, path: string): string {
  if (card.header || card.body) throw invalid(`${path}: a product card has neither header nor body.`);
  const action = objectAt(card, 'action', `${path}['action']`);
  textAt(action, 'product_retailer_id', `${path}['action']['product_retailer_id']`);
  return `product ${textAt(action, 'catalog_id', `${path}['action']['catalog_id']`)}`;
}

function mediaCard(card: Json, path: string): string {
  const header = objectAt(card, 'header', `${path}['header']`);
  const kind = oneOf(header, 'type', `${path}['header']['type']`, ['image', 'video']);
  checkMedia(objectAt(header, kind, `${path}['header']['${kind}']`), `${path}['header']`, 'no caption');
  const body = optionalObject(card, 'body', `${path}['body']`);
  if (body && textAt(body, 'text', `${path}['body']['text']`, 160).split('\n').length > 3) {
    throw invalid(`${path}['body']['text'] may have at most 2 line breaks.`);
  }
  const action = objectAt(card, 'action', `${path}['action']`);
  const buttons = optionalArray(action, 'buttons', `${path}['action']['buttons']`);
  if (!buttons) {
    oneOf(action, 'name', `${path}['action']['name']`, ['cta_url']);
    ctaParameters(action, `${path}['action']['parameters']`);
    return `${kind} url`;
  }
  if (buttons.length === 0) throw invalid(`${path}['action']['buttons'] must not be empty.`);
  for (const entry of buttons) {
    const button = asObject(entry, `${path}['action']['buttons']`);
    oneOf(button, 'type', `${path}['action']['buttons']['type']`, ['quick_reply']);
    const reply = objectAt(button, 'quick_reply', `${path}['action']['buttons']['quick_reply']`);
    textAt(reply, 'id', `${path}['action']['buttons']['quick_reply']['id']`, 256);
    textAt(reply, 'title', `${path}['action']['buttons']['quick_reply']['title']`, 20);
  }
  return `${kind} ${buttons.length} replies`;
}
