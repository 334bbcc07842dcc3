/** One route of the native API: who may, what it takes, what it answers, and how it is described; all from one value. */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import type { Json, JsonObject } from '../canonical/json.ts';
import { isRefusal, type Refusal, type RefusalCode } from '../canonical/refusal.ts';
import type { WireAnswer } from '../dialects/dialect.ts';
import { problem } from '../dialects/native/problem.ts';
import type { Authenticator, Principal } from '../http/authenticate.ts';
import { ipOf } from '../http/dialect-routes.ts';
import { write } from '../http/listener.ts';
import { operatorOf, tenantOf } from './authorize.ts';
import { checkBody, checkQuery } from './check.ts';

/** What the document says of a route, and what its input is checked against. */
export interface Spec<Q extends TSchema, B extends TSchema> {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Fastify path: `/api/v1/tenants/:tenantId`. */
  path: string;
  /** Unique: what generated clients call it. */
  operation: string;
  summary: string;
  description?: string;
  query?: Q;
  body?: B;
  /** Media types of a body that is a file of any length: it is read as it comes, and no limit of the listener counts. */
  upload?: readonly string[];
  answer: {
    status: number;
    about: string;
    schema?: TSchema;
    mediaType?: string;
    /** Another yes of the same form. */
    or?: { status: number; about: string };
  };
  refusals: RefusalCode[];
}

export interface Call<Q extends TSchema, B extends TSchema> {
  params: Record<string, string>;
  headers: Record<string, string | string[] | undefined>;
  query: Static<Q>;
  body: Static<B>;
  /** With `upload`: the body. */
  upload: Readable;
}

/** An answer that goes on: whoever gives it writes to `raw` until one side ends it. */
export interface Streaming {
  stream(raw: ServerResponse): void;
}

type Answer = WireAnswer | Streaming | Refusal;

export interface Route extends Spec<TSchema, TSchema> {
  key: 'operator' | 'tenant' | 'none';
  perform(authenticator: Authenticator, request: FastifyRequest): Promise<Answer>;
}

/** A route for the operator key. */
export function operatorRoute<Q extends TSchema, B extends TSchema>(
  spec: Spec<Q, B>,
  handle: (call: Call<Q, B>, credential: string) => Promise<Answer>,
): Route {
  return {
    ...spec,
    key: 'operator',
    async perform(authenticator, request) {
      const operator = await operatorOf(authenticator, request);
      if (typeof operator !== 'string') return operator;
      const call = read(spec, request);
      return isRefusal(call) ? call : handle(call, operator);
    },
  };
}

/** A route for a tenant's API key: everything it sees and does is that tenant's. Only a GET is open to a key that may only read. */
export function tenantRoute<Q extends TSchema, B extends TSchema>(
  spec: Spec<Q, B>,
  handle: (call: Call<Q, B>, principal: Principal, credential: string, ip: string) => Promise<Answer>,
): Route {
  return {
    ...spec,
    key: 'tenant',
    async perform(authenticator, request) {
      const what = spec.method === 'GET' ? 'read' : 'manage';
      const tenant = await tenantOf(authenticator, request, what);
      if ('status' in tenant) return tenant;
      const call = read(spec, request);
      return isRefusal(call) ? call : handle(call, tenant.principal, tenant.credential, ipOf(request));
    },
  };
}

export function addRoutes(listener: FastifyInstance, authenticator: Authenticator, routes: Route[]): void {
  const [taking, others] = [true, false].map(takes =>
    routes.filter(one => (one.upload !== undefined) === takes),
  );
  for (const route of others!) addRoute(listener, authenticator, route);
  listener.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    // Which types are read is told after whose key it is.
    scope.addContentTypeParser('*', (_request, body, parsed) => parsed(null, body));
    for (const route of taking!) addRoute(scope, authenticator, route);
    done();
  });
}

function addRoute(listener: FastifyInstance, authenticator: Authenticator, route: Route): void {
  listener.route({
    method: route.method,
    url: route.path,
    // HEAD runs the handler of GET, and a stream would not end soon, or never.
    exposeHeadRoute: route.answer.mediaType === undefined,
    config: { takesFiles: route.upload !== undefined },
    handler: async (request, reply) => send(reply, await route.perform(authenticator, request)),
  });
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  if ('stream' in answer) {
    reply.hijack();
    answer.stream(reply.raw);
    return reply;
  }
  return write(reply, isRefusal(answer) ? problem(answer) : answer);
}

function read<Q extends TSchema, B extends TSchema>(
  spec: Spec<Q, B>,
  request: FastifyRequest,
): Call<Q, B> | Refusal {
  const mediaType = String(request.headers['content-type'] ?? '')
    .split(';')[0]!
    .trim()
    .toLowerCase();
  if (spec.upload !== undefined && !spec.upload.includes(mediaType))
    return { code: 'media_type_unsupported', mediaType };
  const query = spec.query === undefined ? undefined : checkQuery(spec.query, request.query as JsonObject);
  if (isRefusal(query)) return query;
  const body = spec.body === undefined ? undefined : checkBody(spec.body, request.body as Json | undefined);
  if (isRefusal(body)) return body;
  return {
    ...{ params: request.params as Record<string, string>, headers: request.headers, query, body },
    upload: request.body instanceof Readable ? request.body : Readable.from([]),
  } as Call<Q, B>;
}
