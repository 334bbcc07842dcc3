import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Account, PhoneNumber } from '../accounts.ts';
import type { Faults } from '../faults.ts';
import type { Accepted, Ledger } from '../ledger.ts';
import type { Life } from '../life.ts';
import type { Limits } from '../limits/limits.ts';
import type { Phones } from '../phones.ts';
import { invalid, type Json } from '../rules/check.ts';
import { type CheckedMessage, checkMessage, checkReadReceipt, type Endpoint } from '../rules/message.ts';
import type { SettingsBook } from '../settings.ts';
import { createWamid } from '../wamid.ts';
import type { Failure } from '../webhooks/status.ts';
import type { Access } from './access.ts';
import { bodyOf } from './body.ts';
import { playAfter, playBefore } from './play-faults.ts';

export type SendDeps = {
  access: Access;
  faults: Faults;
  ledger: Ledger;
  life: Life;
  limits: Limits;
  phones: Phones;
  settings: SettingsBook;
  closing: AbortSignal;
};

export function registerSend(app: FastifyInstance, deps: SendDeps): void {
  app.post('/:object/messages', (request, reply) => {
    const body = bodyOf(request);
    return body.status === undefined ? send('messages', body, request, reply) : markRead(body, request);
  });
  app.post('/:object/marketing_messages', (request, reply) =>
    send('marketing_messages', bodyOf(request), request, reply),
  );

  function markRead(body: Json, request: FastifyRequest): { success: true } {
    const { phone } = deps.access.phone(request);
    const { messageId, typing } = checkReadReceipt(body);
    const message = deps.phones.written(messageId);
    if (!message || message.phoneNumberId !== phone.id) {
      throw invalid('Message ID is invalid. It has not been received by this phone number.');
    }
    message.readAt ??= Date.now();
    if (typing) message.typingAt = Date.now();
    return { success: true };
  }

  async function send(
    endpoint: Endpoint,
    body: Json,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { account, phone } = deps.access.phone(request);
    deps.ledger.tally.arrived(account.wabaId, phone.id);
    deps.limits.arrive(account, phone);
    const checked = checkMessage(body, endpoint, {
      from: phone,
      templates: account.templates,
      dialling: deps.settings.of(account.wabaId).dialling,
    });
    const stopped = deps.limits.judge(account, phone, checked);
    const fault = deps.faults.take({ to: toOf(checked), type: checked.type, phoneNumberId: phone.id });
    if (fault && (await playBefore(fault, reply, deps.closing))) return reply;
    const failure: Failure | undefined = fault?.kind === 'status_failed' ? fault : stopped;
    const message = accept(account, phone, endpoint, checked, { body, json: request.jsonText, failure });
    if (fault && (await playAfter(fault, reply, deps.closing))) return reply;
    return reply.type('application/json; charset=UTF-8').send(answer(message, checked));
  }

  function accept(
    account: Account,
    phone: PhoneNumber,
    endpoint: Endpoint,
    checked: CheckedMessage,
    { body, json, failure }: { body: Json; json: string; failure: Failure | undefined },
  ): Accepted {
    const message = deps.ledger.accept(
      {
        wamid: createWamid(toOf(checked), 'business'),
        wabaId: account.wabaId,
        phoneNumberId: phone.id,
        endpoint,
        recipient: checked.recipient,
        to: toOf(checked),
        type: checked.type,
        json: json || JSON.stringify(body),
        bizOpaque: checked.bizOpaque,
        pricingCategory: pricingCategory(checked, endpoint),
        acceptedAt: Date.now(),
      },
      `${checked.type} ${JSON.stringify(body[checked.type])}`,
    );
    deps.life.start(message, account, phone, failure);
    return message;
  }

  function answer({ wamid }: Accepted, { recipient, template }: CheckedMessage): string {
    const contact =
      recipient.kind === 'user'
        ? { input: recipient.input, user_id: recipient.userId }
        : {
            input: recipient.input,
            wa_id: recipient.kind === 'group' ? recipient.groupId : deps.phones.get(recipient.digits).wa_id,
          };
    return JSON.stringify({
      messaging_product: 'whatsapp',
      contacts: [contact],
      messages: [
        {
          id: wamid,
          ...(recipient.kind === 'group' ? { group_id: recipient.groupId } : {}),
          ...(template ? { message_status: 'accepted' } : {}),
        },
      ],
    });
  }
}

function toOf({ recipient }: CheckedMessage): string {
  if (recipient.kind === 'phone') return recipient.digits;
  return recipient.kind === 'user' ? recipient.userId : recipient.groupId;
}

/** `statuses[].pricing.category`; cloud-api.md §3 and §7.4. */
function pricingCategory({ template }: CheckedMessage, endpoint: Endpoint): string {
  if (endpoint === 'marketing_messages') return 'marketing_lite';
  return template ? template.category.toLowerCase() : 'service';
}
