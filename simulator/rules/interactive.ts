import { checkCarousel } from './carousel.ts';
import { invalid, type Json, missing, objectAt, optionalObject, textAt } from './check.ts';
import { actions } from './interactive-actions.ts';
import { checkOrderDetails, checkOrderStatus } from './payments.ts';
import { checkMedia } from './simple-types.ts';

type Part = 'required' | 'optional' | 'none';
type Rule = {
  header: readonly string[];
  headerPart?: Part;
  body: Part;
  bodyMax: number;
  footer: Part;
  action: (action: Json) => void;
};

const anyHeader = ['text', 'image', 'video', 'document'] as const;
const plain = { header: [], body: 'required', bodyMax: 1024, footer: 'optional' } as const;

/** cloud-api.md §1.7, from DOC/messages/interactive-*; 1024 is the historic body limit where none is stated. */
const rules: Record<string, Rule> = {
  button: { ...plain, header: anyHeader, action: actions.button },
  list: { ...plain, header: ['text'], bodyMax: 4096, action: actions.list },
  cta_url: { ...plain, header: anyHeader, action: actions.ctaUrl },
  location_request_message: { ...plain, action: actions.named('send_location') },
  address_message: { ...plain, header: anyHeader, action: actions.address },
  product: { ...plain, body: 'optional', action: actions.product },
  product_list: { ...plain, header: ['text'], headerPart: 'required', action: actions.productList },
  catalog_message: { ...plain, action: actions.catalog },
  carousel: { ...plain, footer: 'none', action: checkCarousel },
  flow: { ...plain, header: anyHeader, action: actions.flow },
  voice_call: { ...plain, header: anyHeader, action: actions.voiceCall },
  call_permission_request: {
    ...plain,
    body: 'optional',
    footer: 'none',
    action: actions.named('call_permission_request'),
  },
  request_contact_info: { ...plain, action: actions.named('request_contact_info') },
  order_details: { ...plain, header: ['image'], action: checkOrderDetails },
  order_status: { ...plain, header: anyHeader, action: checkOrderStatus },
};

export function checkInteractive(interactive: Json): void {
  const type = textAt(interactive, 'type', "interactive['type']");
  const rule = rules[type];
  if (!rule) throw invalid(`interactive['type'] must be one of {${Object.keys(rules).join(', ')}}.`);

  const header = partAt(
    interactive,
    'header',
    type,
    rule.headerPart ?? (rule.header.length ? 'optional' : 'none'),
  );
  if (header) checkHeader(header, rule.header);
  const body = partAt(interactive, 'body', type, rule.body);
  if (body) textAt(body, 'text', "interactive['body']['text']", rule.bodyMax);
  const footer = partAt(interactive, 'footer', type, rule.footer);
  if (footer) textAt(footer, 'text', "interactive['footer']['text']", 60);
  rule.action(objectAt(interactive, 'action', "interactive['action']"));
}

function partAt(interactive: Json, key: string, type: string, part: Part): Json | undefined {
  const path = `interactive['${key}']`;
  const value = optionalObject(interactive, key, path);
  if (!value && part === 'required') throw missing(`${path} is required for type ${type}.`);
  if (value && part === 'none') throw invalid(`${path} is not allowed for type ${type}.`);
  return value;
}

function checkHeader(header: Json, allowed: readonly string[]): void {
  const path = "interactive['header']";
  const type = textAt(header, 'type', `${path}['type']`);
  if (!allowed.includes(type)) throw invalid(`${path}['type'] must be one of {${allowed.join(', ')}}.`);
  if (type === 'text') textAt(header, 'text', `${path}['text']`, 60);
  else checkMedia(objectAt(header, type, `${path}['${type}']`), `${path}['${type}']`, 'no caption');
}
