import type { FastifyInstance } from 'fastify';
import type { Account, Accounts } from '../accounts.ts';
import { bodyOf } from '../graph/body.ts';
import type { Ledger } from '../ledger.ts';
import type { Life } from '../life.ts';
import { isObject, type Json } from '../rules/check.ts';
import type { StoredTemplate } from '../templates.ts';
import type { Delivery } from '../webhooks/delivery.ts';
import { metadata } from '../webhooks/update.ts';
import { refuse } from './refuse.ts';

type Deps = { accounts: Accounts; ledger: Ledger; life: Life; delivery: Delivery };

/** What Meta tells without anybody having sent or written: fields of the account, changed templates, statuses out of the ordinary. */
export function registerTold(app: FastifyInstance, { accounts, ledger, life, delivery }: Deps): void {
  app.post('/control/accounts/:wabaId/changes', request => {
    const account = accountOf(request.params);
    const { field, value, time, phone_number_id: phoneNumberId } = bodyOf(request);
    if (typeof field !== 'string' || value === undefined) throw refuse(400, 'field and value must be there');
    if (time !== undefined && time !== null && typeof time !== 'number')
      throw refuse(400, 'time must be a number of seconds, or null for none');
    tell(account, field, value, { time, phoneNumberId });
    return { told: true };
  });

  app.patch('/control/accounts/:wabaId/templates/:name/:language', request => {
    const account = accountOf(request.params);
    const { name, language } = request.params as { name: string; language: string };
    const old = account.templates.find(name, language);
    if (!old) throw refuse(404, `account ${account.wabaId} has no template ${name} in ${language}`);
    const { status, quality, category, reason = 'NONE', time } = bodyOf(request);
    const changed = account.templates.change(old, {
      ...(status === undefined ? {} : { status, rejected_reason: reason }),
      ...(quality === undefined ? {} : { quality_score: { score: quality } }),
      ...(category === undefined ? {} : { category }),
    });
    if (status !== undefined)
      tell(
        account,
        'message_template_status_update',
        { event: status, ...namesOf(old), reason, message_template_category: changed.category },
        { time },
      );
    if (quality !== undefined) {
      const before = isObject(old.object.quality_score) ? old.object.quality_score.score : 'UNKNOWN';
      const scores = { previous_quality_score: before, new_quality_score: quality };
      tell(account, 'message_template_quality_update', { ...scores, ...namesOf(old) }, { time });
    }
    if (category !== undefined) {
      const categories = { previous_category: old.category, new_category: category };
      tell(account, 'template_category_update', { ...namesOf(old), ...categories }, { time });
    }
    return changed.object;
  });

  app.post('/control/received/:wamid/statuses', request => {
    const { wamid } = request.params as { wamid: string };
    const message = ledger.find(wamid);
    const from = message && accounts.phone(message.phoneNumberId);
    if (!from) throw refuse(404, `no message ${wamid} was accepted, or it is forgotten`);
    const { status, ...odd } = bodyOf(request);
    if (typeof status !== 'string') throw refuse(400, 'status must be a string');
    life.tell(message, from.account, from.phone, status, { odd });
    return { told: true };
  });

  function accountOf(params: unknown): Account {
    const { wabaId } = params as { wabaId: string };
    const account = accounts.account(wabaId);
    if (!account) throw refuse(404, `there is no account ${wabaId}`);
    return account;
  }

  /** Now, unless a time is given; of one number when it is named. */
  function tell(
    account: Account,
    field: string,
    value: unknown,
    { time, phoneNumberId }: { time?: unknown; phoneNumberId?: unknown },
  ): void {
    const phone = account.phoneNumbers.find(({ id }) => id === phoneNumberId);
    if (phoneNumberId !== undefined && !phone)
      throw refuse(404, `account ${account.wabaId} has no phone number id ${String(phoneNumberId)}`);
    const whose = phone
      ? { messaging_product: 'whatsapp', metadata: JSON.parse(metadata(phone)) as Json }
      : {};
    delivery.enqueue(account.wabaId, {
      kind: 'change',
      field,
      value: JSON.stringify(isObject(value) ? { ...whose, ...value } : value),
      time: time === null ? null : typeof time === 'number' ? time : Math.floor(Date.now() / 1000),
      record: null,
      bornAt: Date.now(),
    });
  }
}

/** Ids are numbers here, and languages written with a hyphen (Meta's examples). */
const namesOf = ({ id, name, language }: StoredTemplate) => ({
  message_template_id: Number(id),
  message_template_name: name,
  message_template_language: language.replace('_', '-'),
});
