/** Limits of carousels: two to ten cards that look alike (DOC/messages/interactive-{media,product}-carousel-messages). */
import { checkUrlButton, named } from './actions.ts';
import { type Field, fault, isGiven, member, object, objectAt, objectsAt } from './field.ts';
import { checkMedia } from './simple.ts';
import { codePoints, enumAt, numberAt, textAt, textOf, unique } from './value.ts';

export const cardCount = { min: 2, max: 10 } as const;

export function checkCarousel(action: Field): void {
  const cards = objectsAt(action, 'cards', cardCount);
  checkCardIndexes(cards);
  for (const card of cards) {
    const type = textAt(card, 'type');
    if (type === 'product') checkProductCard(card);
    else if (type === 'cta_url' || type === 'quick_reply') checkMediaCard(card);
  }
  alike(cards, 'type', card => textOf(member(card, 'type')));
  alike(cards, 'action', buttonsOf);
  alike(cards, 'action.catalog_id', card => textOf(member(member(card, 'action'), 'catalog_id')));
}

/** Each card says its place, no two the same; also in carousel templates. */
export function checkCardIndexes(cards: readonly Field[]): void {
  for (const card of cards) numberAt(card, 'card_index', { min: 0, max: 9, whole: true });
  unique(cards.map(card => member(card, 'card_index')));
}

function checkProductCard(card: Field): void {
  const action = objectAt(card, 'action');
  if (!action) return;
  textAt(action, 'product_retailer_id');
  textAt(action, 'catalog_id');
}

function checkMediaCard(card: Field): void {
  const header = objectAt(card, 'header');
  const type = header && enumAt(header, 'type', ['image', 'video']);
  const media = header && type !== undefined && objectAt(header, type);
  if (media) checkMedia(media);
  checkCardBody(card);
  const action = objectAt(card, 'action');
  if (!action) return;
  if (isGiven(member(action, 'buttons'))) {
    checkQuickReplies(action);
    return;
  }
  named(action, 'cta_url');
  const parameters = objectAt(action, 'parameters');
  if (parameters) checkUrlButton(parameters);
}

function checkCardBody(card: Field): void {
  const body = object(member(card, 'body'), 'optional');
  const text = body && textAt(body, 'text');
  if (body === undefined || text === undefined) return;
  const length = codePoints(text);
  if (length > 160) fault(member(body, 'text'), 'length', `must be at most 160 characters, has ${length}`);
  if (text.split('\n').length > 3) fault(member(body, 'text'), 'format', 'must have at most 2 line breaks');
}

function checkQuickReplies(action: Field): void {
  for (const button of objectsAt(action, 'buttons', { min: 1 })) {
    enumAt(button, 'type', ['quick_reply']);
    const reply = objectAt(button, 'quick_reply');
    if (!reply) continue;
    textAt(reply, 'id', { max: 256 });
    textAt(reply, 'title', { max: 20 });
  }
}

/** How many buttons of which kind: `1 cta_url`, `2 quick_reply`. */
function buttonsOf(card: Field): string | undefined {
  const action = member(card, 'action');
  const { value } = member(action, 'buttons');
  return Array.isArray(value) ? `${value.length} quick_reply` : textOf(member(action, 'name'));
}

/** Every card must be as the first in this respect. */
function alike(cards: readonly Field[], what: string, trait: (card: Field) => string | undefined): void {
  const [first, ...others] = cards;
  if (first === undefined) return;
  for (const card of others) {
    if (trait(card) !== trait(first)) {
      fault({ ...card, path: `${card.path}.${what}` }, 'conflict', 'must be of the same kind on all cards');
    }
  }
}
