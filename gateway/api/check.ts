/** Checks a query or a body against its schema, and says in sentences what is wrong with it. */
import type { Static, TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import type { TLocalizedValidationError } from 'typebox/error';
import { isObject, type Json, type JsonObject } from '../canonical/json.ts';
import type { Issue, Refusal } from '../canonical/refusal.ts';
import { withoutNulls } from '../dialects/reading.ts';

export function checkBody<S extends TSchema>(schema: S, body: Json | undefined): Static<S> | Refusal {
  if (!isObject(body)) return { code: 'body_unreadable', reason: 'it must be a JSON object' };
  // Generated clients write null for what they leave out.
  return check(schema, withoutNulls(body));
}

/** Everything in a query is text: numbers are read from their digits, `?status=` counts as left out. */
export function checkQuery<S extends TSchema>(schema: S, query: JsonObject): Static<S> | Refusal {
  const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ''));
  return check(schema, compiled(schema).Convert(given));
}

function check<S extends TSchema>(schema: S, value: unknown): Static<S> | Refusal {
  const validator = compiled(schema);
  if (validator.Check(value)) return value as Static<S>;
  // TypeBox stops after its first eight findings.
  const [first, ...more] = validator.Errors(value).flatMap(error => issuesOf(error, schema));
  if (first === undefined) throw new Error('a value fails its schema without an error');
  return { code: 'field_invalid', issues: [first, ...more] };
}

const validators = new WeakMap<TSchema, Validator>();

/** Compiled at its first use: a start does not wait for schemas that nobody asks for. */
function compiled(schema: TSchema): Validator {
  let validator = validators.get(schema);
  if (validator === undefined) {
    validator = Compile(schema);
    validators.set(schema, validator);
  }
  return validator;
}

function issuesOf(error: TLocalizedValidationError, schema: TSchema): Issue[] {
  const at = pathOf(error.instancePath);
  const issue = (path: string, rule: Issue['rule'], message: string): Issue[] => [{ path, rule, message }];
  const inside = (names: string[]) => names.map(name => (at === '' ? name : `${at}.${name}`));
  switch (error.keyword) {
    case 'required':
      return inside(error.params.requiredProperties).flatMap(path => issue(path, 'required', 'is required'));
    case 'boolean':
      // One for each member that the schema has no place for.
      return issue(at, 'conflict', 'is not a member of this request');
    case 'additionalProperties':
      // The same finding once more for all of them.
      return [];
    case 'type':
      return issue(at, 'type', `must be ${withArticle([error.params.type].flat().join(' or '))}`);
    case 'enum':
      return issue(at, 'enum', `must be one of ${error.params.allowedValues.join(', ')}`);
    case 'minLength':
      return issue(
        at,
        'length',
        error.params.limit === 1
          ? 'must not be empty'
          : `must have at least ${error.params.limit} characters`,
      );
    case 'maxLength':
      return issue(at, 'length', `must be at most ${error.params.limit} characters`);
    case 'minimum':
      return issue(at, 'format', `must be at least ${error.params.limit}`);
    case 'maximum':
      return issue(at, 'format', `must be at most ${error.params.limit}`);
    case 'pattern':
      return issue(at, 'format', sentenceAt(schema, error.schemaPath) ?? error.message);
    default:
      return issue(at, 'format', error.message);
  }
}

/** `/members/0/name` → `members[0].name`, as all our paths are written. */
function pathOf(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part, i) => (/^\d+$/.test(part) ? `[${part}]` : i === 0 ? part : `.${part}`))
    .join('');
}

const withArticle = (type: string) => `${/^[aeio]/.test(type) ? 'an' : 'a'} ${type}`;

/** A pattern says nothing to a person; the schema that has one says the rule in `x-rule`. */
function sentenceAt(schema: TSchema, schemaPath: string): string | undefined {
  let found: unknown = schema;
  for (const part of schemaPath.split('/').slice(1)) found = isObject(found) ? found[part] : undefined;
  const rule = isObject(found) ? found['x-rule'] : undefined;
  return typeof rule === 'string' ? rule : undefined;
}
