import type { FastifyInstance } from 'fastify';
import { queryOf } from '../graph/body.ts';
import type { Idle } from '../idle.ts';
import type { Accepted, Ledger } from '../ledger.ts';
import type { Attempts } from '../webhooks/attempts.ts';
import type { Delivery } from '../webhooks/delivery.ts';
import { countFrom, refuse } from './refuse.ts';

type Deps = { ledger: Ledger; delivery: Delivery; attempts: Attempts; idle: Idle };

/** What can be asked afterwards: what arrived, what was told, and whether all is over. */
export function registerReceived(app: FastifyInstance, { ledger, delivery, attempts, idle }: Deps): void {
  app.get('/control/received', request => {
    const query = queryOf(request);
    const messages = ledger.list({
      ...(query.phone_number_id ? { phoneNumberId: query.phone_number_id } : {}),
      ...(query.to ? { to: query.to.replace(/^\+/, '') } : {}),
      after: countFrom(query.after, 'after', 0, Number.MAX_SAFE_INTEGER),
      limit: countFrom(query.limit, 'limit', 100, 10_000),
    });
    return { data: messages.map(shown), cursor: String(messages.at(-1)?.seq ?? query.after ?? 0) };
  });

  app.get('/control/received/:wamid', request => {
    const { wamid } = request.params as { wamid: string };
    const message = ledger.find(wamid);
    if (!message) throw refuse(404, `no message ${wamid} was accepted, or it is forgotten`);
    return shown(message);
  });

  app.get('/control/summary', request => {
    const { waba_id: wabaId, seconds } = queryOf(request);
    const counted = ledger.tally.summary(wabaId, countFrom(seconds, 'seconds', 0, 120));
    return { ...counted, webhooks: delivery.summary(wabaId) };
  });

  app.get('/control/webhooks', request => {
    const { limit, waba_id: wabaId } = queryOf(request);
    return { data: attempts.list(countFrom(limit, 'limit', 100, 2000), wabaId) };
  });

  app.get('/control/idle', async (request, reply) => {
    const { timeout_ms: timeout, waba_id: wabaId } = queryOf(request);
    const reached = await idle.wait(countFrom(timeout, 'timeout_ms', 10_000, 600_000), wabaId);
    return reply.code(reached ? 200 : 408).send({ idle: reached });
  });
}

function shown(message: Accepted) {
  return {
    wamid: message.wamid,
    phoneNumberId: message.phoneNumberId,
    endpoint: message.endpoint,
    to: message.to,
    type: message.type,
    body: JSON.parse(message.json) as unknown,
    bizOpaqueCallbackData: message.bizOpaque,
    acceptedAt: message.acceptedAt,
    statuses: message.statuses,
  };
}
