import type { FastifyRequest } from 'fastify';
import { malformed } from '../rules/check.ts';
import { queryOf } from './body.ts';
import { graphError } from './graph-error.ts';

type Fields = Record<string, unknown>;

/** Only the fields asked for, and always the id, as Graph gives them. */
export function withFields(
  object: Fields,
  asked: string | undefined,
  defaults: string[],
  nodeType: string,
): Fields {
  const names = asked ? topLevelNames(asked) : defaults;
  const shown: Fields = {};
  for (const name of names) {
    if (!(name in object)) {
      throw graphError(100, {
        title: `Tried accessing nonexisting field (${name}) on node type (${nodeType})`,
      });
    }
    if (object[name] !== undefined && object[name] !== null) shown[name] = object[name];
  }
  if (object.id !== undefined) shown.id = object.id;
  return shown;
}

/** `a,b{c,d},e.limit(3)` names a, b and e. */
function topLevelNames(asked: string): string[] {
  let depth = 0;
  let flat = '';
  for (const character of asked) {
    if (character === '{' || character === '(') depth += 1;
    if (depth === 0) flat += character;
    if (character === '}' || character === ')') depth -= 1;
  }
  return flat
    .split(',')
    .map(name => name.trim().replace(/\..*$/, ''))
    .filter(name => name !== '');
}

const cursorOf = (index: number) => Buffer.from(`QVFI${index}`).toString('base64url');

function indexOf(cursor: string): number {
  const index = /^QVFI(\d+)$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))?.[1];
  if (index === undefined) throw malformed('Invalid parameter: the cursor is not valid.');
  return Number(index);
}

/** Graph's cursor paging: `next` and `previous` only where there is such a page. */
export function page<T>(request: FastifyRequest, items: T[], show: (item: T) => Fields) {
  const { limit: asked, after, before } = queryOf(request);
  const limit = asked === undefined ? 25 : Number(asked);
  if (!Number.isInteger(limit) || limit < 1) throw malformed('Param limit must be an integer of at least 1.');
  let from = 0;
  let until = items.length;
  if (after) from = indexOf(after) + 1;
  else if (before) {
    until = Math.min(items.length, indexOf(before));
    from = Math.max(0, until - limit);
  }
  const shown = items.slice(from, Math.min(until, from + limit));
  if (shown.length === 0) return { data: [] };
  const cursors = { before: cursorOf(from), after: cursorOf(from + shown.length - 1) };
  return {
    data: shown.map(show),
    paging: {
      cursors,
      ...(from + shown.length < items.length ? { next: link(request, { after: cursors.after }) } : {}),
      ...(from > 0 ? { previous: link(request, { before: cursors.before }) } : {}),
    },
  };
}

function link(request: FastifyRequest, move: { after?: string; before?: string }): string {
  const url = new URL(`${request.protocol}://${request.host}${request.originalUrl}`);
  url.searchParams.delete('after');
  url.searchParams.delete('before');
  for (const [key, value] of Object.entries(move)) url.searchParams.set(key, value);
  return url.href;
}
