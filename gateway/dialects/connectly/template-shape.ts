/** What a stored template asks to be filled in, read from Meta's component objects (cloud-api.md §2.1, §2.3). */
import { isObject, type Json, type JsonObject } from '../../canonical/json.ts';
import { given } from '../reading.ts';

export interface ButtonShape {
  index: number;
  type: string;
  /** Of a URL button with a variable, the address in front of it; otherwise undefined. */
  urlBase: string | undefined;
}

export interface TemplateShape {
  header: { format: string; variables: string[] } | undefined;
  /** Variables of the body: `1`, `2`, … in order, or their names in order of appearance. */
  body: string[];
  buttons: ButtonShape[];
  cards: TemplateShape[];
  /** Components this API has no parameters for. */
  unfillable: string[];
}

export function shapeOf(components: readonly JsonObject[]): TemplateShape {
  const part = (type: string) => components.find(each => upper(each.type) === type);
  const header = part('HEADER');
  const format = header && upper(header.format ?? 'TEXT');
  const buttons = objects(part('BUTTONS')?.buttons).map(button);
  const offer = part('LIMITED_TIME_OFFER')?.limited_time_offer;
  const unfillable = buttons
    .filter(({ type }) => ['MPM', 'SPM'].includes(type))
    .map(() => 'a product button');
  if (format === 'PRODUCT') unfillable.push('a product header');
  if (isObject(offer) && given(offer, 'has_expiration') === true) unfillable.push('a limited-time offer');
  return {
    header: format === undefined ? undefined : { format, variables: variables(header?.text) },
    body: variables(part('BODY')?.text),
    buttons,
    cards: objects(part('CAROUSEL')?.cards).map(card => shapeOf(objects(card.components))),
    unfillable,
  };
}

/** `{{1}}` or `{{first_name}}`, each once; numbered ones by number, whatever their order in the text. */
function variables(text: Json | undefined): string[] {
  if (typeof text !== 'string') return [];
  const names = [...text.matchAll(/\{\{\s*([A-Za-z0-9_]+)\s*\}\}/g)].map(match => match[1] ?? '');
  const once = [...new Set(names)];
  return once.every(name => /^\d+$/.test(name)) ? once.sort((a, b) => Number(a) - Number(b)) : once;
}

function button(value: JsonObject, index: number): ButtonShape {
  const type = upper(value.type);
  const [urlBase, ...rest] = type === 'URL' && typeof value.url === 'string' ? value.url.split('{{') : [];
  return { index, type, urlBase: rest.length > 0 ? urlBase : undefined };
}

function upper(value: Json | undefined): string {
  return String(value ?? '').toUpperCase();
}

function objects(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
