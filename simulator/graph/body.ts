import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import qs from 'qs';
import { isObject, type Json, malformed } from '../rules/check.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as it came, when it was JSON. */
    jsonText: string;
  }
}

/** JSON, form and multipart, all ending in an object; cloud-api.md §1.1. */
export async function registerBodies(app: FastifyInstance): Promise<void> {
  app.decorateRequest('jsonText', '');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
    readJson(request, String(text), done);
  });
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, text, done) => {
      done(null, unpacked(qs.parse(String(text), { depth: 20, arrayLimit: 1000, parameterLimit: 10_000 })));
    },
  );
  app.addContentTypeParser('*', { parseAs: 'string' }, (request, text, done) => {
    readJson(request, String(text), done);
  });
  await app.register(multipart, { attachFieldsToBody: 'keyValues' });
  app.addHook('preHandler', (request, _reply, done) => {
    if (request.isMultipart() && isObject(request.body)) request.body = unpacked(request.body);
    done();
  });
}

function readJson(
  request: FastifyRequest,
  text: string,
  done: (error: Error | null, body?: unknown) => void,
): void {
  if (text.trim() === '') {
    done(null, {});
    return;
  }
  try {
    const body: unknown = JSON.parse(text);
    if (!isObject(body)) throw new Error('not an object');
    request.jsonText = text;
    done(null, body);
  } catch {
    done(malformed('Invalid parameter: the request body is not a JSON object.'));
  }
}

/** In a form, nested parameters are JSON text; PHP's brackets work too. */
function unpacked(form: Record<string, unknown>): Json {
  return Object.fromEntries(
    Object.entries(form).map(([key, value]) => {
      const text = Buffer.isBuffer(value) ? value.toString('utf8') : value;
      if (typeof text !== 'string' || !/^\s*[[{]/.test(text)) return [key, text];
      try {
        return [key, JSON.parse(text) as unknown];
      } catch {
        return [key, text];
      }
    }),
  );
}

export function bodyOf(request: FastifyRequest): Json {
  return isObject(request.body) ? request.body : {};
}

export function queryOf(request: FastifyRequest): Record<string, string> {
  const query = request.query as Record<string, unknown>;
  return Object.fromEntries(Object.entries(query).map(([key, value]) => [key, String(value)]));
}
