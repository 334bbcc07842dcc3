/** A templated message in Meta's form: named values laid into the components of the stored template. */
import type { Content } from '../../canonical/content.ts';
import type { JsonObject } from '../../canonical/json.ts';
import { invalid, type Refusal } from '../../canonical/refusal.ts';
import type { TemplateFacts } from '../dialect.ts';
import { compact } from '../reading.ts';
import { createLedger, type Ledger, type Parameter } from './parameters.ts';
import { fillButton } from './template-buttons.ts';
import { fillHeader, type Part, textParameter } from './template-header.ts';
import { shapeOf, type TemplateShape } from './template-shape.ts';

/** Every value in its place, or a refusal that names every parameter that is missing, wrong or one too many. */
export function completeTemplate(
  template: TemplateFacts,
  parameters: readonly Parameter[],
): Content | Refusal {
  const shape = shapeOf(template.components);
  const [stranger] = unfillable(shape);
  if (stranger !== undefined) {
    const message = `names a template with ${stranger}, for which this API has no parameter; the native API has`;
    return invalid('templateName', 'conflict', message);
  }
  const ledger = createLedger(parameters);
  const part: Part = {
    ledger,
    prefix: '',
    named: template.parameterFormat === 'NAMED',
    authentication: template.category.toUpperCase() === 'AUTHENTICATION',
  };
  const components = fill(shape, part);
  const [first, ...others] = ledger.close(template.name);
  if (first) return { code: 'field_invalid', issues: [first, ...others] };
  const language = { code: template.language };
  const filled = components.length === 0 ? undefined : components;
  return { type: 'template', template: compact({ name: template.name, language, components: filled }) };
}

/** The components of a template or of one card of its carousel, in Meta's order. */
function fill(shape: TemplateShape, part: Part): JsonObject[] {
  const components: JsonObject[] = [];
  const header = fillHeader(shape, part);
  if (header) components.push({ type: 'header', parameters: [header] });
  const body = fillBody(shape, part);
  if (body.length > 0) components.push({ type: 'body', parameters: body });
  for (const button of shape.buttons) {
    const component = fillButton(button, shape, part, body[0]);
    if (component) components.push(component);
  }
  const cards = shape.cards.map((card, index) => ({
    card_index: index,
    components: fill(card, { ...part, prefix: `card_${index + 1}_` }),
  }));
  if (cards.length > 0) components.push({ type: 'carousel', cards });
  return components;
}

/**
 * Body variables in order. A numbered one is `body_<n>`, or the n-th of the free names of the first quick start
 * (`var1`, `var2`); a named one is told by its own name, or by its place in the text.
 */
function fillBody({ body }: TemplateShape, { ledger, prefix, named }: Part): JsonObject[] {
  return body.flatMap((variable, index) => {
    const numbered = `${prefix}body_${named ? index + 1 : variable}`;
    const text = named
      ? ledger.needText(`${prefix}${variable}`, numbered)
      : ledger.needText(numbered, ...freeName(ledger, prefix, index));
    return text === undefined ? [] : [textParameter(text, named ? variable : undefined)];
  });
}

function freeName(ledger: Ledger, prefix: string, index: number): string[] {
  const name = prefix === '' ? ledger.free[index] : undefined;
  return name === undefined ? [] : [name];
}

function unfillable(shape: TemplateShape): string[] {
  return [...shape.unfillable, ...shape.cards.flatMap(unfillable)];
}
