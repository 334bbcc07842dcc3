import { isObject, type Json } from './check.ts';

/** What a stored template asks of a send, worked out once when the template is stored. */
export type TextShape = { variables: string[]; fixedLength: number };
type ButtonShape = { type: string; parameter: 'required' | 'optional' | 'none' };
export type TemplateShape = {
  named: boolean;
  header: { format: string; text: TextShape } | null;
  body: TextShape;
  buttons: ButtonShape[];
  cards: TemplateShape[] | null;
  offerExpires: boolean;
};

const noText: TextShape = { variables: [], fixedLength: 0 };

export function templateShape(template: Json): TemplateShape {
  return shapeOf(listOf(template.components), template.parameter_format === 'NAMED');
}

function shapeOf(components: Json[], named: boolean): TemplateShape {
  const find = (type: string) => components.find(part => String(part.type).toUpperCase() === type);
  const header = find('HEADER');
  const offer = find('LIMITED_TIME_OFFER')?.limited_time_offer;
  const carousel = find('CAROUSEL');
  return {
    named,
    header: header
      ? { format: String(header.format ?? 'TEXT').toUpperCase(), text: textShape(header.text) }
      : null,
    body: textShape(find('BODY')?.text),
    buttons: listOf(find('BUTTONS')?.buttons).map(buttonShape),
    cards: carousel ? listOf(carousel.cards).map(card => shapeOf(listOf(card.components), named)) : null,
    offerExpires: isObject(offer) && offer.has_expiration === true,
  };
}

function textShape(text: unknown): TextShape {
  if (typeof text !== 'string') return noText;
  const found = [...text.matchAll(/\{\{\s*([A-Za-z0-9_]+)\s*\}\}/g)];
  const marks = found.reduce((sum, match) => sum + match[0].length, 0);
  return { variables: [...new Set(found.map(match => match[1] ?? ''))], fixedLength: text.length - marks };
}

function buttonShape(button: Json): ButtonShape {
  const type = String(button.type).toUpperCase();
  if (type === 'URL') {
    return {
      type,
      parameter: typeof button.url === 'string' && button.url.includes('{{') ? 'required' : 'none',
    };
  }
  // An OTP button is sent as a url button carrying the code (cloud-api.md §2.1).
  if (type === 'OTP') return { type: 'URL', parameter: 'required' };
  if (type === 'COPY_CODE' || type === 'MPM') return { type, parameter: 'required' };
  return { type, parameter: type === 'PHONE_NUMBER' ? 'none' : 'optional' };
}

function listOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
