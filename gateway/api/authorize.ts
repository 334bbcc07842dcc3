/** Which of the two kinds of key a request of the native API carries. A key of the wrong kind is told so. */
import type { FastifyRequest } from 'fastify';
import { isRefusal, type RefusalOf } from '../canonical/refusal.ts';
import { bearer } from '../dialects/bearer.ts';
import type { WireAnswer } from '../dialects/dialect.ts';
import { problem } from '../dialects/native/problem.ts';
import type { Authenticator, Principal } from '../http/authenticate.ts';
import { ipOf } from '../http/dialect-routes.ts';
import { mayNot } from '../tenants/key-powers.ts';

/** The operator's credential, or the answer that refuses the request. */
export async function operatorOf(
  authenticator: Authenticator,
  request: FastifyRequest,
): Promise<string | WireAnswer> {
  const credential = bearer(request.headers.authorization);
  if (isRefusal(credential)) return problem(credential);
  if (await authenticator.isOperator(credential)) return credential;
  const tenant = await authenticator.tenantKey(credential);
  return isRefusal(tenant)
    ? wrongKey('This route takes an operator key, and this is none of this gateway.')
    : wrongKey("This route takes an operator key, not a tenant's API key.");
}

/** The tenant's key and whom it acts for, if it may do such a thing; or the answer that refuses the request. */
export async function tenantOf(
  authenticator: Authenticator,
  request: FastifyRequest,
  what: 'read' | 'manage',
): Promise<{ principal: Principal; credential: string } | WireAnswer> {
  const credential = bearer(request.headers.authorization);
  if (isRefusal(credential)) return problem(credential);
  const principal = await authenticator.tenantKey(credential);
  if (!isRefusal(principal)) {
    const reason = mayNot(principal.powers, { what, ip: ipOf(request) });
    return reason === undefined ? { principal, credential } : problem({ code: 'power_missing', reason });
  }
  return principal.code === 'credential_invalid' && (await authenticator.isOperator(credential))
    ? wrongKey("This route takes a tenant's API key, not an operator key.")
    : problem(principal);
}

function wrongKey(detail: string): WireAnswer {
  const refusal: RefusalOf<'credential_invalid'> = { code: 'credential_invalid' };
  const answer = problem(refusal);
  return { ...answer, body: { ...(answer.body as object), detail } };
}
