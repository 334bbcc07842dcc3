/** Limits of one parameter of a template component (the table of cloud-api.md §2.1). An unknown type passes: Meta decides. */
import { checkProductSections } from './actions.ts';
import { type Field, fault, isGiven, member, need, objectAt } from './field.ts';
import { checkOrderParameters, checkOrderUpdate } from './orders.ts';
import { checkLocation, checkMedia } from './simple.ts';
import { numberAt, optionalTextAt, textAt } from './value.ts';

type ParameterRule = (parameter: Field) => void;

const rules: Record<string, ParameterRule> = {
  text: checkTextParameter,
  currency: inside('currency', checkCurrency),
  date_time: inside('date_time', dateTime => textAt(dateTime, 'fallback_value')),
  image: inside('image', checkMedia),
  video: inside('video', checkMedia),
  document: inside('document', checkMedia),
  gif: inside('gif', checkMedia),
  location: inside('location', checkLocation),
  product: inside('product', product => {
    textAt(product, 'product_retailer_id');
    textAt(product, 'catalog_id');
  }),
  payload: parameter => textAt(parameter, 'payload'),
  coupon_code: parameter => textAt(parameter, 'coupon_code', { max: 20 }),
  ttl_minutes: parameter => numberAt(parameter, 'ttl_minutes', { min: 1, max: 43_200, whole: true }),
  limited_time_offer: inside('limited_time_offer', offer => {
    numberAt(offer, 'expiration_time_ms', {
      min: 1,
      max: Number.MAX_SAFE_INTEGER,
      whole: true,
      optional: true,
    });
  }),
  order_status: inside('order_status', checkOrderUpdate),
};

/** `component` and `subType` in lower case. */
export function checkParameter(parameter: Field, component: string, subType: string | undefined): void {
  const type = textAt(parameter, 'type')?.toLowerCase() ?? '';
  optionalTextAt(parameter, 'parameter_name', { min: 1 });
  if (type === 'action' && component === 'button') {
    inside('action', action => checkButtonAction(action, subType))(parameter);
  } else if (Object.hasOwn(rules, type)) {
    rules[type]?.(parameter);
  }
}

/** The rule for the object a parameter carries under `key`. */
function inside(key: string, check: ParameterRule): ParameterRule {
  return parameter => {
    const field = objectAt(parameter, key);
    if (field) check(field);
  };
}

/** Any scalar will do: Meta's own example sends `"text": true` (meta-examples/send-sample-issue-resolution-template). */
function checkTextParameter(parameter: Field): void {
  const text = member(parameter, 'text');
  if (!need(text)) return;
  if (typeof text.value === 'object') fault(text, 'type', 'must be a string');
  else if (text.value === '') fault(text, 'length', 'must not be empty');
}

function checkCurrency(currency: Field): void {
  textAt(currency, 'fallback_value');
  const code = textAt(currency, 'code');
  if (code !== undefined && !/^[A-Za-z]{3}$/.test(code)) {
    fault(member(currency, 'code'), 'format', 'must be an ISO 4217 code such as "USD"');
  }
  const any = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };
  numberAt(currency, 'amount_1000', { ...any, whole: true });
}

function checkButtonAction(action: Field, subType: string | undefined): void {
  optionalTextAt(action, 'flow_token');
  objectAt(action, 'flow_action_data', 'optional');
  optionalTextAt(action, 'thumbnail_product_retailer_id');
  if (subType === 'mpm' || isGiven(member(action, 'sections'))) checkProductSections(action);
  const order = objectAt(action, 'order_details', 'optional');
  if (order) checkOrderParameters(order);
}
