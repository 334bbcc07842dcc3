/**
 * List, reply button and product messages. Their body is `message.text`, and the label of a row or button is `text`
 * where Meta says `title` (vendor-apis.md §2.2). What is missing or too long inside is told by limits.
 */
import type { Content } from '../../canonical/content.ts';
import { isObject, type Json, type JsonObject } from '../../canonical/json.ts';
import { isRefusal, type Refusal, required } from '../../canonical/refusal.ts';
import { compact, given, isBlank } from '../reading.ts';
import { textMember } from './attachment.ts';
import { readFooter, readHeader } from './header.ts';

export function list(value: JsonObject, text: Json | undefined): Content | Refusal {
  const button = given(value, 'button');
  const action = compact({
    button: isObject(button) ? textMember(button, 'text') : button,
    sections: each(given(value, 'sections'), section => ({
      title: textMember(section, 'title'),
      rows: each(given(section, 'rows'), row => ({
        id: textMember(row, 'id'),
        title: textMember(row, 'text'),
        description: textMember(row, 'description'),
      })),
    })),
  });
  return interactive('list', 'message.listMessage', value, text, action);
}

export function replyButtons(value: JsonObject, text: Json | undefined): Content | Refusal {
  const buttons = each(given(value, 'buttons'), button => ({
    type: 'reply',
    reply: compact({ id: textMember(button, 'id'), title: textMember(button, 'text') }),
  }));
  return interactive('button', 'message.replyButtonMessage', value, text, compact({ buttons }));
}

export function singleProduct(value: JsonObject, text: Json | undefined): Content | Refusal {
  const item = given(value, 'productItem');
  const action = compact({
    catalog_id: textMember(value, 'catalogId'),
    ...product(isObject(item) ? item : {}),
  });
  return interactive('product', 'message.singleProductMessage', value, text, action);
}

export function multiProduct(value: JsonObject, text: Json | undefined): Content | Refusal {
  const action = compact({
    catalog_id: textMember(value, 'catalogId'),
    sections: each(given(value, 'sections'), section => ({
      title: textMember(section, 'title'),
      product_items: each(given(section, 'productItems'), product),
    })),
  });
  return interactive('product_list', 'message.multiProductMessage', value, text, action);
}

function product(item: JsonObject): { product_retailer_id: Json | undefined } {
  return { product_retailer_id: textMember(item, 'productRetailerId') };
}

type InteractiveType = 'list' | 'button' | 'product' | 'product_list';

function interactive(
  type: InteractiveType,
  path: string,
  value: JsonObject,
  text: Json | undefined,
  action: JsonObject,
): Content | Refusal {
  if (isBlank(text) && type !== 'product') return required('message.text');
  const header = readHeader(value, path, type === 'button' ? ['image', 'video', 'document'] : []);
  if (isRefusal(header)) return header;
  const footer = readFooter(value, path);
  if (isRefusal(footer)) return footer;
  const body = isBlank(text) ? undefined : { text: text ?? null };
  return { type: 'interactive', interactive: compact({ type, header, body, footer, action }) };
}

/** Every object of an array through `form`; what is no array or no object passes, for limits to tell. */
function each(
  value: Json | undefined,
  form: (element: JsonObject) => Record<string, Json | undefined>,
): Json | undefined {
  if (!Array.isArray(value)) return value;
  return value.map(element => (isObject(element) ? compact(form(element)) : element));
}
