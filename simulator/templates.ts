import { isObject, type Json } from './rules/check.ts';
import { type TemplateShape, templateShape } from './rules/template-shape.ts';

export type StoredTemplate = {
  id: string;
  name: string;
  language: string;
  status: string;
  category: string;
  /** Meta's object as GET /{waba}/message_templates shows it. */
  object: Json;
  shape: TemplateShape;
};

export type TemplateBook = ReturnType<typeof createTemplateBook>;

/** The templates of one account, in the order they were given. */
export function createTemplateBook(given: Json[]) {
  const list = given.map(store);
  const byName = new Map(list.map(template => [`${template.name}\n${template.language}`, template]));
  return {
    all: () => list,
    find: (name: string, language: string) => byName.get(`${name}\n${language}`),
    /** Of a template that is there. */
    change(old: StoredTemplate, patch: Json): StoredTemplate {
      const at = list.indexOf(old);
      const changed = store({ ...old.object, ...patch }, at);
      list[at] = changed;
      byName.set(`${changed.name}\n${changed.language}`, changed);
      return changed;
    },
  };
}

function store(given: Json, index: number): StoredTemplate {
  if (!isObject(given) || typeof given.name !== 'string' || typeof given.language !== 'string') {
    throw new Error('a template needs name and language');
  }
  const object = {
    name: given.name,
    parameter_format: given.parameter_format ?? 'POSITIONAL',
    components: given.components ?? [],
    language: given.language,
    status: String(given.status ?? 'APPROVED'),
    category: String(given.category ?? 'UTILITY'),
    quality_score: { score: 'UNKNOWN' },
    rejected_reason: 'NONE',
    ...given,
    id: String(given.id ?? `20000000000${String(index + 1).padStart(5, '0')}`),
  };
  return {
    id: object.id,
    name: object.name,
    language: object.language,
    status: object.status,
    category: object.category,
    object,
    shape: templateShape(object),
  };
}
