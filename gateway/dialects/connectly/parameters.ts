/** `parameters: [{name, value, filename?}]` of a templated message, and the account of which of them were used. */
import { isObject, type Json } from '../../canonical/json.ts';
import { type Issue, invalid, type Refusal } from '../../canonical/refusal.ts';
import { asText, given, isBlank } from '../reading.ts';

export interface Parameter {
  name: string;
  value: Json | undefined;
  filename: Json | undefined;
}

/** The names a template's parts answer to; every other name stands for a variable of the body. */
const partName = /^(card_\d+_.+|header_(text|image|video|document|gif|location)|body_\d+|button_\d+_\w+)$/;

/** The array as given, each name once. */
export function readParameters(value: Json | undefined): Parameter[] | Refusal {
  if (isBlank(value)) return [];
  if (!Array.isArray(value)) return invalid('parameters', 'type', 'must be an array');
  const parameters: Parameter[] = [];
  for (const [index, element] of value.entries()) {
    const path = `parameters[${index}]`;
    if (!isObject(element)) return invalid(path, 'type', 'must be an object with name and value');
    const name = asText(given(element, 'name'))?.trim() ?? '';
    if (name === '') return invalid(`${path}.name`, 'required', 'is required');
    if (parameters.some(parameter => parameter.name === name)) {
      return invalid(`${path}.name`, 'unique', `must be unique, ${name} is given twice`);
    }
    parameters.push({ name, value: given(element, 'value'), filename: given(element, 'filename') });
  }
  return parameters;
}

/** Hands parameters out by name and keeps the account: what was asked for, what was never taken, what is wrong. */
export interface Ledger {
  /** The parameter of the first name that is given; `asked` names it among the names of this template. */
  take(...names: string[]): Parameter | undefined;
  /** Its value as a text, with an issue when it is empty or no text. */
  takeText(...names: string[]): string | undefined;
  /** The same, with an issue under the first name when none is given. */
  needText(...names: string[]): string | undefined;
  need(name: string): Parameter | undefined;
  /** The names of the first quick start (`var1`, `var2`), which fill the body in the order given. */
  free: string[];
  fault(name: string, rule: Issue['rule'], message: string): void;
  /** Every issue found, with those of parameters nobody took. */
  close(template: string): Issue[];
}

export function createLedger(parameters: readonly Parameter[]): Ledger {
  const byName = new Map(parameters.map(parameter => [parameter.name, parameter]));
  const left = new Set(byName.keys());
  const asked: string[] = [];
  const issues: Issue[] = [];
  const numbered = parameters.some(({ name }) => /^body_\d+$/.test(name));
  const ledger: Ledger = {
    free: numbered ? [] : parameters.map(({ name }) => name).filter(name => !partName.test(name)),
    take(...names) {
      if (names[0] !== undefined) asked.push(names[0]);
      const name = names.find(each => left.has(each));
      if (name !== undefined) left.delete(name);
      return name === undefined ? undefined : byName.get(name);
    },
    takeText(...names) {
      const parameter = ledger.take(...names);
      return parameter && text(parameter);
    },
    needText(...names) {
      const parameter = ledger.take(...names);
      if (parameter) return text(parameter);
      ledger.fault(names[0] ?? '', 'required', 'is required');
      return undefined;
    },
    need(name) {
      const parameter = ledger.take(name);
      if (parameter === undefined) ledger.fault(name, 'required', 'is required');
      return parameter;
    },
    fault(name, rule, message) {
      issues.push({ path: `parameters.${name}`, rule, message });
    },
    close(template) {
      const names = asked.length === 0 ? 'takes none' : `takes ${asked.join(', ')}`;
      for (const name of left)
        ledger.fault(name, 'enum', `is no parameter of template ${template}, which ${names}`);
      return issues;
    },
  };
  /** Numbers are written out: a code or an amount often comes unquoted. */
  function text({ name, value }: Parameter): string | undefined {
    const written = typeof value === 'number' ? String(value) : value;
    if (isBlank(written)) ledger.fault(name, 'required', 'must not be empty');
    else if (typeof written === 'string') return written;
    else ledger.fault(name, 'type', 'must be a string');
    return undefined;
  }
  return ledger;
}
