import { graphError } from '../graph/graph-error.ts';
import {
  asObject,
  invalid,
  type Json,
  missing,
  objectAt,
  optionalArray,
  optionalText,
  scalarText,
  textAt,
} from './check.ts';
import { productSections } from './interactive-actions.ts';
import { formatMismatch } from './template-parameters.ts';
import type { TemplateShape } from './template-shape.ts';

/** cloud-api.md §2.1, button rows. */
export function checkButtons(components: Json[], { buttons }: TemplateShape): void {
  const given = new Set<number>();
  for (const component of components) {
    const kind = textAt(component, 'sub_type', "button['sub_type']").toUpperCase();
    const index = Number(scalarText(component.index) ?? Number.NaN);
    if (!Number.isInteger(index) || index < 0 || index > 9) {
      throw invalid("button['index'] must be a number from 0 to 9.");
    }
    const shape = buttons[index];
    if (!shape) {
      throw graphError(132018, { details: `buttons: the template has no button at index ${index}` });
    }
    if (shape.type !== kind) {
      throw formatMismatch(`buttons: button at index ${index} is ${shape.type}, received ${kind}`);
    }
    if (given.has(index)) throw invalid(`buttons: button at index ${index} is given twice.`);
    given.add(index);
    const parameters = optionalArray(component, 'parameters', "button['parameters']") ?? [];
    const parameter =
      parameters[0] === undefined ? undefined : asObject(parameters[0], "button['parameters']");
    if (!parameter) {
      if (shape.parameter === 'required') throw parameterMissing(index, kind);
      continue;
    }
    if (shape.parameter === 'none') {
      throw graphError(132018, { details: `buttons: button at index ${index} takes no parameter` });
    }
    checkParameter(kind, parameter, index);
  }
  buttons.forEach(({ type, parameter }, index) => {
    if (parameter === 'required' && !given.has(index)) throw parameterMissing(index, type);
  });
}

function parameterMissing(index: number, type: string) {
  const kind = type.charAt(0) + type.slice(1).toLowerCase();
  return missing(`buttons: Button at index ${index} of type ${kind} requires a parameter`);
}

function checkParameter(kind: string, parameter: Json, index: number): void {
  const here = `buttons: button at index ${index}`;
  if (kind === 'URL') {
    const text = scalarText(parameter.text);
    if (text === undefined || text === '')
      throw missing(`${here}: Parameter of type text is missing text value`);
    if (text.length > 2000) throw invalid(`${here}: text is longer than 2000 characters`);
    if (/\s/.test(text)) throw invalid(`${here}: text must be percent-encoded`);
  } else if (kind === 'COPY_CODE') {
    textAt(parameter, 'coupon_code', `${here}: coupon_code`, 20);
  } else if (kind === 'MPM') {
    productSections(objectAt(parameter, 'action', `${here}: action`), `${here}: action`);
  } else if (kind === 'QUICK_REPLY') {
    // Meta's own example puts a text parameter here, so only a payload that is there is looked at.
    optionalText(parameter, 'payload', `${here}: payload`, 256);
  }
}
