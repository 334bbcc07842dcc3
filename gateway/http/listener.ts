/** The HTTP listener: body formats, and every error told in the words of the dialect whose path it is. */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import formbody from '@fastify/formbody';
import multipart from '@fastify/multipart';
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import qs from 'qs';
import { isObject, parseJson } from '../canonical/json.ts';
import type { Refusal } from '../canonical/refusal.ts';
import { dialects } from '../dialects/all.ts';
import type { WireAnswer } from '../dialects/dialect.ts';
import { native } from '../dialects/native/native.ts';
import { BatchFull } from '../platform/batch.ts';
import { CommitUnheard, isOutage } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import { createNetworks } from '../platform/networks.ts';
import { watchSlowBodies } from './slow-bodies.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its body is a file that is read as it comes, for as long as it comes. */
    takesFiles?: boolean;
  }
}

export interface ListenerOptions {
  log: Log;
  bodyLimitBytes: number;
  /** Requests held at once; past it the answer is 503. */
  waitingMax: number;
  /** Networks of the proxies whose X-Forwarded-For is believed. */
  trustedProxies: string[];
}

export async function createListener({
  log,
  bodyLimitBytes,
  waitingMax,
  trustedProxies,
}: ListenerOptions): Promise<FastifyInstance> {
  const listener = Fastify({
    bodyLimit: bodyLimitBytes,
    // Whoever is not one of them could write any address there.
    trustProxy: trustedProxies.length === 0 ? false : createNetworks(trustedProxies),
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: 200 },
    return503OnClosing: false,
    // Node has one for all routes, and an upload of a file may last (slow-bodies.ts).
    requestTimeout: 0,
    // A path that cannot be decoded is told like any other unknown path.
    frameworkErrors: (error, request, reply) => void answerError(log, error as FastifyError, request, reply),
  });
  closeQuietConnections(listener);
  await listener.register(formbody, { bodyLimit: bodyLimitBytes, parser: readForm });
  await listener.register(multipart, {
    attachFieldsToBody: 'keyValues',
    limits: { fileSize: bodyLimitBytes, parts: 100 },
  });

  // JSON is read here rather than by Fastify: an empty body is no error yet, and clients that forget the content type mean JSON.
  listener.removeContentTypeParser(['application/json', 'text/plain']);
  listener.addContentTypeParser(
    ['application/json', 'text/plain', '*'],
    { parseAs: 'string' },
    (request, text, done) => {
      const type = request.headers['content-type'];
      if (text === '') return done(null, undefined);
      const json = parseJson(text.toString());
      if (json !== undefined) return done(null, json);
      const plain = type === undefined || /json|text\/plain|octet-stream/.test(type);
      done(new Unreadable(plain ? 'body_unreadable' : 'media_type_unsupported', type ?? ''), undefined);
    },
  );

  const bodies = watchSlowBodies();
  listener.addHook('onClose', async () => bodies.stop());
  listener.addHook('onRequest', (request, reply, done) => {
    mendContentType(request.raw.headers);
    if (bodies.held() >= waitingMax)
      return void tell(request, reply, { code: 'overloaded', retryAfterSeconds: 1 });
    bodies.hold(reply.raw, request.routeOptions.config.takesFiles === true);
    done();
  });
  listener.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0]!;
    return tell(request, reply, { code: 'route_not_found', method: request.method, path });
  });
  listener.setErrorHandler<FastifyError>((error, request, reply) => answerError(log, error, request, reply));
  return listener;
}

/**
 * At the end every connection without a request in hand is cut. Node's own closing spares connections that never sent one (a
 * client's spare socket), which would hold the end up for a minute.
 */
