/**
 * Button parameters. `button_1_url` is the first button of the template; where that one has no variable address, the
 * first that has one: the page documents only `button_1_url` and `button_2_url`, and two is how many URL buttons there are.
 */
import type { JsonObject } from '../../canonical/json.ts';
import type { Part } from './template-header.ts';
import type { ButtonShape, TemplateShape } from './template-shape.ts';

/** The component of one button, if it has one. `firstOfBody`: the code of an authentication template. */
export function fillButton(
  button: ButtonShape,
  shape: TemplateShape,
  { ledger, prefix, authentication }: Part,
  firstOfBody: JsonObject | undefined,
): JsonObject | undefined {
  const name = `${prefix}button_${button.index + 1}`;
  const component = (subType: string, parameter: JsonObject) => ({
    type: 'button',
    sub_type: subType,
    index: String(button.index),
    parameters: [parameter],
  });

  if (button.type === 'OTP' || (authentication && button.urlBase !== undefined)) {
    // The code stands in the body and again in the button (cloud-api.md §2.1); giving it once is enough.
    const code = ledger.takeText(`${name}_url`, `${name}_code`) ?? firstOfBody?.text;
    return code === undefined ? undefined : component('url', { type: 'text', text: code });
  }
  switch (button.type) {
    case 'URL': {
      if (button.urlBase === undefined) return undefined;
      const value = ledger.needText(`${name}_url`, ...otherName(button, shape, prefix));
      const text = value === undefined ? undefined : suffix(value, button.urlBase);
      if (value !== undefined && text === undefined) {
        ledger.fault(`${name}_url`, 'format', `must begin with ${button.urlBase} and go on from there`);
      }
      return text === undefined ? undefined : component('url', { type: 'text', text });
    }
    case 'QUICK_REPLY': {
      const payload = ledger.takeText(`${name}_payload`);
      return payload === undefined ? undefined : component('quick_reply', { type: 'payload', payload });
    }
    case 'COPY_CODE': {
      const code = ledger.needText(`${name}_code`);
      return code === undefined
        ? undefined
        : component('copy_code', { type: 'coupon_code', coupon_code: code });
    }
    case 'FLOW': {
      // Meta wants the component even when there is nothing to say in it.
      const token = ledger.takeText(`${name}_flow_token`);
      return component('flow', { type: 'action', action: token === undefined ? {} : { flow_token: token } });
    }
    default:
      return undefined;
  }
}

/** The name by rank among URL buttons with a variable, unless a button of its own stands at that place. */
function otherName(button: ButtonShape, { buttons }: TemplateShape, prefix: string): string[] {
  const rank = buttons.filter(({ urlBase }) => urlBase !== undefined).indexOf(button);
  return buttons[rank]?.urlBase === undefined ? [`${prefix}button_${rank + 1}_url`] : [];
}

/** Meta takes what follows the template's address; callers send that or, as the first page asks, the whole URL. */
function suffix(value: string, base: string): string | undefined {
  if (value.startsWith(base)) return value.length > base.length ? value.slice(base.length) : undefined;
  return /^https?:\/\//i.test(value) ? undefined : value;
}
