/** Which of the two kinds of key a request of the native API carries. A key of the wrong kind is told so. */
import type { FastifyRequest } from 'fastify';
import { isRefusal, type RefusalOf } from '../canonical/refusal.ts';
import { bearer } from '../dialects/bearer.ts';
import type { WireAnswer } from '../dialects/dialect.ts';
import { problem } from '../dialects/native/problem.ts';
import type { Authenticator, Principal } from '../http/authenticate.ts';

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

export async function tenantOf(
  authenticator: Authenticator,
  request: FastifyRequest,
): Promise<{ principal: Principal; credential: string } | WireAnswer> {
  const credential = bearer(request.headers.authorization);
  if (isRefusal(credential)) return problem(credential);
  const principal = await authenticator.tenantKey(credential);
  if (!isRefusal(principal)) return { principal, credential };
  return principal.code === 'credential_invalid' && (await authenticator.isOperator(credential))
    ? wrongKey("This route takes a tenant's API key, not an operator key.")
    : problem(principal);
}

function wrongKey(detail: string): WireAnswer {
  const refusal: RefusalOf<'credential_invalid'> = { code: 'credential_invalid' };
  const answer = problem(refusal);
  return { ...answer, body: { ...(answer.body as object), detail } };
}
