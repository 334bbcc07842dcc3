import type { Account, PhoneNumber } from './accounts.ts';
import type { Limits } from './limits/limits.ts';
import type { Phones } from './phones.ts';
import type { Json } from './rules/check.ts';
import { createWamid } from './wamid.ts';
import type { Delivery } from './webhooks/delivery.ts';
import { contactItem, userId } from './webhooks/status.ts';

export type Incoming = ReturnType<typeof createIncoming>;

type Deps = { phones: Phones; limits: Limits; delivery: Delivery };

const ours = [
  ...['phone_number_id', 'reply_to', 'profile_name', 'user_id', 'type', 'text'],
  ...['hide_number', 'username', 'parent_user_id'],
];

/** A phone writes to the business: cloud-api.md §7.3. */
export function createIncoming({ phones, limits, delivery }: Deps) {
  return {
    write(account: Account, phone: PhoneNumber, digits: string, given: Json): string {
      if (typeof given.profile_name === 'string') phones.set(digits, { profile_name: given.profile_name });
      if (typeof given.user_id === 'string') phones.set(digits, { user_id: given.user_id });
      const type = typeof given.type === 'string' ? given.type : 'text';
      const wamid = createWamid(digits, 'user');
      const writer = phones.get(digits);
      const rest = Object.fromEntries(Object.entries(given).filter(([key]) => !ours.includes(key)));
      const text = typeof given.text === 'string' ? { body: given.text } : given.text;
      const hides = given.hide_number === true;
      const parent = typeof given.parent_user_id === 'string' ? given.parent_user_id : undefined;
      const message = {
        ...(typeof given.reply_to === 'string'
          ? { context: { from: phone.digits, id: given.reply_to } }
          : {}),
        ...(hides ? {} : { from: writer.wa_id }),
        from_user_id: userId(writer, digits, account),
        ...(parent === undefined ? {} : { from_parent_user_id: parent }),
        id: wamid,
        timestamp: String(Math.floor(Date.now() / 1000)),
        type,
        ...(type === 'text' ? { text: text ?? { body: '' } } : {}),
        ...rest,
      };
      phones.wrote({ wamid, phoneNumberId: phone.id, from: digits, type });
      // That a user changed the number is told by Meta, not written by the user.
      if (type !== 'system') {
        const givenAt = Number(given.timestamp) * 1000;
        const at = Number.isFinite(givenAt) ? givenAt : limits.now();
        limits.wrote(phone, [digits, writer.wa_id, message.from_user_id], at);
      }
      delivery.enqueue(account.wabaId, {
        kind: 'messages',
        phone,
        // A system message (the user changed the number) carries no contacts.
        contact:
          type === 'system'
            ? null
            : contactItem(writer, digits, account, {
                hides,
                parent,
                ...(typeof given.username === 'string' ? { username: given.username } : {}),
              }),
        item: JSON.stringify(message),
        record: null,
        bornAt: Date.now(),
      });
      return wamid;
    },
  };
}
