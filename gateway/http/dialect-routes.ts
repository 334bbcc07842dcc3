/** Every door of every dialect becomes a route; this is where a wire request meets the contract of dialect.ts. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Json } from '../canonical/json.ts';
import { dialects } from '../dialects/all.ts';
import type { WireRequest } from '../dialects/dialect.ts';
import { plainAddress } from '../platform/networks.ts';
import { handleCampaignDoor } from './campaigns.ts';
import { type EndpointDoorDeps, handleEndpointDoor } from './endpoint-doors.ts';
import { write } from './listener.ts';
import { handle, type SendDeps } from './send.ts';

export function addDialectRoutes(listener: FastifyInstance, deps: SendDeps & EndpointDoorDeps): void {
  for (const dialect of dialects) {
    for (const door of dialect.doors) {
      listener.route({
        method: door.method,
        url: door.path,
        handler: async (request, reply) =>
          write(reply, await handle(deps, dialect, door, wireRequest(request))),
      });
    }
    for (const door of dialect.campaignDoors ?? []) {
      listener.route({
        method: door.method,
        url: door.path,
        handler: async (request, reply) =>
          write(reply, await handleCampaignDoor(deps, dialect, door, wireRequest(request))),
      });
    }
    for (const door of dialect.endpointDoors ?? []) {
      listener.route({
        method: door.method,
        url: door.path,
        handler: async (request, reply) =>
          write(reply, await handleEndpointDoor(deps, dialect, door, wireRequest(request))),
      });
    }
  }
}

function wireRequest(request: FastifyRequest): WireRequest {
  return {
    params: request.params as Record<string, string>,
    query: lastOfEach(request.query as Record<string, string | string[]>),
    headers: lastOfEach(request.headers),
    body: request.body as Json | undefined,
    ip: ipOf(request),
  };
}

/** Of a caller that has gone there is no address, whatever the type says. */
export function ipOf(request: FastifyRequest): string {
  return plainAddress((request.ip as string | undefined) ?? '');
}

function lastOfEach(
  values: Record<string, string | string[] | undefined>,
): Record<string, string | undefined> {
  const last: Record<string, string | undefined> = {};
  for (const name in values) {
    const value = values[name];
    last[name] = Array.isArray(value) ? value.at(-1) : value;
  }
  return last;
}
