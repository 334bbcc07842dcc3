/** The header parameter of a template: a text, a medium by its URL, or a location. */
import { isObject, type Json, type JsonObject, parseJson } from '../../canonical/json.ts';
import { compact, given, isBlank } from '../reading.ts';
import { readUrl } from './attachment.ts';
import type { Ledger, Parameter } from './parameters.ts';
import type { TemplateShape } from './template-shape.ts';

/** What the parts of one template, or of one card, are filled from. */
export interface Part {
  ledger: Ledger;
  /** In front of every parameter name: nothing, or `card_<n>_`. */
  prefix: string;
  named: boolean;
  authentication: boolean;
}

export function textParameter(text: string, variable: string | undefined): JsonObject {
  return compact({ type: 'text', parameter_name: variable, text });
}

/** `header_text`, `header_image`, `header_video`, `header_document` as documented; `header_location` is ours. */
export function fillHeader(
  { header }: TemplateShape,
  { ledger, prefix, named }: Part,
): JsonObject | undefined {
  switch (header?.format) {
    case 'TEXT': {
      const [variable] = header.variables;
      if (variable === undefined) return undefined;
      const byPlace = `${prefix}header_text`;
      const text = named ? ledger.needText(`${prefix}${variable}`, byPlace) : ledger.needText(byPlace);
      return text === undefined ? undefined : textParameter(text, named ? variable : undefined);
    }
    case 'IMAGE':
    case 'VIDEO':
    case 'DOCUMENT':
    case 'GIF':
      return medium(header.format.toLowerCase(), ledger, prefix);
    case 'LOCATION':
      return location(ledger, `${prefix}header_location`);
    default:
      return undefined;
  }
}

function medium(type: string, ledger: Ledger, prefix: string): JsonObject | undefined {
  const parameter = ledger.need(`${prefix}header_${type}`);
  if (!parameter) return undefined;
  const link = readUrl(parameter.value, parameter.name);
  if (typeof link !== 'string') {
    const [{ rule, message }] = link.issues;
    ledger.fault(parameter.name, rule, message);
    return undefined;
  }
  return { type, [type]: compact({ link, filename: filename(parameter, type) }) };
}

/** WhatsApp shows a filename on a document only. */
function filename(parameter: Parameter, type: string): string | undefined {
  const given = parameter.filename;
  return type === 'document' && typeof given === 'string' && !isBlank(given) ? given : undefined;
}

/** `{latitude, longitude, name, address}`, as an object or as JSON in a string: a value is a string everywhere else. */
function location(ledger: Ledger, name: string): JsonObject | undefined {
  const parameter = ledger.need(name);
  if (!parameter) return undefined;
  const value = typeof parameter.value === 'string' ? parseJson(parameter.value) : parameter.value;
  const degrees = isObject(value) ? [given(value, 'latitude'), given(value, 'longitude')] : [];
  if (!isObject(value) || degrees.some(isBlank)) {
    ledger.fault(name, 'format', 'must be a JSON object with latitude, longitude, name and address');
    return undefined;
  }
  const members = ['latitude', 'longitude', 'name', 'address'].map(key => [key, written(given(value, key))]);
  return { type: 'location', location: compact(Object.fromEntries(members)) };
}

/** Meta documents the header's degrees as strings (cloud-api.md §2.1). */
function written(value: Json | undefined): Json | undefined {
  return typeof value === 'number' ? String(value) : value;
}
