import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Accounts } from '../accounts.ts';
import { bodyOf } from '../graph/body.ts';
import type { Limits } from '../limits/limits.ts';
import { refuse } from './refuse.ts';

/** What Meta thinks of a business number. */
export function registerNumbers(app: FastifyInstance, accounts: Accounts, { spam, now }: Limits): void {
  app.get('/control/numbers/:id', request => shown(idOf(request)));

  app.put('/control/numbers/:id', request => {
    const id = idOf(request);
    const { spam: isOn, forMs } = bodyOf(request);
    if (typeof isOn !== 'boolean') throw refuse(400, 'spam must be true or false');
    if (forMs !== undefined && !(typeof forMs === 'number' && forMs > 0))
      throw refuse(400, 'forMs must be a number of milliseconds');
    spam.set(id, isOn ? now() + (forMs ?? Number.POSITIVE_INFINITY) : null);
    return shown(id);
  });

  const shown = (id: string) => ({ id, spam: spam.isOn(id, now()) });

  function idOf(request: FastifyRequest): string {
    const { id } = request.params as { id: string };
    if (!accounts.phone(id)) throw refuse(404, `there is no phone number id ${id}`);
    return id;
  }
}
