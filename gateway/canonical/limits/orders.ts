/** Limits of payment messages: order_details and order_status (cloud-api.md §1.7, DOC/payments/payments-br/orders). */
import { named } from './actions.ts';
import { type Field, fault, member, objectAt, objectsAt } from './field.ts';
import { enumAt, numberAt, optionalTextAt, textAt } from './value.ts';

const shortText = { max: 60 };
const description = { max: 120 };

export function checkOrderDetails(action: Field): void {
  named(action, 'review_and_pay');
  const parameters = objectAt(action, 'parameters');
  if (parameters) checkOrderParameters(parameters);
}

/** Also the parameter of an order details template's button. */
export function checkOrderParameters(parameters: Field): void {
  checkReference(parameters);
  enumAt(parameters, 'type', ['digital-goods', 'physical-goods']);
  optionalTextAt(parameters, 'payment_type');
  for (const setting of objectsAt(parameters, 'payment_settings')) textAt(setting, 'type');
  textAt(parameters, 'currency');
  const total = amountAt(parameters, 'total_amount');
  const order = objectAt(parameters, 'order');
  if (order) checkOrder(order, total, member(parameters, 'total_amount'));
}

function checkOrder(order: Field, total: number | undefined, totalField: Field): void {
  enumAt(order, 'status', ['pending']);
  for (const item of objectsAt(order, 'items', { min: 1 })) {
    textAt(item, 'name', shortText);
    optionalTextAt(item, 'retailer_id');
    amountAt(item, 'amount');
    amountAt(item, 'sale_amount', 'optional');
    numberAt(item, 'quantity', { min: 1, max: Number.MAX_SAFE_INTEGER, whole: true });
  }
  const subtotal = amountAt(order, 'subtotal');
  const tax = amountAt(order, 'tax');
  const shipping = amountAt(order, 'shipping', 'optional') ?? 0;
  const discount = amountAt(order, 'discount', 'optional') ?? 0;
  optionalTextAt(member(order, 'discount'), 'description', shortText);
  optionalTextAt(member(order, 'discount'), 'discount_program_name', shortText);
  const expiration = objectAt(order, 'expiration', 'optional');
  if (expiration) {
    textAt(expiration, 'timestamp');
    optionalTextAt(expiration, 'description', description);
  }
  if (total === undefined || subtotal === undefined || tax === undefined) return;
  const sum = subtotal + tax + shipping - discount;
  if (total !== sum) {
    fault(
      member(totalField, 'value'),
      'conflict',
      `must be subtotal + tax + shipping - discount, ${sum}, is ${total}`,
    );
  }
}

/** `{value, offset: 100}`; answers the value. */
function amountAt(
  parent: Field,
  key: string,
  presence: 'required' | 'optional' = 'required',
): number | undefined {
  const amount = objectAt(parent, key, presence);
  if (!amount) return undefined;
  numberAt(amount, 'offset', { min: 100, max: 100 });
  return numberAt(amount, 'value', { min: 0, max: Number.MAX_SAFE_INTEGER, whole: true });
}

function checkReference(parameters: Field): void {
  const reference = textAt(parameters, 'reference_id', shortText);
  if (reference !== undefined && !/^[\w.-]*$/.test(reference)) {
    fault(member(parameters, 'reference_id'), 'format', 'must have only letters, digits, _, - and .');
  }
}

const orderStatuses = ['pending', 'processing', 'partially-shipped', 'shipped', 'completed', 'canceled'];

export function checkOrderStatus(action: Field): void {
  named(action, 'review_order');
  const parameters = objectAt(action, 'parameters');
  if (parameters) checkOrderUpdate(parameters);
}

/** Also the parameter of an order status template. */
export function checkOrderUpdate(parameters: Field): void {
  checkReference(parameters);
  const order = objectAt(parameters, 'order');
  if (order) {
    enumAt(order, 'status', orderStatuses);
    optionalTextAt(order, 'description', description);
  }
  const payment = objectAt(parameters, 'payment', 'optional');
  if (payment) enumAt(payment, 'status', ['pending', 'captured', 'failed']);
}
