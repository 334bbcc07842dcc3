/**
 * The baselines over HTTP: a Fastify that passes a send on through undici, and one that only checks a webhook's signature.
 * Nothing is kept, nothing is checked beyond that. `node bench/bare.ts <upstream> <app secret>`
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import Fastify from 'fastify';
import { Pool } from 'undici';
import { serveParent } from './child.ts';

const [upstream = '', appSecret = ''] = process.argv.slice(2);
const pool = new Pool(new URL(upstream).origin, { connections: 512, pipelining: 1 });
const bare = Fastify();

bare.post('/:version/:number/messages', async (request, reply) => {
  const answer = await pool.request({
    method: 'POST',
    path: request.url,
    headers: { authorization: request.headers.authorization ?? '', 'content-type': 'application/json' },
    body: JSON.stringify(request.body),
  });
  return reply
    .code(answer.statusCode)
    .type('application/json')
    .send(await answer.body.text());
});

await bare.register((scope, _options, done) => {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
  scope.post('/webhooks/meta', async (request, reply) => {
    const given = String(request.headers['x-hub-signature-256'] ?? '').slice('sha256='.length);
    const right = createHmac('sha256', appSecret)
      .update(request.body as Buffer)
      .digest();
    const signed = given.length === 64 && timingSafeEqual(right, Buffer.from(given, 'hex'));
    return reply.code(signed ? 200 : 401).send(signed ? 'ok' : 'wrong signature');
  });
  done();
});

serveParent({ url: await bare.listen({ port: 0, host: '127.0.0.1' }) }, () => undefined);
