import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Accounts } from '../accounts.ts';
import { bodyOf, queryOf } from '../graph/body.ts';
import type { Incoming } from '../incoming.ts';
import type { Limits } from '../limits/limits.ts';
import type { Phone, Phones } from '../phones.ts';
import { refuse } from './refuse.ts';

type Deps = { accounts: Accounts; phones: Phones; limits: Limits; incoming: Incoming };

export function registerPhones(app: FastifyInstance, { accounts, phones, limits, incoming }: Deps): void {
  app.get('/control/phones/:digits', request => {
    const digits = digitsOf(request);
    return { ...phones.get(digits), on_whatsapp: !limits.isUnknown(digits, queryOf(request).waba_id) };
  });

  app.put('/control/phones/:digits', request => {
    const given = bodyOf(request);
    const patch: Partial<Phone> = {};
    for (const key of ['on_whatsapp', 'read_receipts'] as const) {
      if (given[key] === undefined) continue;
      if (typeof given[key] !== 'boolean') throw refuse(400, `${key} must be true or false`);
      patch[key] = given[key];
    }
    for (const key of ['profile_name', 'wa_id', 'user_id'] as const) {
      if (given[key] === undefined) continue;
      if (typeof given[key] !== 'string') throw refuse(400, `${key} must be a string`);
      patch[key] = given[key];
    }
    return phones.set(digitsOf(request), patch);
  });

  app.post('/control/phones/:digits/messages', request => {
    const body = bodyOf(request);
    const found = accounts.phone(String(body.phone_number_id ?? ''));
    if (!found) throw refuse(404, `there is no phone number id ${String(body.phone_number_id)}`);
    return { wamid: incoming.write(found.account, found.phone, digitsOf(request), body) };
  });

  app.get('/control/written/:wamid', request => {
    const { wamid } = request.params as { wamid: string };
    const message = phones.written(wamid);
    if (!message) throw refuse(404, `no phone wrote ${wamid}, or it is forgotten`);
    return message;
  });
}

function digitsOf(request: FastifyRequest): string {
  const { digits } = request.params as { digits: string };
  if (!/^[1-9]\d{5,14}$/.test(digits)) throw refuse(400, 'a phone is named by 6 to 15 digits');
  return digits;
}
