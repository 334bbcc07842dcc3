import { type GraphError, graphError } from '../graph/graph-error.ts';
import { type Json, missing, objectAt, scalarText, textAt } from './check.ts';
import { checkLocation, checkMedia } from './simple-types.ts';
import type { TemplateShape, TextShape } from './template-shape.ts';

const mediaFormats = ['IMAGE', 'VIDEO', 'DOCUMENT', 'GIF'];

export function checkHeader(parameters: Json[], { header, named }: TemplateShape): void {
  if (!header) {
    if (parameters.length > 0) throw countMismatch('header', parameters.length, 0);
    return;
  }
  if (header.format === 'TEXT') {
    checkTexts('header', parameters, header.text, named, 60);
    return;
  }
  const parameter = parameters[0];
  const received = parameter ? String(parameter.type).toUpperCase() : 'UNKNOWN';
  if (!parameter || parameters.length > 1 || received !== header.format) {
    throw formatMismatch(`header: Format mismatch, expected ${header.format}, received ${received}`);
  }
  const key = header.format.toLowerCase();
  const value = objectAt(parameter, key, `header: ${key}`);
  if (mediaFormats.includes(header.format)) checkMedia(value, `header: ${key}`, 'no caption');
  else if (header.format === 'LOCATION') checkLocation(value, 'header: location');
  else if (header.format === 'PRODUCT') textAt(value, 'product_retailer_id', 'header: product_retailer_id');
}

export function checkBody(parameters: Json[], { body, named }: TemplateShape): void {
  checkTexts('body', parameters, body, named, 1024);
}

function checkTexts(where: string, parameters: Json[], shape: TextShape, named: boolean, max: number): void {
  if (parameters.length !== shape.variables.length) {
    throw countMismatch(where, parameters.length, shape.variables.length);
  }
  let length = shape.fixedLength;
  const names = new Set<string>();
  for (const parameter of parameters) {
    length += parameterText(where, parameter).length;
    const name = scalarText(parameter.parameter_name);
    if (named) {
      // Meta answers 100 here, not 132012.
      if (!name) throw graphError(100, { details: `${where}: Parameter name is missing or empty` });
      if (!shape.variables.includes(name) || names.has(name)) {
        throw formatMismatch(
          `${where}: parameter name (${name}) does not exist in the template or is repeated`,
        );
      }
      names.add(name);
    }
  }
  if (length > max) {
    throw graphError(132005, {
      details: `${where}: translated text is ${length} characters long, at most ${max}`,
    });
  }
}

function parameterText(where: string, parameter: Json): string {
  const type = textAt(parameter, 'type', `${where}: parameter type`).toLowerCase();
  if (type === 'currency' || type === 'date_time') {
    const value = objectAt(parameter, type, `${where}: ${type}`);
    if (type === 'currency') {
      textAt(value, 'code', `${where}: currency code`);
      textAt(value, 'amount_1000', `${where}: currency amount_1000`);
    }
    return textAt(value, 'fallback_value', `${where}: ${type} fallback_value`);
  }
  if (type !== 'text')
    throw formatMismatch(`${where}: expected text, currency or date_time, received ${type}`);
  const text = scalarText(parameter.text);
  if (text === undefined || text === '')
    throw missing(`${where}: Parameter of type text is missing text value`);
  if (/[\n\r\t]| {5}/.test(text)) {
    throw graphError(132018, {
      details: 'Param text cannot have new-line/tab characters or more than 4 consecutive spaces',
    });
  }
  return text;
}

function countMismatch(where: string, given: number, expected: number): GraphError {
  return graphError(132000, {
    details:
      `${where}: number of localizable_params (${given}) does not match the expected number of params ` +
      `(${expected})`,
  });
}

export function formatMismatch(details: string): GraphError {
  return graphError(132012, { details });
}
