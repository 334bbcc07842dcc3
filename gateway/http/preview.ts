/**
 * A send without sending: the whole path of its dialect, judged as if in earnest, and told in one form for all dialects. What would be
 * refused is refused in the dialect's own words, unless only the verdict of the moment stands against it (limit, window, balance).
 */
import { isObject, type JsonObject, parseJson } from '../canonical/json.ts';
import { refusals } from '../canonical/refusal.ts';
import type { Dialect, Door, WireRequest } from '../dialects/dialect.ts';
import { asFlag } from '../dialects/reading.ts';
import type { Call } from '../messages/accept.ts';
import type { NewMessage } from '../messages/message.ts';
import type { Verdict } from '../messages/policy/judge.ts';
import { isoTime } from '../platform/clock.ts';
import type { SendingNumber } from '../tenants/number-book.ts';

export interface Previewed {
  kind: 'previewed';
  body: JsonObject;
}

/** Of a call to thousands the first ones tell enough. */
const toldMax = 20;

export function isPreview({ door, wire }: { door: Door; wire: WireRequest }): boolean {
  return door.previews === true || asFlag(wire.query.preview) === true;
}

export function previewed(
  dialect: Dialect,
  door: Door,
  number: SendingNumber,
  call: Call,
  /** Of these, `call` may hold the first ones only. */
  recipients: number,
  verdict: Verdict,
): Previewed {
  const messages = verdict.kind === 'accepted' ? verdict.messages : call.messages;
  const costs = messages.flatMap(({ cost }) => cost ?? []);
  return {
    kind: 'previewed',
    body: {
      preview: true,
      dialect: dialect.name,
      door: door.path,
      wouldSend: verdict.kind === 'accepted',
      number: { id: number.id, displayNumber: number.displayNumber, perSecond: number.perSecond },
      recipients,
      messages: messages.slice(0, toldMax).map((message, i) => tell(message, verdict, i)),
      refusal:
        verdict.kind === 'refused'
          ? { ...verdict.refusal, title: refusals[verdict.refusal.code].title }
          : null,
      repeats: verdict.kind === 'repeated' ? verdict.messageIds : null,
      cost:
        costs.length === 0
          ? null
          : {
              feeMicros: costs.reduce((sum, { fee }) => sum + fee, 0),
              priceMicros: costs.reduce((sum, { price }) => sum + price, 0),
              category: costs[0]!.category,
              markets: [...new Set(costs.map(({ market }) => market))],
            },
      limits: { ...verdict.limit },
    } as JsonObject,
  };
}

function tell(
  { recipient, type, status, reason, dueAt, body }: NewMessage,
  verdict: Verdict,
  i: number,
): JsonObject {
  const window = verdict.kind === 'accepted' ? verdict.windows[i] : undefined;
  const said = parseJson(body);
  const { biz_opaque_callback_data: _, ...toMeta } = isObject(said) ? said : {};
  return {
    recipient,
    type,
    status,
    reason,
    dueAt: isoTime(dueAt),
    windowClosesAt: window === undefined ? null : isoTime(window.closesAt),
    toMeta,
  };
}
