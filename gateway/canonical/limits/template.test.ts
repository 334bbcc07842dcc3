import type { Json, JsonObject } from '../json.ts';
import { of, table } from './test-table.ts';

const template = (members: JsonObject): JsonObject => ({
  type: 'template',
  template: { name: 'n', language: { code: 'en_US' }, ...members },
});
const component = (members: JsonObject) => template({ components: [members] });
const parameter = (members: Json) => component({ type: 'body', parameters: [members] });
const parameter0 = 'template.components[0].parameters[0]';

table('templates', [
  ['no components', template({}), []],
  ['no name', { type: 'template', template: { language: { code: 'en' } } }, ['template.name required']],
  ['no language', { type: 'template', template: { name: 'n' } }, ['template.language required']],
  [
    'language as a string',
    { type: 'template', template: { name: 'n', language: 'en' } },
    ['template.language type'],
  ],
  [
    'another policy',
    template({ language: { code: 'en', policy: 'fallback' } }),
    ['template.language.policy enum'],
  ],
  ['components that are an object', template({ components: {} }), ['template.components type']],
  ['types in capitals', component({ type: 'BODY', parameters: [{ type: 'TEXT', text: 'a' }] }), []],
  ['an unknown component', component({ type: 'boddy' }), ['template.components[0].type enum']],
  ['a scalar text', parameter({ type: 'text', text: true }), []],
  ['no text', parameter({ type: 'text' }), [`${parameter0}.text required`]],
  ['a parameter that is a string', parameter('Jo'), [`${parameter0} type`]],
  ['an unknown parameter passes', parameter({ type: 'hologram' }), []],
  [
    'a currency',
    parameter({ type: 'currency', currency: { fallback_value: '$1', code: 'USD', amount_1000: 1000 } }),
    [],
  ],
  [
    'a currency by its sign',
    parameter({ type: 'currency', currency: { fallback_value: '$1', code: '$', amount_1000: 1000 } }),
    [`${parameter0}.currency.code format`],
  ],
  ['media without id or link', parameter({ type: 'image', image: {} }), [`${parameter0}.image required`]],
  ['index as a string', component({ type: 'button', sub_type: 'url', index: '0' }), []],
  [
    'index 10',
    component({ type: 'button', sub_type: 'url', index: 10 }),
    ['template.components[0].index format'],
  ],
  [
    'a bare button',
    component({ type: 'button' }),
    ['template.components[0].sub_type required', 'template.components[0].index required'],
  ],
  [
    'a coupon of 21',
    component({
      type: 'button',
      sub_type: 'copy_code',
      index: 0,
      parameters: [{ type: 'coupon_code', coupon_code: of(21) }],
    }),
    [`${parameter0}.coupon_code length`],
  ],
  [
    'one card',
    component({ type: 'carousel', cards: [{ card_index: 0 }] }),
    ['template.components[0].cards count'],
  ],
  [
    'a fault inside a card',
    component({
      type: 'carousel',
      cards: [{ card_index: 0 }, { card_index: 1, components: [{ type: 'body', parameters: [{}] }] }],
    }),
    ['template.components[0].cards[1].components[0].parameters[0].type required'],
  ],
]);
