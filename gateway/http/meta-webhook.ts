/** Meta's side door: the handshake and the webhooks of all apps, at one address. */
import type { FastifyInstance } from 'fastify';
import type { Receiver } from '../inbound/receive.ts';
import { BatchFull } from '../platform/batch.ts';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import { sameText } from '../platform/seal.ts';
import type { NumberBook } from '../tenants/number-book.ts';
import { allNumbers } from '../tenants/numbers.ts';

export const metaWebhookPath = '/webhooks/meta';

/** Meta sends up to 3 MB (cloud-api.md §7.1). */
const bodyLimit = 4 * 1024 * 1024;

export interface MetaWebhookDeps {
  receiver: Receiver;
  numbers: NumberBook;
  database: Database;
  log: Log;
}

export async function addMetaWebhook(
  listener: FastifyInstance,
  { receiver, numbers, database, log }: MetaWebhookDeps,
): Promise<void> {
  await listener.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) =>
      done(null, body),
    );

    scope.get(metaWebhookPath, async (request, reply) => {
      const query = request.query as Record<string, string | undefined>;
      const challenge = query['hub.challenge'];
      if (query['hub.mode'] !== 'subscribe' || challenge === undefined) {
        return reply.code(400).send('not a webhook verification');
      }
      if (!(await isVerifyToken(query['hub.verify_token'] ?? '')))
        return reply.code(403).send('wrong verify token');
      return reply.type('text/plain').send(challenge);
    });

    scope.post(metaWebhookPath, { bodyLimit }, async (request, reply) => {
      const signature = request.headers['x-hub-signature-256'];
      try {
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        switch (await receiver.receive(body, Array.isArray(signature) ? signature[0] : signature)) {
          case 'committed':
            return reply.send('ok');
          case 'not_json':
            return reply.code(400).send('the body is not JSON');
          case 'not_signed':
            return reply.code(401).send('the signature fits no number of this gateway');
        }
      } catch (error) {
        // Not a 200: Meta keeps it and tries again.
        if (!(error instanceof BatchFull)) log.error({ err: error }, 'webhook could not be committed');
        return reply.code(503).header('retry-after', '1').send('try again');
      }
    });
    done();
  });

  /** A handshake names no number: its token is compared with that of every number, in constant time each. */
  async function isVerifyToken(token: string): Promise<boolean> {
    let found = false;
    for (const { numberId } of await allNumbers(database)) {
      const number = await numbers.byId(numberId);
      if (number !== undefined && sameText(number.verifyToken, token)) found = true;
    }
    return found;
  }
}
