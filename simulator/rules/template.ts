import { type GraphError, graphError } from '../graph/graph-error.ts';
import type { StoredTemplate, TemplateBook } from '../templates.ts';
import {
  asObject,
  invalid,
  type Json,
  missing,
  numberAt,
  objectAt,
  optionalArray,
  scalarText,
  textAt,
} from './check.ts';
import { checkButtons } from './template-buttons.ts';
import { checkBody, checkHeader } from './template-parameters.ts';
import type { TemplateShape } from './template-shape.ts';

/** Finds the stored template a send names, or refuses as Meta does; then checks the send against it. */
export function checkTemplate(template: Json, stored: TemplateBook): StoredTemplate {
  const name = textAt(template, 'name', "template['name']", 512);
  const language = objectAt(template, 'language', "template['language']");
  const code = textAt(language, 'code', "template['language']['code']");
  if (language.policy !== undefined && language.policy !== 'deterministic') {
    throw invalid("template['language']['policy'] must be one of {deterministic}.");
  }
  const found = stored.find(name, code);
  if (!found) throw graphError(132001, { details: `template name (${name}) does not exist in ${code}` });
  const refusal = statusRefusal(found);
  if (refusal) throw refusal;
  const components = (optionalArray(template, 'components', "template['components']") ?? []).map(
    (entry, at) => asObject(entry, `template['components'][${at}]`),
  );
  checkComponents(components, found.shape, "template['components']");
  return found;
}

function statusRefusal({ name, language, status }: StoredTemplate): GraphError | undefined {
  if (status === 'APPROVED') return undefined;
  const details = `template name (${name}) in ${language} has status ${status}`;
  if (status === 'PAUSED') return graphError(132015, { details });
  if (status === 'DISABLED') return graphError(132016, { details });
  return graphError(132001, { details: `${details} and is not approved` });
}

const componentTypes = ['header', 'body', 'button', 'carousel', 'limited_time_offer', 'order_status'];

function checkComponents(components: Json[], shape: TemplateShape, path: string): void {
  const byType = new Map<string, Json[]>();
  for (const component of components) {
    // Meta's own examples write types in both cases.
    const type = textAt(component, 'type', `${path}['type']`).toLowerCase();
    if (!componentTypes.includes(type)) {
      throw invalid(`${path}['type'] must be one of {${componentTypes.join(', ')}}.`);
    }
    const list = byType.get(type);
    if (list) list.push(component);
    else byType.set(type, [component]);
  }
  checkHeader(parametersOf(byType.get('header')?.[0], `${path}: header`), shape);
  checkBody(parametersOf(byType.get('body')?.[0], `${path}: body`), shape);
  checkButtons(byType.get('button') ?? [], shape);
  checkOffer(byType.get('limited_time_offer')?.[0], shape);
  checkCards(byType.get('carousel')?.[0], shape);
}

function parametersOf(component: Json | undefined, path: string): Json[] {
  if (!component) return [];
  return (optionalArray(component, 'parameters', path) ?? []).map(entry => asObject(entry, path));
}

function checkOffer(component: Json | undefined, shape: TemplateShape): void {
  if (!shape.offerExpires) return;
  const parameter = parametersOf(component, 'limited_time_offer')[0];
  if (!parameter) throw missing('limited_time_offer: expiration_time_ms is required.');
  const offer = objectAt(parameter, 'limited_time_offer', 'limited_time_offer');
  numberAt(offer, 'expiration_time_ms', 'limited_time_offer: expiration_time_ms', 0, Number.MAX_SAFE_INTEGER);
}

function checkCards(component: Json | undefined, shape: TemplateShape): void {
  const cards = component ? (optionalArray(component, 'cards', "carousel['cards']") ?? []) : [];
  if (!shape.cards) {
    if (component) throw mismatch('carousel', cards.length, 0);
    return;
  }
  const ofProducts = shape.cards[0]?.header?.format === 'PRODUCT';
  // A product carousel made with two cards may be sent with up to ten (§2.1).
  const right = ofProducts ? cards.length >= 2 && cards.length <= 10 : cards.length === shape.cards.length;
  if (!right) throw mismatch('carousel cards', cards.length, shape.cards.length);
  cards.forEach((entry, index) => {
    const card = asObject(entry, `carousel['cards'][${index}]`);
    if (scalarText(card.card_index) !== String(index)) {
      throw invalid(`carousel['cards'][${index}]['card_index'] must be ${index}.`);
    }
    const given = optionalArray(card, 'components', `carousel['cards'][${index}]['components']`) ?? [];
    const cardShape = shape.cards?.[ofProducts ? 0 : index];
    if (cardShape) {
      const path = `carousel['cards'][${index}]['components']`;
      checkComponents(
        given.map(part => asObject(part, path)),
        cardShape,
        path,
      );
    }
  });
}

function mismatch(where: string, given: number, expected: number): GraphError {
  return graphError(132000, {
    details: `${where}: number of given (${given}) does not match the expected number (${expected})`,
  });
}
