import type { FastifyInstance } from 'fastify';
import { GraphError, graphError, graphErrorBody } from './graph-error.ts';

/** Graph's envelope for everything under Graph paths, one plain sentence under /control. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (request.url.startsWith('/control/')) {
      const message = error instanceof GraphError ? error.parts.message : error.message;
      return reply
        .code(error instanceof GraphError ? 400 : (error.statusCode ?? 500))
        .send({ error: message });
    }
    const graph = error instanceof GraphError ? error : foreign(error);
    return reply
      .code(graph.parts.status)
      .headers(graph.parts.headers ?? {})
      .type('application/json; charset=UTF-8')
      .send(JSON.stringify(graphErrorBody(graph)));
  });

  app.setNotFoundHandler((request, reply) => {
    if (request.url.startsWith('/control/')) {
      return reply.code(404).send({ error: `there is no ${request.method} ${request.url}` });
    }
    const path = request.url.replace(/\?.*$/, '');
    const error = graphError(2500, { message: `Unknown path components: ${path}` });
    return reply.code(400).send(graphErrorBody(error));
  });
}

function foreign(error: Error & { statusCode?: number }): GraphError {
  if (error.statusCode && error.statusCode < 500) return graphError(100, { title: error.message });
  return graphError(1, { status: 500, message: `An unknown error occurred: ${error.message}` });
}
