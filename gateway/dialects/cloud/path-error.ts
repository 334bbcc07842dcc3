/** What Graph says of an address it cannot serve. */
import type { GraphError } from './graph-error.ts';

/** Unknown id and id of somebody else: Graph makes no difference (code 100, subcode 33). */
export function unsupportedRequest(method: string, id: string): GraphError {
  return {
    status: 400,
    code: 100,
    subcode: 33,
    type: 'GraphMethodException',
    message:
      `Unsupported ${method.toLowerCase()} request. Object with ID '${id}' does not exist, cannot be loaded due to ` +
      'missing permissions, or does not support this operation. Please read the Graph API documentation at ' +
      'https://developers.facebook.com/docs/graph-api',
  };
}

const edges = new Set(['messages', 'marketing_messages', 'subscribed_apps']);

/**
 * A path that no door has. Graph takes the version off, the next segment for an object's id, and calls the rest unknown; an id
 * that is not of digits is an alias nobody has; a known edge asked by another method is unsupported.
 */
export function pathError(method: string, path: string): GraphError {
  const [id = '', edge, ...rest] = (path.split('?')[0] ?? '')
    .replace(/^\/v\d+\.\d+(?=\/|$)/, '')
    .split('/')
    .filter(segment => segment !== '');
  const known = edges.has(edge ?? '') && rest.length === 0;
  if (known && !/^\d+$/.test(id)) {
    return {
      status: 404,
      code: 803,
      message: `(#803) Some of the aliases you requested do not exist: ${id}`,
    };
  }
  if (known || edge === undefined) return unsupportedRequest(method, id);
  return { status: 400, code: 2500, message: `Unknown path components: /${[edge, ...rest].join('/')}` };
}
