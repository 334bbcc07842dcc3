/** What a person finds who opens the gateway in a browser: where to go, and the page that every problem's `type` names. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { version } from '../platform/version.ts';

const errorsPage = join(import.meta.dirname, '..', '..', 'docs', 'errors.md');

export function addPages(listener: FastifyInstance): void {
  listener.get('/', async () => ({
    name: 'Wagate',
    version,
    api: '/api/v1/openapi.json',
    errors: '/docs/errors',
    ready: '/ready',
  }));
  listener.get('/docs/errors', async (_request, reply) =>
    reply.type('text/markdown; charset=utf-8').send(readFileSync(errorsPage, 'utf8')),
  );
}
