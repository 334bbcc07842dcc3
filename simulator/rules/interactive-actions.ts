import {
  arrayAt,
  asObject,
  invalid,
  type Json,
  malformed,
  missing,
  noneTwice,
  numberAt,
  objectAt,
  oneOf,
  optionalArray,
  optionalObject,
  optionalText,
  textAt,
  webAddress,
} from './check.ts';

const at = (key: string) => `interactive['action']['${key}']`;

function actionName(action: Json, name: string): void {
  if (textAt(action, 'name', at('name')) !== name) throw invalid(`${at('name')} must be ${name}.`);
}

function button(action: Json): void {
  const buttons = arrayAt(action, 'buttons', at('buttons'), { max: 3 }).map((entry, index) => {
    const path = `${at('buttons')}[${index}]`;
    const given = asObject(entry, path);
    oneOf(given, 'type', `${path}['type']`, ['reply']);
    const reply = objectAt(given, 'reply', `${path}['reply']`);
    return {
      id: textAt(reply, 'id', `${path}['reply']['id']`, 256),
      title: textAt(reply, 'title', `${path}['reply']['title']`, 20),
    };
  });
  noneTwice(
    buttons.map(({ id }) => id),
    'Button ids',
  );
  noneTwice(
    buttons.map(({ title }) => title),
    'Button titles',
  );
}

function list(action: Json): void {
  textAt(action, 'button', at('button'), 20);
  const sections = arrayAt(action, 'sections', at('sections'), { max: 10 });
  let total = 0;
  sections.forEach((entry, index) => {
    const path = `${at('sections')}[${index}]`;
    const section = asObject(entry, path);
    sectionTitle(section, path, sections.length);
    for (const given of arrayAt(section, 'rows', `${path}['rows']`)) {
      const row = asObject(given, `${path}['rows']`);
      textAt(row, 'id', `${path}['rows']['id']`, 200);
      textAt(row, 'title', `${path}['rows']['title']`, 24);
      optionalText(row, 'description', `${path}['rows']['description']`, 72);
      total += 1;
    }
  });
  if (total > 10) throw invalid(`Total row count exceed max allowed count: 10, given: ${total}.`);
}

function sectionTitle(section: Json, path: string, sections: number): void {
  const title = optionalText(section, 'title', `${path}['title']`, 24);
  if (!title && sections > 1)
    throw missing(`${path}['title'] is required when there is more than one section.`);
}

function ctaUrl(action: Json): void {
  actionName(action, 'cta_url');
  ctaParameters(action, at('parameters'));
}

export function ctaParameters(action: Json, path: string): void {
  const parameters = objectAt(action, 'parameters', path);
  textAt(parameters, 'display_text', `${path}['display_text']`, 20);
  webAddress(textAt(parameters, 'url', `${path}['url']`), `${path}['url']`);
}

/** DOC/messages/address-messages documents India; Singapore has the same form. */
function address(action: Json): void {
  actionName(action, 'address_message');
  const parameters = objectAt(action, 'parameters', at('parameters'));
  oneOf(parameters, 'country', `${at('parameters')}['country']`, ['IN', 'SG']);
  optionalArray(parameters, 'saved_addresses', `${at('parameters')}['saved_addresses']`);
}

function product(action: Json): void {
  textAt(action, 'catalog_id', at('catalog_id'));
  textAt(action, 'product_retailer_id', at('product_retailer_id'));
}

function productList(action: Json): void {
  textAt(action, 'catalog_id', at('catalog_id'));
  productSections(action, "interactive['action']");
}

/** Also the form of a template's mpm button. */
export function productSections(action: Json, path: string): void {
  const sections = arrayAt(action, 'sections', `${path}['sections']`, { max: 10 });
  let total = 0;
  sections.forEach((entry, index) => {
    const here = `${path}['sections'][${index}]`;
    const section = asObject(entry, here);
    sectionTitle(section, here, sections.length);
    for (const item of arrayAt(section, 'product_items', `${here}['product_items']`)) {
      textAt(asObject(item, here), 'product_retailer_id', `${here}['product_items']['product_retailer_id']`);
      total += 1;
    }
  });
  if (total > 30) throw invalid(`Total product count exceed max allowed count: 30, given: ${total}.`);
}

function catalog(action: Json): void {
  actionName(action, 'catalog_message');
  const parameters = optionalObject(action, 'parameters', at('parameters'));
  if (parameters)
    optionalText(parameters, 'thumbnail_product_retailer_id', at('thumbnail_product_retailer_id'));
}

/** DOC/flows/guides/sendingaflow */
function flow(action: Json): void {
  actionName(action, 'flow');
  const path = at('parameters');
  const parameters = objectAt(action, 'parameters', path);
  oneOf(parameters, 'flow_message_version', `${path}['flow_message_version']`, ['3']);
  const id = optionalText(parameters, 'flow_id', `${path}['flow_id']`);
  const name = optionalText(parameters, 'flow_name', `${path}['flow_name']`);
  if (!id && !name) throw missing(`${path} needs flow_id or flow_name.`);
  if (id && name) throw invalid(`${path} takes flow_id or flow_name, not both.`);
  textAt(parameters, 'flow_cta', `${path}['flow_cta']`);
  if (parameters.mode !== undefined) oneOf(parameters, 'mode', `${path}['mode']`, ['published', 'draft']);
  optionalText(parameters, 'flow_token', `${path}['flow_token']`);
  if (parameters.flow_action !== undefined) {
    oneOf(parameters, 'flow_action', `${path}['flow_action']`, ['navigate', 'data_exchange']);
  }
  const payload = optionalObject(parameters, 'flow_action_payload', `${path}['flow_action_payload']`);
  if (!payload) return;
  textAt(payload, 'screen', `${path}['flow_action_payload']['screen']`);
  const data = optionalObject(payload, 'data', `${path}['flow_action_payload']['data']`);
  if (data && Object.keys(data).length === 0) {
    throw malformed(`Param ${path}['flow_action_payload']['data'] must not be empty.`);
  }
}

function voiceCall(action: Json): void {
  actionName(action, 'voice_call');
  const path = at('parameters');
  const parameters = optionalObject(action, 'parameters', path);
  if (!parameters) return;
  optionalText(parameters, 'display_text', `${path}['display_text']`, 20);
  if (parameters.ttl_minutes !== undefined)
    numberAt(parameters, 'ttl_minutes', `${path}['ttl_minutes']`, 1, 43200);
}

export const actions = {
  button,
  list,
  ctaUrl,
  address,
  product,
  productList,
  catalog,
  flow,
  voiceCall,
  named: (name: string) => (action: Json) => actionName(action, name),
};
