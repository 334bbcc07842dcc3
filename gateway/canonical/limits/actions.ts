/** Limits of `interactive.action`, kind by kind (cloud-api.md §1.7). */
import { type Field, fault, isGiven, member, objectAt, objectsAt } from './field.ts';
import { checkedText, enumAt, numberAt, optionalTextAt, textAt, unique, webAddressAt } from './value.ts';

export type ActionRule = (action: Field) => void;

const labelMax = 20;
const sectionsMax = 10;
const rowsMax = 10;
const productsMax = 30;

export const actions = {
  /** DOC/messages/interactive-reply-buttons-messages */
  button(action) {
    const replies = objectsAt(action, 'buttons', { min: 1, max: 3 }).flatMap(button => {
      enumAt(button, 'type', ['reply']);
      return objectAt(button, 'reply') ?? [];
    });
    for (const reply of replies) {
      textAt(reply, 'id', { max: 256 });
      textAt(reply, 'title', { max: labelMax });
    }
    unique(replies.map(reply => member(reply, 'id')));
    unique(replies.map(reply => member(reply, 'title')));
  },

  /** DOC/messages/interactive-list-messages */
  list(action) {
    textAt(action, 'button', { max: labelMax });
    const sections = objectsAt(action, 'sections', { min: 1, max: sectionsMax });
    checkSectionTitles(sections);
    const rows = sections.flatMap(section => objectsAt(section, 'rows', { min: 1 }));
    if (rows.length > rowsMax) {
      fault(
        member(action, 'sections'),
        'count',
        `must have at most ${rowsMax} rows in all, has ${rows.length}`,
      );
    }
    for (const row of rows) {
      textAt(row, 'id', { max: 200 });
      textAt(row, 'title', { max: 24 });
      optionalTextAt(row, 'description', { max: 72 });
    }
    unique(rows.map(row => member(row, 'id')));
  },

  /** DOC/messages/interactive-cta-url-messages */
  ctaUrl(action) {
    named(action, 'cta_url');
    const parameters = objectAt(action, 'parameters');
    if (parameters) checkUrlButton(parameters);
  },

  /** DOC/messages/location-request-messages */
  locationRequest: action => named(action, 'send_location'),

  /** DOC/messages/address-messages */
  address(action) {
    named(action, 'address_message');
    const parameters = objectAt(action, 'parameters');
    if (!parameters) return;
    textAt(parameters, 'country');
    objectAt(parameters, 'values', 'optional');
    objectAt(parameters, 'validation_errors', 'optional');
    for (const saved of objectsAt(parameters, 'saved_addresses')) {
      textAt(saved, 'id');
      objectAt(saved, 'value');
    }
  },

  /** DOC/catalogs/share-products */
  product(action) {
    textAt(action, 'catalog_id');
    textAt(action, 'product_retailer_id');
  },

  /** DOC/catalogs/share-products */
  productList(action) {
    textAt(action, 'catalog_id');
    checkProductSections(action);
  },

  /** DOC/catalogs/share-products */
  catalog(action) {
    named(action, 'catalog_message');
    const parameters = objectAt(action, 'parameters', 'optional');
    if (parameters) optionalTextAt(parameters, 'thumbnail_product_retailer_id');
  },

  /** DOC/flows/guides/sendingaflow */
  flow(action) {
    named(action, 'flow');
    const parameters = objectAt(action, 'parameters');
    if (!parameters) return;
    textAt(parameters, 'flow_message_version');
    const id = member(parameters, 'flow_id');
    const name = member(parameters, 'flow_name');
    if (isGiven(id) && isGiven(name)) {
      fault(parameters, 'conflict', 'must have either flow_id or flow_name, not both');
    } else if (isGiven(id) || isGiven(name)) {
      checkedText(isGiven(id) ? id : name, {});
    } else {
      fault(parameters, 'required', 'must have flow_id or flow_name');
    }
    textAt(parameters, 'flow_cta');
    optionalTextAt(parameters, 'flow_token');
    enumAt(parameters, 'mode', ['published', 'draft'], 'optional');
    enumAt(parameters, 'flow_action', ['navigate', 'data_exchange'], 'optional');
    const payload = objectAt(parameters, 'flow_action_payload', 'optional');
    if (!payload) return;
    optionalTextAt(payload, 'screen');
    const data = objectAt(payload, 'data', 'optional');
    if (data && Object.keys(data.value).length === 0)
      fault(data, 'count', 'must not be empty when it is given');
  },

  /** DOC/calling/call-button-messages-deep-links: a week by default, thirty days at most. */
  voiceCall(action) {
    named(action, 'voice_call');
    const parameters = objectAt(action, 'parameters', 'optional');
    if (!parameters) return;
    optionalTextAt(parameters, 'display_text', { max: labelMax });
    numberAt(parameters, 'ttl_minutes', { min: 1, max: 43_200, whole: true, optional: true });
    optionalTextAt(parameters, 'payload');
  },

  /** DOC/calling/user-call-permissions */
  callPermission: action => named(action, 'call_permission_request'),

  contactInfo: action => named(action, 'request_contact_info'),
} satisfies Record<string, ActionRule>;

export function named(action: Field, name: string): void {
  enumAt(action, 'name', [name]);
}

export function checkUrlButton(parameters: Field): void {
  textAt(parameters, 'display_text', { max: labelMax });
  webAddressAt(parameters, 'url');
}

/** `sections` of products, in a product list and in the button of an MPM template. */
export function checkProductSections(parent: Field): void {
  const sections = objectsAt(parent, 'sections', { min: 1, max: sectionsMax });
  checkSectionTitles(sections);
  const products = sections.flatMap(section => objectsAt(section, 'product_items', { min: 1 }));
  for (const product of products) textAt(product, 'product_retailer_id');
  if (products.length > productsMax) {
    const message = `must have at most ${productsMax} products in all, has ${products.length}`;
    fault(member(parent, 'sections'), 'count', message);
  }
}

/** A title is needed to tell sections apart; a single one may go without (the pages disagree, cloud-api.md §11.12). */
function checkSectionTitles(sections: readonly Field[]): void {
  for (const section of sections) {
    if (sections.length > 1) textAt(section, 'title', { max: 24 });
    else optionalTextAt(section, 'title', { max: 24 });
  }
}
