/** The requests that the load is made of, each a plain function from its count to what is written. */
import { createHmac } from 'node:crypto';

export type Kind = 'cloud' | 'keyed' | 'connectly' | 'scheduled' | 'fake' | 'status';

/** Where requests go and for whom: what a tenant was made with. */
export interface Target {
  tenantId: string;
  key: string;
  appSecret: string;
  wabaId: string;
  numbers: { id: number; phoneNumberId: string }[];
}

export interface WireRequest {
  path: string;
  headers: Record<string, string>;
  body: string;
}

export interface Draft {
  kind: Kind;
  target: Target;
  /** For `scheduled`: Unix ms. */
  sendAt?: number;
}

const recipient = (n: number) => `90532${String(n % 10_000_000).padStart(7, '0')}`;
const words = (n: number) =>
  `Merhaba, siparişiniz ${n} yola çıktı ve yarın saat 14:00 ile 18:00 arasında kapınızda.`;
/** Every key is new, also in the next round. */
const run = String(Date.now());
let keys = 0;
const json = { 'content-type': 'application/json' };

export function request({ kind, target, sendAt }: Draft, n: number, ids: string[]): WireRequest {
  const number = target.numbers[n % target.numbers.length]!;
  const headers = { ...json, authorization: `Bearer ${target.key}` };
  switch (kind) {
    case 'cloud':
    case 'keyed':
      return {
        path: `/v25.0/${number.phoneNumberId}/messages`,
        headers: kind === 'keyed' ? { ...headers, 'idempotency-key': `${run}-${++keys}` } : headers,
        body: JSON.stringify({
          messaging_product: 'whatsapp',
          recipient_type: 'individual',
          to: recipient(n),
          type: 'text',
          text: { body: words(n) },
        }),
      };
    case 'connectly':
      return {
        path: `/v1/businesses/${target.tenantId}/send/messages`,
        headers: { ...json, 'x-api-key': target.key },
        body: JSON.stringify({
          sender: { id: `+${number.phoneNumberId}`, channelType: 'whatsapp' },
          recipient: { id: `+${recipient(n)}`, channelType: 'whatsapp' },
          message: { text: words(n) },
        }),
      };
    case 'scheduled':
    case 'fake':
      return {
        path: '/api/v1/messages',
        headers: { ...headers, prefer: 'respond-async' },
        body: JSON.stringify({
          to: `+${recipient(n)}`,
          number: String(number.id),
          type: 'text',
          text: { body: words(n) },
          ...(kind === 'fake' ? { fake: true } : { sendAt }),
        }),
      };
    case 'status': {
      const body = statusPost(target, n, ids);
      const signature = createHmac('sha256', target.appSecret).update(body).digest('hex');
      return {
        path: '/webhooks/meta',
        headers: { ...json, 'x-hub-signature-256': `sha256=${signature}` },
        body,
      };
    }
  }
}

const statuses = ['sent', 'delivered', 'read'] as const;

/** How many statuses there are for so many messages: then each is news. */
export const statusesOf = (ids: string[]) => ids.length * statuses.length;

/** One status as Meta posts it; first all `sent`, then all `delivered`, then all `read`. Ids follow the numbers in turn. */
function statusPost({ numbers }: Target, n: number, ids: string[]): string {
  const message = n % ids.length;
  const number = numbers[message % numbers.length]!;
  const phone = recipient(message);
  return JSON.stringify({
    object: 'whatsapp_business_account',
    entry: [
      {
        id: '102290129340398',
        changes: [
          {
            value: {
              messaging_product: 'whatsapp',
              metadata: { display_phone_number: number.phoneNumberId, phone_number_id: number.phoneNumberId },
              statuses: [
                {
                  id: `wamid.HBgMOTA1MzIxMTEyMjMzFQIAERgS${ids[message]}`,
                  status: statuses[Math.floor(n / ids.length) % statuses.length],
                  timestamp: String(Math.floor(Date.now() / 1000)),
                  recipient_id: phone,
                  conversation: { id: 'c0ffee0123456789c0ffee0123456789', origin: { type: 'utility' } },
                  pricing: { billable: true, pricing_model: 'PMP', category: 'utility', type: 'regular' },
                  biz_opaque_callback_data: ids[message],
                },
              ],
              contacts: [{ wa_id: phone, profile: { name: 'Ayşe' } }],
            },
            field: 'messages',
          },
        ],
      },
    ],
  });
}
