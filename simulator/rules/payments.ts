import {
  arrayAt,
  asObject,
  invalid,
  type Json,
  numberAt,
  objectAt,
  oneOf,
  optionalArray,
  optionalObject,
  optionalText,
  textAt,
} from './check.ts';

const parametersPath = "interactive['action']['parameters']";

/** DOC/payments/payments-br/orders; India's variant differs only in currency and payment settings. */
export function checkOrderDetails(action: Json): void {
  oneOf(action, 'name', "interactive['action']['name']", ['review_and_pay']);
  const parameters = objectAt(action, 'parameters', parametersPath);
  reference(parameters);
  oneOf(parameters, 'type', `${parametersPath}['type']`, ['digital-goods', 'physical-goods']);
  textAt(parameters, 'currency', `${parametersPath}['currency']`);
  optionalArray(parameters, 'payment_settings', `${parametersPath}['payment_settings']`);
  const total = amount(parameters, 'total_amount', parametersPath);

  const path = `${parametersPath}['order']`;
  const order = objectAt(parameters, 'order', path);
  oneOf(order, 'status', `${path}['status']`, ['pending']);
  for (const entry of arrayAt(order, 'items', `${path}['items']`)) {
    const item = asObject(entry, `${path}['items']`);
    textAt(item, 'retailer_id', `${path}['items']['retailer_id']`);
    textAt(item, 'name', `${path}['items']['name']`, 60);
    amount(item, 'amount', `${path}['items']`);
    numberAt(item, 'quantity', `${path}['items']['quantity']`, 1, Number.MAX_SAFE_INTEGER);
  }
  const subtotal = amount(order, 'subtotal', path);
  const tax = amount(order, 'tax', path);
  const shipping = order.shipping === undefined ? 0 : amount(order, 'shipping', path);
  const discount = order.discount === undefined ? 0 : amount(order, 'discount', path);
  const given = optionalObject(order, 'discount', `${path}['discount']`);
  if (given) {
    optionalText(given, 'description', `${path}['discount']['description']`, 60);
    optionalText(given, 'discount_program_name', `${path}['discount']['discount_program_name']`, 60);
  }
  if (total !== subtotal + tax + shipping - discount) {
    throw invalid('total_amount must be subtotal + tax + shipping - discount.');
  }
}

export function checkOrderStatus(action: Json): void {
  oneOf(action, 'name', "interactive['action']['name']", ['review_order']);
  const parameters = objectAt(action, 'parameters', parametersPath);
  reference(parameters);
  const path = `${parametersPath}['order']`;
  const order = objectAt(parameters, 'order', path);
  oneOf(order, 'status', `${path}['status']`, [
    'pending',
    'processing',
    'partially-shipped',
    'shipped',
    'completed',
    'canceled',
  ]);
  optionalText(order, 'description', `${path}['description']`, 120);
  const payment = optionalObject(parameters, 'payment', `${parametersPath}['payment']`);
  if (payment) {
    oneOf(payment, 'status', `${parametersPath}['payment']['status']`, ['pending', 'captured', 'failed']);
  }
}

function reference(parameters: Json): void {
  const value = textAt(parameters, 'reference_id', `${parametersPath}['reference_id']`, 60);
  if (!/^[A-Za-z0-9_.-]+$/.test(value))
    throw invalid(`${parametersPath}['reference_id'] has a character not allowed.`);
}

function amount(parent: Json, key: string, path: string): number {
  const here = `${path}['${key}']`;
  const given = objectAt(parent, key, here);
  if (numberAt(given, 'offset', `${here}['offset']`, 1, 1_000_000) !== 100) {
    throw invalid(`${here}['offset'] must be 100.`);
  }
  return numberAt(given, 'value', `${here}['value']`, 0, Number.MAX_SAFE_INTEGER);
}