function closeQuietConnections(listener: FastifyInstance): void {
  const quiet = new Set<Socket>();
  let closing = false;
  listener.server.on('connection', (socket: Socket) => {
    quiet.add(socket);
    socket.once('close', () => quiet.delete(socket));
  });
  listener.server.on('request', ({ socket }, response) => {
    quiet.delete(socket);
    response.once('close', () => {
      if (closing) socket.destroy();
      else if (!socket.destroyed) quiet.add(socket);
    });
  });
  listener.addHook('preClose', async () => {
    closing = true;
    for (const socket of quiet) socket.destroy();
  });
}

/**
 * A content type nobody can read is as good as none, and then the body is tried as JSON: `json`; `application/json, application/json`
 * of a client whose layers each set theirs; multipart without a boundary, of one that set the header by hand.
 */
function mendContentType(headers: IncomingHttpHeaders): void {
  const readable = (type: string) =>
    /^\s*[\w.+-]+\/[\w.+-]+\s*(;|$)/.test(type) &&
    (!/^\s*multipart\//i.test(type) || /boundary=./i.test(type));
  const type = headers['content-type'];
  if (type === undefined || readable(type)) return;
  const first = type.split(',')[0]!;
  if (readable(first)) headers['content-type'] = first;
  else delete headers['content-type'];
}

/** A form, or JSON from a client that left curl's default content type in place. */
function readForm(text: string): Record<string, unknown> {
  const json = text.startsWith('{') ? parseJson(text) : undefined;
  return isObject(json) ? json : qs.parse(text, { depth: 10 });
}

class Unreadable extends Error {
  readonly refusal: 'body_unreadable' | 'media_type_unsupported';
  readonly mediaType: string;
  constructor(refusal: 'body_unreadable' | 'media_type_unsupported', mediaType: string) {
    super(refusal);
    this.refusal = refusal;
    this.mediaType = mediaType;
  }
}

export function write(reply: FastifyReply, answer: WireAnswer): FastifyReply {
  for (const [name, value] of Object.entries(answer.headers ?? {})) {
    // Fastify would put it in lower case, and Connexease writes X-RateLimit-sec-Limit.
    if (name === 'content-type') reply.header(name, value);
    else reply.raw.setHeader(name, value);
  }
  const text = JSON.stringify(answer.body);
  if (!reply.hasHeader('content-type')) {
    // A text leaves in one piece with its head, bytes in a second one.
    return reply.code(answer.status).header('content-type', 'application/json; charset=utf-8').send(text);
  }
  // Bytes: to a text Fastify would add a charset that the type may not have (RFC 9457).
  return reply.code(answer.status).send(Buffer.from(text));
}

function tell(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  const path = request.url.split('?')[0]!;
  const dialect = dialects.find(({ owns }) => owns.test(path)) ?? native;
  return write(reply, dialect.refuse(refusal));
}

function answerError(
  log: Log,
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  return tell(request, reply, refusalOf(log, error, request));
}

function refusalOf(log: Log, error: FastifyError, request: FastifyRequest): Refusal {
  if (error instanceof BatchFull) return { code: 'overloaded', retryAfterSeconds: 1 };
  // Nothing was kept, so that the caller may ask again; of an unheard commit nobody knows.
  if (isOutage(error) && !(error instanceof CommitUnheard)) {
    log.error({ err: error, method: request.method }, 'the database is away');
    return { code: 'overloaded', retryAfterSeconds: 2 };
  }
  if (error instanceof Unreadable) {
    return error.refusal === 'body_unreadable'
      ? { code: 'body_unreadable', reason: 'it is not valid JSON' }
      : { code: 'media_type_unsupported', mediaType: error.mediaType };
  }
  if (error.statusCode === 413)
    return { code: 'body_too_large', limitBytes: request.routeOptions.bodyLimit ?? 0 };
  if (error.statusCode === 415)
    return { code: 'media_type_unsupported', mediaType: request.headers['content-type'] ?? '' };
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return { code: 'body_unreadable', reason: error.message };
  }
  const faultId = randomUUID();
  log.error({ err: error, faultId, method: request.method, path: request.url.split('?')[0] }, 'fault');
  return { code: 'fault', faultId };
}
