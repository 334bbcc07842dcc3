/**
 * POST /v1/businesses/{businessId}/send/whatsapp_templated_messages: a template by name, its variables by name
 * (vendor-apis.md §2.3). `order` is in the schema, explained nowhere, and ignored.
 */
import type { JsonObject } from '../../canonical/json.ts';
import { invalid, isRefusal, type Refusal, required } from '../../canonical/refusal.ts';
import type { Command, TemplateNeed, WireRequest } from '../dialect.ts';
import { asText, given, isBlank } from '../reading.ts';
import { readCommand } from './command.ts';
import { readParameters } from './parameters.ts';
import { readNumber } from './parties.ts';
import { completeTemplate } from './template-content.ts';

export function readTemplated(wire: WireRequest): Command | Refusal {
  return readCommand(wire, 'number', readNumber, readTemplate);
}

function readTemplate(body: JsonObject): TemplateNeed | Refusal {
  const templateName = given(body, 'templateName');
  if (isBlank(templateName)) return required('templateName');
  const name = asText(templateName)?.trim();
  if (name === undefined) return invalid('templateName', 'type', 'must be a string');
  const language = given(body, 'language');
  if (!isBlank(language) && typeof language !== 'string')
    return invalid('language', 'type', 'must be a string');
  const parameters = readParameters(given(body, 'parameters'));
  if (isRefusal(parameters)) return parameters;
  return {
    template: { by: 'name', name, language: isBlank(language) ? null : language.trim() },
    complete: template => completeTemplate(template, parameters),
  };
}
