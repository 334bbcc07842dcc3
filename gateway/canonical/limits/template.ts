/** Limits of a template send: name, language and the shape of its components (cloud-api.md §2.1). */
import { cardCount, checkCardIndexes } from './carousel.ts';
import { type Field, fault, member, objectAt, objectsAt } from './field.ts';
import { checkParameter } from './parameters.ts';
import { enumAt, numberAt, textAt, textOf } from './value.ts';

/** `footer` is never needed, but the catalog page has one with variables (cloud-api.md §11.12). */
const componentTypes = [
  'header',
  'body',
  'footer',
  'button',
  'carousel',
  'limited_time_offer',
  'order_status',
];

export function checkTemplate(template: Field): void {
  textAt(template, 'name', { max: 512 });
  const language = objectAt(template, 'language');
  if (language) {
    textAt(language, 'code');
    enumAt(language, 'policy', ['deterministic'], 'optional');
  }
  for (const component of objectsAt(template, 'components')) checkComponent(component);
}

function checkComponent(component: Field): void {
  // Meta's own examples write component types, sub types and parameter types in either case.
  const type = textAt(component, 'type')?.toLowerCase();
  if (type === undefined || type === '') return;
  if (!componentTypes.includes(type)) {
    fault(
      member(component, 'type'),
      'enum',
      `must be one of ${componentTypes.map(word => `"${word}"`).join(', ')}`,
    );
    return;
  }
  if (type === 'carousel') {
    checkCards(component);
    return;
  }
  const subType = textOf(member(component, 'sub_type'))?.toLowerCase();
  if (type === 'button') {
    textAt(component, 'sub_type');
    numberAt(component, 'index', { min: 0, max: 9, whole: true });
  }
  for (const parameter of objectsAt(component, 'parameters')) checkParameter(parameter, type, subType);
}

function checkCards(component: Field): void {
  const cards = objectsAt(component, 'cards', cardCount);
  checkCardIndexes(cards);
  for (const card of cards) for (const part of objectsAt(card, 'components')) checkComponent(part);
}
