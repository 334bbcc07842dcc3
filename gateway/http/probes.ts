/** `/live`: the process turns. `/ready`: it may be given work. */
import type { FastifyInstance } from 'fastify';
import type { Database } from '../platform/database.ts';

export function addProbes(
  listener: FastifyInstance,
  deps: { database: Database; isStopping(): boolean },
): void {
  listener.get('/live', async () => ({ live: true }));
  listener.get('/ready', async (_request, reply) => {
    if (deps.isStopping()) return reply.code(503).send({ ready: false, reason: 'stopping' });
    try {
      await deps.database.all('select 1 as one');
      return { ready: true };
    } catch {
      return reply.code(503).send({ ready: false, reason: 'the database does not answer' });
    }
  });
}
