/** Template messages of AutoKonnect: a template by its id, and components in almost Meta's form (seeds/004 '6.'). */
import { isObject, type Json, type JsonObject } from '../../canonical/json.ts';
import { invalid, type Refusal, required } from '../../canonical/refusal.ts';
import type { TemplateFacts, TemplateNeed } from '../dialect.ts';
import { asText, compact, given, isBlank, withoutNulls } from '../reading.ts';

const notAnId = invalid('template_id', 'format', 'must be the numeric id of a template');

/**
 * The page wants a numeric id, and its only example sends a name with a language. Both are taken: a name needs its
 * language, and a name that is no template of ours is told as what the page says a name is, a malformed id.
 */
export function readTemplate(body: JsonObject): TemplateNeed | Refusal {
  const reference = given(body, 'template_id');
  if (isBlank(reference)) return required('template_id');
  const id = asText(reference)?.trim();
  if (id === undefined) return notAnId;
  const language = given(body, 'language');
  const byId = /^\d+$/.test(id);
  if (!byId && (typeof language !== 'string' || isBlank(language))) return notAnId;

  const components = given(body, 'components');
  if (isBlank(components)) return required('components');
  if (!Array.isArray(components)) return invalid('components', 'type', 'must be an array');
  const complete = ({ name, language: code }: TemplateFacts) => ({
    type: 'template' as const,
    template: compact({
      name,
      language: { code },
      components: components.length === 0 ? undefined : components.map(component),
    }),
  });

  if (byId) return { template: { by: 'id', id }, complete };
  return {
    template: { by: 'name', name: id, language: String(language).trim() },
    complete,
    notFound: notAnId,
  };
}

/** One component in Meta's form; the cards of a carousel hold components of their own. */
function component(value: Json): Json {
  if (!isObject(value)) return value;
  const { parameters, cards } = value;
  const rewritten = withoutNulls(value);
  if (Array.isArray(parameters)) rewritten.parameters = parameters.map(parameter);
  if (Array.isArray(cards)) rewritten.cards = cards.map(card);
  return rewritten;
}

function card(value: Json): Json {
  if (!isObject(value) || !Array.isArray(value.components)) return value;
  return { ...withoutNulls(value), components: value.components.map(component) };
}

const mediaTypes = new Set<Json | undefined>(['image', 'video', 'document', 'gif']);

/** `{type: "image", link}` becomes Meta's `{type: "image", image: {link}}`; Meta's own form passes as it is. */
function parameter(value: Json): Json {
  if (!isObject(value)) return value;
  const { link, id, filename, ...rest } = withoutNulls(value);
  const type = typeof rest.type === 'string' ? rest.type.toLowerCase() : undefined;
  const bare = link !== undefined || id !== undefined;
  if (type === undefined || !mediaTypes.has(type) || type in rest || !bare) return withoutNulls(value);
  return { ...rest, type, [type]: compact({ link, id, filename }) };
}
