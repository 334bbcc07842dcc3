import type { FastifyRequest } from 'fastify';
import type { Account, Accounts, PhoneNumber } from '../accounts.ts';
import { graphError, unsupportedRequest } from './graph-error.ts';

export type Access = ReturnType<typeof createAccess>;

/** Whose token it is, and what it may see: an object of another account looks like one that does not exist. */
export function createAccess(accounts: Accounts) {
  function tokenOf(request: FastifyRequest): string {
    const header = request.headers.authorization;
    const query = (request.query as { access_token?: unknown }).access_token;
    const body = (request.body as { access_token?: unknown } | undefined | null)?.access_token;
    const token = header?.replace(/^(?:Bearer|OAuth)\s+/i, '').trim() || query || body;
    if (typeof token !== 'string' || token === '') {
      throw graphError(104, { message: 'An access token is required to request this resource.' });
    }
    if (!accounts.knowsToken(token)) {
      throw graphError(190, { message: 'Invalid OAuth access token - Cannot parse access token' });
    }
    return token;
  }

  function objectId(request: FastifyRequest): string {
    return (request.params as { object?: string }).object ?? '';
  }

  function phone(request: FastifyRequest): { account: Account; phone: PhoneNumber } {
    const token = tokenOf(request);
    const found = accounts.phone(objectId(request));
    if (!found || found.account.accessToken !== token)
      throw unsupportedRequest(request.method, objectId(request));
    return found;
  }

  function account(request: FastifyRequest): Account {
    const token = tokenOf(request);
    const found = accounts.account(objectId(request));
    if (!found || found.accessToken !== token) throw unsupportedRequest(request.method, objectId(request));
    return found;
  }

  return {
    phone,
    account,
    /** GET /{id} may name either. */
    isPhone: (request: FastifyRequest) => accounts.phone(objectId(request)) !== undefined,
  };
}
