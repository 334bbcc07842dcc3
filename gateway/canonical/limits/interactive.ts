/**
 * Limits of interactive messages: header, body and footer by kind; the action is checked in `actions.ts`
 * (cloud-api.md §1.7, from DOC/messages/interactive-*). A kind that is not listed here passes: Meta decides.
 */
import { type ActionRule, actions } from './actions.ts';
import { checkCarousel } from './carousel.ts';
import { type Field, fault, isGiven, member, object, objectAt } from './field.ts';
import { checkOrderDetails, checkOrderStatus } from './orders.ts';
import { checkMedia } from './simple.ts';
import { enumAt, textAt } from './value.ts';

type Presence = 'required' | 'optional' | 'none';

interface Kind {
  header?: { presence: Presence; types: readonly string[] };
  body: { presence: Presence; max?: number };
  footer?: Presence;
  action: ActionRule;
}

const anyHeader = { presence: 'optional', types: ['text', 'image', 'video', 'document'] } as const;
const noHeader = { presence: 'none', types: [] } as const;
const body1024 = { presence: 'required', max: 1024 } as const;

/** Where no maximum stands, no page of Meta's states one (cloud-api.md §11.11). */
const kinds: Record<string, Kind> = {
  button: { header: anyHeader, body: body1024, action: actions.button },
  list: {
    header: { presence: 'optional', types: ['text'] },
    body: { presence: 'required', max: 4096 },
    action: actions.list,
  },
  cta_url: { header: anyHeader, body: body1024, action: actions.ctaUrl },
  location_request_message: { header: noHeader, body: body1024, action: actions.locationRequest },
  address_message: { body: { presence: 'required' }, action: actions.address },
  product: { header: noHeader, body: { presence: 'optional', max: 1024 }, action: actions.product },
  product_list: {
    header: { presence: 'required', types: ['text'] },
    body: { presence: 'required' },
    action: actions.productList,
  },
  catalog_message: { header: noHeader, body: body1024, action: actions.catalog },
  carousel: { header: noHeader, body: body1024, footer: 'none', action: checkCarousel },
  flow: { header: anyHeader, body: { presence: 'required' }, action: actions.flow },
  voice_call: { body: { presence: 'required' }, action: actions.voiceCall },
  call_permission_request: {
    header: noHeader,
    body: { presence: 'optional' },
    footer: 'none',
    action: actions.callPermission,
  },
  request_contact_info: { body: { presence: 'required' }, action: actions.contactInfo },
  order_details: {
    header: { presence: 'optional', types: ['image'] },
    body: body1024,
    action: checkOrderDetails,
  },
  order_status: { body: body1024, action: checkOrderStatus },
};

/**
 * `direct`: a Direct Send (`category` beside the content), whose interactive messages may mix kinds of buttons and are
 * a beta (cloud-api.md §1.10): only the texts every kind has are checked.
 */
export function checkInteractive(interactive: Field, direct: boolean): void {
  const type = textAt(interactive, 'type');
  const kind = type !== undefined && Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  if (kind === undefined || direct) return;
  checkHeader(interactive, kind.header ?? { presence: 'optional', types: anyHeader.types });
  checkWords(interactive, 'body', kind.body.presence, kind.body.max);
  checkWords(interactive, 'footer', kind.footer ?? 'optional', 60);
  const action = objectAt(interactive, 'action');
  if (action) kind.action(action);
}

/** A part with one text: `{text}`. */
function checkWords(interactive: Field, key: string, presence: Presence, max?: number): void {
  const part = partOf(interactive, key, presence);
  if (part) textAt(part, 'text', max === undefined ? {} : { max });
}

function checkHeader(
  interactive: Field,
  { presence, types }: { presence: Presence; types: readonly string[] },
): void {
  const header = partOf(interactive, 'header', presence);
  const type = header && enumAt(header, 'type', types);
  if (header === undefined || type === undefined) return;
  if (type === 'text') {
    textAt(header, 'text', { max: 60 });
  } else {
    const media = objectAt(header, type);
    if (media) checkMedia(media);
  }
}

function partOf(interactive: Field, key: string, presence: Presence): Field | undefined {
  const part = member(interactive, key);
  if (presence !== 'none') return object(part, presence);
  if (isGiven(part)) fault(part, 'conflict', `is not allowed in this kind of interactive message`);
  return undefined;
}
