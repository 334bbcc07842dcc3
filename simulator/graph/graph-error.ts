import { randomBytes } from 'node:crypto';
import { codeStatus, codeTitle } from './codes.ts';

type GraphErrorParts = {
  code: number;
  status: number;
  message: string;
  type: string;
  subcode?: number;
  details?: string;
  headers?: Record<string, string>;
};

/** A class because it is thrown: rules are deeply nested, and Meta reports the first fault it meets. */
export class GraphError extends Error {
  readonly parts: GraphErrorParts;

  constructor(parts: GraphErrorParts) {
    super(parts.message);
    this.parts = parts;
  }
}

export function graphError(
  code: number,
  given: Omit<Partial<GraphErrorParts>, 'code'> & { title?: string } = {},
): GraphError {
  const { title, ...parts } = given;
  return new GraphError({
    code,
    status: codeStatus(code),
    message: `(#${code}) ${title ?? codeTitle(code)}`,
    type: 'OAuthException',
    ...parts,
  });
}

export function graphErrorBody({ parts }: GraphError): { error: Record<string, unknown> } {
  return {
    error: {
      message: parts.message,
      type: parts.type,
      code: parts.code,
      ...(parts.details === undefined
        ? {}
        : { error_data: { messaging_product: 'whatsapp', details: parts.details } }),
      ...(parts.subcode === undefined ? {} : { error_subcode: parts.subcode }),
      fbtrace_id: `A${randomBytes(16).toString('base64url')}`,
    },
  };
}

/** Graph's answer for an id it does not know or does not show to this token: 400/100/33, never 404. */
export function unsupportedRequest(method: string, id: string): GraphError {
  return new GraphError({
    code: 100,
    status: 400,
    type: 'GraphMethodException',
    subcode: 33,
    message:
      `Unsupported ${method.toLowerCase()} request. Object with ID '${id}' does not exist, cannot be loaded due to ` +
      'missing permissions, or does not support this operation. Please read the Graph API documentation at ' +
      'https://developers.facebook.com/docs/graph-api',
  });
}
